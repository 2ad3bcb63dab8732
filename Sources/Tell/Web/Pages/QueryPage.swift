import Series
import Texts
import Units
import WebAPI

extension WebSite {
    /// An expression with its answer now and over time: where every figure's link leads.
    static func queryPage(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        if request.query["expr"] == nil, request.query.pairs.contains(where: { GraphLink.isParameter($0.name) }) {
            return .seeOther(GraphLink(request.query).path)
        }
        let context = PageContext(site, request)
        let t = context.t
        let expression = request.query["expr"] ?? ""
        let form: Markup = """
            <form method="get" action="/query" class="fields" role="search">
            <label class="wide">\(t[.expressionLabel]) \
            <textarea name="expr" rows="2" spellcheck="false" required>\(expression)</textarea></label>
            <input type="hidden" name="range" value="\(context.range.rawValue)"><button class="primary">\(t[.askNow])</button></form>
            """
        let answer = expression.isEmpty ? "" : await context.answer(expression)
        let layout = Layout(context: context, title: t[.navQuery], section: .query, hasCharts: !expression.isEmpty)
        return .html(layout.page("<h1>\(t[.navQuery])</h1>\(form)\(answer)"))
    }
}

extension PageContext {
    /// More rows than a person reads cost the browser more than they tell.
    private static let rowCountMax = 200

    fileprivate func answer(_ expression: String) async -> Markup {
        let result: QueryResult
        do {
            result = try await site.service.query(expression, at: now, timeLimit: .seconds(10)).result
        } catch {
            let message = (error as? QueryFault)?.message ?? t[.queryFailed]
            return "<p class=\"fault\" role=\"alert\">\(message)</p>"
        }
        // No label is known to tell the lines apart, so each is named by all of its labels.
        let panel = Panel(.panelOverTime, .none, [.each("*", expression)])
        let drawn = await panels([panel], selector: "")
        return """
            <h2>\(t[.answerNow])</h2>\(rows(result))\(aboutHistograms(result))
            <h2>\(t[.answerOverTime])</h2>\(rangePicker("/query", ["expr": expression]))\(drawn)
            """
    }

    /// What the chart shows of native histograms.
    private func aboutHistograms(_ result: QueryResult) -> Markup {
        guard case .vector(let samples) = result, samples.contains(where: { $0.histogram != nil }) else { return "" }
        return "<p class=\"muted\">\(t[.histogramsAsCounts])</p>"
    }

    private func rows(_ result: QueryResult) -> Markup {
        switch result {
        case .vector(let samples):
            let rows = samples.prefix(Self.rowCountMax).map { sample in
                "<tr><td class=\"code\">\(metric(sample.labels))</td><td class=\"num\">\(sample.text)</td></tr>"
                    as Markup
            }
            let hidden = samples.count - rows.count
            let more: Markup = hidden > 0 ? "<p class=\"muted\">\(t(.moreLines, ["count": hidden]))</p>" : ""
            return table(t[.answerNow], [t[.columnSeries], t[.columnValue]], rows, empty: t[.noData]) + more
        case .scalar(let value, _): return "<p class=\"big\">\(PrometheusJSON.text(value))</p>"
        case .string(let text, _): return "<p class=\"big\">\(text)</p>"
        case .matrix(let series): return "<p>\(t(.seriesCount, ["count": series.count]))</p>"
        }
    }

    func metric(_ labels: Labels) -> String {
        let inner = selector(labels.dropping([Labels.metricName]))
        let name = labels.name
        if name.isEmpty || Labels.isClassicName(name, colons: true) {
            return name + (inner.isEmpty ? "" : "{\(inner)}")
        }
        return "{\(PrometheusJSON.quoted(name))\(inner.isEmpty ? "" : ",\(inner)")}"
    }
}
