import JSONCoding
import Access
import Series
import Units
import WebAPI

// The Prometheus HTTP API. `query`, `query_range`, `labels`, `series` and others take their parameters from the address or, with POST,
// from a form in the body, as Grafana sends long expressions.
// <https://prometheus.io/docs/prometheus/latest/querying/api/>

extension WebSite {
    /// The largest form of a question: an expression of a mebibyte, which is as long as one may be, with each of its bytes as `%XX`, and
    /// another mebibyte for what stands beside it. Go's servers take ten million bytes.
    static let formBytesMax = 4 << 20

    static let prometheusRoutes: [Route] = {
        let range: [Route.Parameter] = [
            .optional("match[]", "Selectors; a series must match one of them. May stand several times."),
            .optional("start", "RFC 3339 or seconds since 1970; the beginning when left out."),
            .optional("end", "RFC 3339 or seconds since 1970; the end of time when left out."),
            .optional("limit", "Most items."),
        ]
        let common: [Route.Parameter] = [
            .optional("timeout", "A duration; at most the server's limit."),
            .optional("limit", "Most series of the answer; 0 for all."),
            .optional("lookback_delta", "How far back a selector looks, a duration or seconds."),
            .optional("stats", "Anything: say what the query cost."),
        ]
        let query: [Route.Parameter] = [.required("query", "A PromQL expression.")]
        func both(
            _ path: String, _ summary: String, _ parameters: [Route.Parameter], _ handler: @escaping Route.Handler
        ) -> [Route] {
            [WebRequest.Method.get, .post].map { method in
                Route(
                    method, "/api/v1/\(path)", .prometheus, .needs(.viewSite), summary, query: parameters,
                    bodyBytesMax: method == .post ? WebSite.formBytesMax : nil, handler)
            }
        }
        func get(
            _ path: String, _ summary: String, _ parameters: [Route.Parameter] = [], handler: @escaping Route.Handler
        )
            -> Route
        {
            Route(.get, "/api/v1/\(path)", .prometheus, .needs(.viewSite), summary, query: parameters, handler)
        }
        return both(
            "query", "The answer to an expression at one instant.",
            [
                .required("query", "A PromQL expression."),
                .optional("time", "RFC 3339 or seconds since 1970; now when left out."),
            ] + common, promQuery)
            + both(
                "query_range", "The answers to an expression over a range of time.",
                [
                    .required("query", "A PromQL expression."), .required("start", "RFC 3339 or seconds since 1970."),
                    .required("end", "RFC 3339 or seconds since 1970."),
                    .required("step", "A duration or seconds; at most 11,000 steps."),
                ] + common, promQueryRange)
            + both("labels", "Names of labels.", range, promLabels)
            + both("series", "The label sets of series.", range, promSeries)
            + both(
                "query_exemplars", "The exemplars of the series that an expression names.", query + range, promExemplars
            )
            + both("format_query", "An expression laid out over lines.", query, promFormat)
            + both("parse_query", "An expression as a tree.", query, promParse)
            + [
                get("label/{name}/values", "Values of a label.", range, handler: promLabelValues),
                get(
                    "rules", "Rule groups with their alerts.", prometheusRuleParameters, handler: prometheusRules),
                get("alerts", "Pending and firing alerts.", handler: prometheusAlerts),
                get(
                    "targets", "What is read for samples.",
                    [.optional("state", "active, dropped or any."), .optional("scrapePool", "Only this job.")],
                    handler: promTargets),
                get(
                    "targets/metadata", "Type and help of metrics as the targets give them.",
                    [
                        .optional("match_target", "A selector of targets' labels."),
                        .optional("metric", "Only this one."), .optional("limit", "Most entries."),
                    ], handler: promTargetMetadata),
                get(
                    "metadata", "Type and help of metrics.",
                    [
                        .optional("metric", "Only this one."), .optional("limit", "Most metrics."),
                        .optional("limit_per_metric", "Most entries of a metric."),
                    ], handler: promMetadata),
                get("alertmanagers", "Where alerts are sent besides Jaga's own receivers.") { _, _ in
                    prometheusSuccess("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}")
                },
                get("status/buildinfo", "Version, as Grafana asks for it.", handler: promBuildInfo),
            ] + statusRoutes + adminRoutes + exchangeRoutes
    }()

    // MARK: Envelope

    static func prometheusSuccess(_ data: String) -> Reply {
        .json(text: "{\"status\":\"success\",\"data\":\(data)}")
    }

