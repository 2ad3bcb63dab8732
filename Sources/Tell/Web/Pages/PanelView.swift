import Series
import Texts
import Units
import WebAPI

extension PageContext {
    /// Reads and draws all panels at once. A panel whose query fails says so; the others stand.
    func panels(_ panels: [Panel], selector: String) async -> Markup {
        let drawn = await withTaskGroup(of: (Int, Markup).self) { group in
            for (index, panel) in panels.enumerated() {
                group.addTask { (index, await self.draw(panel, selector: selector)) }
            }
            var pieces = [Markup](repeating: "", count: panels.count)
            for await (index, piece) in group { pieces[index] = piece }
            return pieces
        }
        return "<div class=\"panels\">\(drawn)</div>"
    }

    private func draw(_ panel: Panel, selector: String) async -> Markup {
        let span = range.span
        let step = range.step
        var lines: [Chart.Line] = []
        var sources: [String] = []
        var fault: String?
        for query in panel.queries {
            do {
                let answer = try await site.service.queryRange(
                    query.filled(selector), from: now - span, through: now, step: step, timeLimit: .seconds(10))
                let found = chartLines(answer.result, query)
                lines += found
                sources += found.map { _ in query.filled(selector) }
            } catch {
                fault = (error as? QueryFault)?.message ?? t[.queryFailed]
            }
        }
        // Not every machine has swap, nor every database a standby: an empty panel would look like a fault.
        if panel.isOptional, lines.isEmpty, fault == nil { return "" }
        let title = t[panel.title]
        let chart = Chart(
            lines: lines, from: now - span, through: now, stepMs: step.wholeMilliseconds, unit: panel.unit,
            description: summary(title, lines, panel.unit), valueMax: panel.valueMax)
        return """
            <figure class="panel" data-chart data-unit="\(panel.unit.rawValue)" data-span="\(span.components.seconds)" \
            data-step="\(max(1, step.wholeMilliseconds / 1000))"\(maximum(panel))>\
            <figcaption>\(title)\(carriers(panel, selector: selector))</figcaption>
            <div class="plot">\(lines.isEmpty ? nothing(fault, panel, selector) : chart.svg)</div>
            \(legend(lines, sources, panel.unit))
            </figure>
            """
    }

    private func maximum(_ panel: Panel) -> Markup {
        panel.valueMax.map { " data-max=\"\(PrometheusJSON.text($0))\"" } ?? ""
    }

    private func nothing(_ fault: String?, _ panel: Panel, _ selector: String) -> Markup {
        let link = panel.queries.first.map { queryLink($0.filled(selector), t[.showQuery]) }
        return "<p class=\"nodata\"><span aria-hidden=\"true\">?</span> \(fault ?? t[.noData]) \(link)</p>"
    }

    private func queryLink(_ expression: String, _ text: String) -> Markup {
        """
        <a class="source" href="\(link: "/query?expr=\(APIPath.escaped(expression))")" title="\(expression)">\(text)</a>
        """
    }

    /// What the script asks for when it draws the panel anew.
    private func carriers(_ panel: Panel, selector: String) -> Markup {
        panel.queries.map { query in
            """
            <span hidden data-query="\(query.filled(selector))" data-legend="\(query.legend ?? "")" \
            data-name="\(query.name)"></span>
            """ as Markup
        }.joined()
    }

    func chartLines(_ result: QueryResult, _ query: Panel.Query) -> [Chart.Line] {
        guard case .matrix(let series) = result else { return [] }
        return series.flatMap { columns -> [Chart.Line] in
            let name = lineName(columns.labels, query)
            var lines: [Chart.Line] = []
            if !columns.times.isEmpty || columns.histograms.isEmpty {
                lines.append(Chart.Line(name: name, times: columns.times, values: columns.values))
            }
            if !columns.histograms.isEmpty {
                // A line has one number for each instant; of a native histogram it is the number of observations.
                lines.append(
                    Chart.Line(
                        name: "\(name) count", times: columns.histograms.map(\.time),
                        values: columns.histograms.map(\.count)))
            }
            return lines
        }
    }

    private func lineName(_ labels: Labels, _ query: Panel.Query) -> String {
        guard let legend = query.legend else { return query.name }
        let value = legend == "*" ? metric(labels) : labels[legend] ?? ""
        if query.name.isEmpty { return value.isEmpty ? t[.noLabel] : value }
        return "\(value) \(query.name)"
    }

    /// Names with their last values: the legend, and the numbers for whoever does not see the lines. Each name leads to the query that gave the line.
    private func legend(_ lines: [Chart.Line], _ sources: [String], _ unit: Figure.Unit) -> Markup {
        let items = zip(lines, sources).prefix(Chart.lineCountMax).enumerated().map { index, entry in
            let (line, source) = entry
            return """
                <li><span class="key k\(index)" aria-hidden="true"></span>\(queryLink(source, line.name)) \
                <b>\(figure(line.values.last, unit))</b></li>
                """ as Markup
        }
        let hidden = lines.count - items.count
        let rest: Markup = hidden > 0 ? "<li class=\"muted\">\(t(.moreLines, ["count": hidden]))</li>" : ""
        return "<ul class=\"legend\">\(items)\(rest)</ul>"
    }

    private func summary(_ title: String, _ lines: [Chart.Line], _ unit: Figure.Unit) -> String {
        let parts = lines.prefix(Chart.lineCountMax).map { line in
            let highest = line.values.filter(\.isFinite).max()
            return t(
                .chartLine,
                ["name": line.name, "last": figure(line.values.last, unit), "highest": figure(highest, unit)])
        }
        return "\(title). \(parts.joined(separator: "; "))"
    }
}
