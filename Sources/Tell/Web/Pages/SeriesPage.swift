import Texts
import Units
import WebAPI

extension WebSite {
    /// How much is stored and where the series come from, so that whoever has too many sees which metric, label or target it is.
    static func series(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let limit = Int(request.query["limit"] ?? "") ?? 20
        let overview = try await site.service.seriesOverview(limit: limit)
        let layout = Layout(context: context, title: context.t[.seriesTitle], live: [.sources])
        return .html(
            layout.page(
                """
                <h1>\(context.t[.seriesTitle])</h1>
                \(context.part("series", context.seriesFacts(overview) + context.refusals(overview)
                    + context.largest(overview)))
                """))
    }
}

extension PageContext {
    fileprivate func seriesFacts(_ overview: SeriesOverview) -> Markup {
        let t = t
        let verdict: Verdict =
            overview.fault != nil
            ? .critical : overview.newestAt == nil ? .unknown : overview.refusals > 0 ? .warning : .ok
        let elsewhere: Markup =
            overview.readElsewhere.map { "<p>\(t(.readElsewhere, ["url": $0]))</p>" } ?? ""
        let fault: Markup = overview.fault.map { "<p class=\"fault\">\($0)</p>" } ?? ""
        func most(_ count: Int?) -> String { count.map { Format.grouped(Double($0)) } ?? t[.noLimit] }
        return """
            <section class="strip \(Self.kind(verdict))"><p>\(self.verdict(verdict)) \
            \(t(.storedInMemory, ["series": Format.grouped(Double(overview.seriesCount)),
                "samples": Format.grouped(Double(overview.memorySamples)), "log": bytes(overview.logBytes)])) · \
            \(t(.storedInBlocks, ["samples": Format.grouped(Double(overview.blockSamples)), "blocks": overview.blocks,
                "size": bytes(overview.blockBytes)]))</p>\(fault)
            <p>\(t[.oldestSample]) \(ago(overview.oldestAt)) · \(t[.newestSample]) \(ago(overview.newestAt))</p>
            <p>\(t(.seriesLimits, ["series": most(overview.limits.series), "metric": most(overview.limits.perMetric),
                "target": most(overview.limits.perTarget)]))</p>\(elsewhere)</section>
            """
    }

    /// What was kept out, above all others: these series are missing.
    fileprivate func refusals(_ overview: SeriesOverview) -> Markup {
        guard overview.refusals > 0 else { return "" }
        return """
            <section><h2>\(t[.refusedSeries])</h2><p class="muted">\(t(.refusedSeriesExplained,
                ["count": Format.grouped(Double(overview.refusals))]))</p>
            \(counts(t[.refusedByMetric], t[.columnMetric], t[.columnRefusals], overview.refusedMetrics, selector: metric))
            \(counts(t[.refusedByTarget], t[.columnTarget], t[.columnRefusals], overview.refusedTargets))</section>
            """
    }

    fileprivate func largest(_ overview: SeriesOverview) -> Markup {
        let limits = overview.limits
        return """
            \(counts(t[.seriesByMetric], t[.columnMetric], t[.columnSeries], overview.metrics, most: limits.perMetric,
                selector: metric))
            \(counts(t[.seriesByTarget], t[.columnTarget], t[.columnSeries], overview.targets, most: limits.perTarget))
            \(counts(t[.seriesByJob], t[.columnJob], t[.columnSeries], overview.jobs))
            \(counts(t[.seriesByPair], t[.columnLabel], t[.columnSeries], overview.labelPairs))
            \(counts(t[.valuesByLabel], t[.columnLabel], t[.columnValues], overview.labelNames))
            \(counts(t[.bytesByLabel], t[.columnLabel], t[.columnSize], overview.labelBytes, isBytes: true))
            """
    }

    private func metric(_ name: String) -> String { "count({__name__=\(PrometheusJSON.quoted(name))})" }

    /// One list of the largest.
    /// - Parameters:
    ///   - most: what a limit allows each; what has reached it is marked.
    ///   - selector: an expression that a name leads to.
    private func counts(
        _ title: String, _ what: String, _ unit: String, _ entries: [SeriesOverview.Entry], most: Int? = nil,
        isBytes: Bool = false, selector: ((String) -> String)? = nil
    ) -> Markup {
        let rows = entries.map { entry in
            let name: Markup =
                selector.map { make in
                    "<a class=\"code\" href=\"\(link: "/query?expr=\(APIPath.escaped(make(entry.name)))")\">\(entry.title)</a>"
                } ?? "<span class=\"code\">\(entry.title)</span>"
            let mark: Markup =
                most.map { $0 > 0 && entry.count >= $0 } == true
                ? " \(Self.badge("warning", "▲", t[.limitReached]))" : ""
            let count = isBytes ? bytes(Int64(entry.count)) : Format.grouped(Double(entry.count))
            return "<tr><td>\(name)\(mark)</td><td class=\"num\">\(count)</td></tr>" as Markup
        }
        return "<section><h2>\(title)</h2>\(table(title, [what, unit], rows, empty: t[.noData]))</section>"
    }
}