    private static func prometheusSuccess(_ answer: PrometheusAnswer) -> Reply {
        var bytes: [UInt8] = []
        for (name, notes) in [("warnings", answer.warnings), ("infos", answer.infos)] where !notes.isEmpty {
            bytes += Array(",\"\(name)\":\(jsonList(notes))".utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        let parts = [Array("{\"status\":\"success\",\"data\":".utf8)] + answer.parts + [bytes]
        return Reply(200, type: "application/json", .parts(parts, memory: answer.memory))
    }

    static func prometheusFailure(_ fault: QueryFault) -> Reply {
        .json(
            text: """
                {"status":"error","errorType":"\(fault.kind.rawValue)","error":\(PrometheusJSON.quoted(fault.message))}
                """, status: fault.httpStatus)
    }

    static func jsonList(_ texts: [String]) -> String {
        "[\(texts.map(PrometheusJSON.quoted).joined(separator: ","))]"
    }

    // MARK: Queries

    // The parameters are looked at in the reference's order, so that of several faults the same one is told.

    private static func promQuery(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let limit = try parameters.limit()
        let time = try parameters.instant("time")
        let limits = try parameters.queryLimits(site.options.queryTimeLimit)
        return prometheusSuccess(
            try await site.service.answer(
                PrometheusQuery(
                    parameters.expression, .instant(time), timeLimit: limits.time, limit: limit == 0 ? nil : limit,
                    lookback: limits.lookback, wantsStatistics: parameters.wantsStatistics)))
    }

    private static func promQueryRange(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let limit = try parameters.limit()
        let start = try parameters.requiredInstant("start")
        let end = try parameters.requiredInstant("end")
        guard end >= start else { throw parameters.invalid("end", "end timestamp must not be before start time") }
        let step = try parameters.span("step")
        guard step > .zero else {
            throw parameters.invalid(
                "step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        // The reference's limit, which keeps one careless step from asking for millions of points.
        guard (end - start).wholeMilliseconds / max(1, step.wholeMilliseconds) <= 11_000 else {
            throw QueryFault(
                .badData,
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
            )
        }
        let limits = try parameters.queryLimits(site.options.queryTimeLimit)
        return prometheusSuccess(
            try await site.service.answer(
                PrometheusQuery(
                    parameters.expression, .range(from: start, through: end, step: step), timeLimit: limits.time,
                    limit: limit == 0 ? nil : limit, lookback: limits.lookback,
                    wantsStatistics: parameters.wantsStatistics)))
    }

    private static func promExemplars(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let filter = try parameters.filter()
        guard filter.through >= filter.from else {
            throw QueryFault(.badData, "end timestamp must not be before start timestamp")
        }
        return prometheusSuccess(
            try await site.service.exemplars(parameters.expression, from: filter.from, through: filter.through))
    }

    private static func promFormat(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let expression = PrometheusParameters(request).expression
        return prometheusSuccess(PrometheusJSON.quoted(try await site.service.format(expression)))
    }

    private static func promParse(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        prometheusSuccess(try await site.service.parse(PrometheusParameters(request).expression).canonicalText)
    }

    private static func promLabels(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        try await limited(site, request) { filter in
            try await site.service.labelNames(filter).map { PrometheusJSON.quoted($0) }
        }
    }

    private static func promLabelValues(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let name = request.parameters["name"] ?? ""
        return try await limited(site, request) { filter in
            try await site.service.labelValues(name, filter).map { PrometheusJSON.quoted($0) }
        }
    }

    private static func promSeries(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        try await limited(site, request) { filter in
            guard !filter.selectors.isEmpty else { throw QueryFault(.badData, "no match[] parameter provided") }
            return try await site.service.series(filter).map { labels in
                let members = labels.pairs.map {
                    "\(PrometheusJSON.quoted($0.name)):\(PrometheusJSON.quoted($0.value))"
                }
                return "{\(members.joined(separator: ","))}"
            }
        }
    }

    /// As many items as the parameter `limit` lets through, with a warning where there are more: one more than that is asked for.
    private static func limited(
        _ site: WebSite, _ request: WebRequest, _ items: (SeriesFilter) async throws -> [String]
    ) async throws -> Reply {
        var filter = try PrometheusParameters(request).filter()
        let limit = filter.limit.flatMap { $0 > 0 && $0 < .max ? $0 : nil }
        filter.limit = limit.map { $0 + 1 }
        let found = try await items(filter)
        let data = "[\(found.prefix(limit ?? .max).joined(separator: ","))]"
        let isCut = limit.map { found.count > $0 } ?? false
        return prometheusSuccess(
            PrometheusAnswer(
                [Array(data.utf8)],
                warnings: site.service.lacks(filter) + (isCut ? ["results truncated due to limit"] : [])))
    }
}
