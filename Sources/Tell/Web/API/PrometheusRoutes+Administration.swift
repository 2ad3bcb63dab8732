import JSONCoding
import Access
import Units
import WebAPI

// The Prometheus HTTP API beyond questions: how the store does, what an administrator may do to it, and the messages in which other
// programs send samples or ask for them.

extension WebSite {
    static let statusRoutes: [Route] = PrometheusStatusTopic.allCases.map { topic in
        let summary =
            switch topic {
            case .config: "The configuration as YAML, secrets left out."
            case .flags: "What the reference sets by options of its command line."
            case .runtimeinfo: "When the process started, and how the store is kept."
            case .tsdb: "How many series there are, and which metrics and labels have the most."
            case .walreplay: "How far reading the log back has come."
            }
        return Route(
            .get, "/api/v1/status/\(topic.rawValue)", .prometheus,
            .needs(topic == .config ? .viewConfiguration : .viewSite), summary,
            query: topic == .tsdb ? [.optional("limit", "Entries of each list; 10 when left out.")] : []
        ) { site, request in
            let limit = try PrometheusParameters(request).positive("limit", atMost: 10_000) ?? 10
            return prometheusSuccess(try await site.service.status(topic, limit: limit).canonicalText)
        }
    }

    static let adminRoutes: [Route] = [WebRequest.Method.post, .put].flatMap { method in
        [
            Route(
                method, "/api/v1/admin/tsdb/delete_series", .prometheus, .needs(.administerSeries),
                "Removes the samples of the matching series in a range.",
                query: [
                    .required("match[]", "Selectors; a series must match one of them. May stand several times."),
                    .optional("start", "RFC 3339 or seconds since 1970; the beginning when left out."),
                    .optional("end", "RFC 3339 or seconds since 1970; the end of time when left out."),
                ]
            ) { site, request in
                let parameters = PrometheusParameters(request)
                let selectors = parameters.all("match[]")
                guard !selectors.isEmpty else { throw QueryFault(.badData, "no match[] parameter provided") }
                try await site.service.deleteSeries(
                    selectors, from: try parameters.instant("start") ?? Timestamp(millisecondsSinceEpoch: .min / 2),
                    through: try parameters.instant("end") ?? Timestamp(millisecondsSinceEpoch: .max / 2))
                return Reply.empty(204)
            },
            Route(
                method, "/api/v1/admin/tsdb/clean_tombstones", .prometheus, .needs(.administerSeries),
                "Writes the blocks with deleted samples anew, so that their space is free."
            ) { site, _ in
                try await site.service.cleanTombstones()
                return Reply.empty(204)
            },
            Route(
                method, "/api/v1/admin/tsdb/snapshot", .prometheus, .needs(.administerSeries),
                "Keeps the store as it is now in a folder of its own, in the data folder under series/snapshots.",
                query: [.optional("skip_head", "Only false: a snapshot holds everything.")]
            ) { site, request in
                let name = try await site.service.snapshot(
                    skipsHead: try PrometheusParameters(request).boolean("skip_head"))
                return prometheusSuccess("{\"name\":\(PrometheusJSON.quoted(name))}")
            },
        ]
    }

    /// A message may be as large as the reference's senders make them; unpacked it is bounded once more.
    private static let messageBytesMax = 32 << 20

    static let exchangeRoutes: [Route] = [
        exchange("write", .remoteWrite, .writeSeries, "Takes samples by remote write, version 1.0 or 2.0."),
        exchange("read", .remoteRead, .viewSite, "Gives samples by remote read."),
        exchange("otlp/v1/metrics", .otlpMetrics, .writeSeries, "Takes samples by OTLP, in protocol buffers or JSON."),
        Route(
            .get, federationPath, .prometheus, .needs(.viewMetrics),
            "The newest samples of series as a page to scrape.",
            query: [.required("match[]", "Selectors; a series must match one of them. May stand several times.")]
        ) { site, request in
            let page = try await site.service.federate(
                PrometheusParameters(request).all("match[]"), accept: request.headers["accept"])
            return Reply(page.status, type: page.type, .parts([page.body], memory: page.memory))
        },
    ]

    private static func exchange(
        _ path: String, _ kind: ReceivedMessage.Kind, _ permission: Permission, _ summary: String
    ) -> Route {
        Route(
            .post, "/api/v1/\(path)", .prometheus, .needs(permission), summary, bodyBytesMax: messageBytesMax
        ) { site, request in
            let sent = try await site.service.exchange(
                ReceivedMessage(kind, headers: request.headers, body: request.body))
            var reply = Reply(sent.status, type: sent.type, .parts([sent.body], memory: sent.memory))
            for header in sent.headers { reply.set(header.name, header.value) }
            return reply
        }
    }
}
