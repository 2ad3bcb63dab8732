import Access
import Units
import WebAPI

extension WebSite {
    static let apiRoutes: [Route] = {
        func get(
            _ path: String, _ summary: String, _ response: String, needs permission: Permission = .viewSite,
            _ parameters: [Route.Parameter] = [], _ handler: @escaping Route.Handler
        ) -> Route {
            Route(.get, path, .api, .needs(permission), summary, query: parameters, response: response, handler)
        }
        return [
            get(APIPath.status, "Whether everything is all right, one line for each area.", "StatusSummary") {
                site, _ in try .json(try await site.service.status())
            },
            get(APIPath.sources, "What is read for samples.", "[SourceStatus]") { site, _ in
                try .json(try await site.service.sources())
            },
            get(APIPath.probes, "Looks from outside and what they saw last.", "[ProbeStatus]") { site, _ in
                try .json(try await site.service.probes())
            },
            get(
                APIPath.alerts, "Alerts that are pending, fire or were resolved within a day.", "[AlertStatus]",
                [
                    .optional(
                        "state", "pending, firing or resolved; all when left out.",
                        .choice(["pending", "firing", "resolved"]))
                ]
            ) {
                site, request in
                let state = request.query["state"]
                if let state, AlertStatus.State(rawValue: state) == nil {
                    throw Problem(
                        .invalid, "state: '\(state.prefix(40))' is no state of an alert",
                        hint: "Write pending, firing or resolved.")
                }
                return try .json(try await site.service.alerts().filter { state == nil || $0.state.rawValue == state })
            },
            get(APIPath.rules, "Rule groups.", "[RuleGroupStatus]") { site, _ in
                try .json(try await site.inspectedRuleGroups())
            },
            get(
                APIPath.series, "How much is stored, and which metrics, labels and targets have the most series.",
                "SeriesOverview",
                [.optional("limit", "How many of each kind, 1 to 1000; 10 when left out.", .number(1...1000))]
            ) { site, request in
                try .json(try await site.service.seriesOverview(limit: Int(request.query["limit"] ?? "") ?? 10))
            },
            get(APIPath.jobs, "Jobs with their last runs.", "[JobStatus]") { site, _ in
                try .json(try await site.service.jobs())
            },
            get(
                "\(APIPath.jobs)/{name}", "A job with its newest runs.", "JobDetail",
                [.optional("runs", "How many runs, 1 to 500; 50 when left out.", .number(1...500))]
            ) {
                site, request in
                let count = Int(request.query["runs"] ?? "") ?? 50
                return try .json(try await site.service.job(request.parameters["name"] ?? "", runCountMax: count))
            },
            get("\(APIPath.jobs)/{name}/runs/{run}", "A run with the end of its output.", "JobRun") { site, request in
                try .json(
                    try await site.service.jobRun(
                        request.parameters["run"] ?? "", of: request.parameters["name"] ?? ""))
            },
            get(APIPath.backups, "Targets, copies and drills.", "BackupOverview") { site, _ in
                try .json(try await site.service.backups())
            },
            get(APIPath.notifications, "How the messages fare.", "NotificationOverview") { site, _ in
                try .json(try await site.service.notifications())
            },
            get(
                APIPath.configuration, "Effective values with their origin; secrets are left out.",
                "EffectiveConfiguration", needs: .viewConfiguration
            ) {
                site, _ in try .json(try await site.service.configuration())
            },
            get(APIPath.version, "Version and place of the daemon.", "VersionInfo") { site, _ in
                try .json(try await site.service.version())
            },
            get(
                APIPath.ledger, "Entries of the ledger, the newest first.", "LedgerPage", needs: .viewLedger,
                ledgerParameters
            ) { site, request in try .json(try await site.service.ledgerEntries(try ledgerFilter(request.query))) },
            get(APIPath.ledgerCheckpoint, "The newest signed checkpoint.", "LedgerCheckpoint", needs: .viewLedger) {
                site, _ in try .json(try await site.service.ledgerCheckpoint())
            },
            Route(
                .post, APIPath.ledgerVerify, .api, .needs(.verifyLedger), "Read and check the whole ledger.",
                response: "LedgerVerification"
            ) { site, _ in try .json(try await site.service.verifyLedger()) },
            Route(
                .get, APIPath.ledgerExport, .api, .needs(.verifyLedger),
                "All entries as JSON lines, with the signed checkpoint at the end."
            ) { site, _ in
                Reply(200, type: "application/x-ndjson; charset=utf-8", .pieces(try await site.service.exportLedger()))
            },
            get(APIPath.whoAmI, "Who the server takes the caller for.", "WhoAmI", needs: .manageOwnAccount) {
                _, request in
                guard let identity = request.identity else { throw Problem(.unauthenticated, "this needs a login") }
                let means =
                    switch identity.means {
                    case .session: "session"
                    case .token: "token"
                    case .socket: "socket"
                    }
                return try .json(WhoAmI(name: identity.name, role: identity.role.rawValue, by: means))
            },
            Route(
                .get, "/metrics", .api, .needs(.viewMetrics), "Jaga's own metrics in the text exposition format."
            ) { site, _ in
                Reply(
                    200, type: "text/plain; version=0.0.4; charset=utf-8", .text(try await site.service.selfMetrics()))
            },
            Route(
                .get, "/events", .api, .needs(.viewSite), "Server-sent events that say what changed.", changes),
            Route(
                .get, "/api/openapi.json", .api, .needs(.viewSite), "This description."
            ) { site, request in
                .json(text: OpenAPI.document(site.table.routes, version: try await site.service.version().version))
            },
        ]
    }()

    static let apiActionRoutes: [Route] = [
        Route(
            .get, APIPath.actions, .api, .needs(.viewSite), "Actions under way and done, the newest first.",
            response: "[ActionStatus]"
        ) { site, _ in try .json(try await site.service.actions()) },
        Route(
            .get, "\(APIPath.actions)/{id}", .api, .needs(.viewSite), "How an action fares.", response: "ActionStatus"
        ) { site, request in try .json(try await site.service.action(request.parameters["id"] ?? "")) },
        Route(
            .post, APIPath.actions, .api, .needs(.runActions), "Start an action; the answer comes at once.",
            request: "SiteAction", response: "ActionStatus"
        ) { site, request in
            let action = try decoded(SiteAction.self, request)
            try require(permission(for: action), request)
            return try .json(try await site.service.perform(action, by: try actor(request)), status: 202)
        },
    ]

    static func decoded<Value: Decodable>(_ type: Value.Type, _ request: WebRequest) throws -> Value {
        do {
            return try APIJSON.decode(type, from: request.body)
        } catch {
            throw Problem(.invalid, "the body is not a \(type): \(reason(error))", hint: "See /api for the fields.")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has another type"
        default: "it is not JSON of that shape"
        }
    }
}
