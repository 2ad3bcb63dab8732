import Access
import Events
import JSONCoding
import Texts
import Units
import WebAPI

extension WebSite {
    static func performForm(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let action = try formAction(request)
        try require(permission(for: action), request)
        let status = try await site.service.perform(action, by: try actor(request))
        return .seeOther("/actions/\(APIPath.escaped(status.id))")
    }

    private static func formAction(_ request: WebRequest) throws -> SiteAction {
        let form = request.form
        func needed(_ name: String) throws -> String {
            guard let value = form[name] else { throw Problem(.invalid, "the form lacks '\(name)'") }
            return value
        }
        switch request.parameters["action"] {
        case "run-job": return .runJob(name: try needed("name"))
        case "run-backup": return .runBackup(target: try needed("target"))
        case "verify-backup": return .verifyBackup(id: try needed("id"))
        case "drill": return .drill(target: try needed("target"), backup: form["backup"])
        case "restore":
            return .restore(target: form["target"] ?? "", backup: form["backup"], into: try needed("into"))
        case "reload": return .reload
        default: throw Problem(.notFound, "there is no action '\((request.parameters["action"] ?? "").prefix(40))'")
        }
    }

    static func permission(for action: SiteAction) -> Permission {
        switch action {
        case .runJob, .runBackup, .verifyBackup, .drill: .runActions
        case .restore: .restore
        case .reload: .reload
        }
    }

    static func require(_ permission: Permission, _ request: WebRequest) throws {
        guard let identity = request.identity, isAllowed(permission, to: identity.role) else {
            throw Problem(
                .forbidden, "the role \(request.identity?.role.rawValue ?? "none") may not do this",
                hint: "Ask an administrator for another role.")
        }
    }

    static func actor(_ request: WebRequest) throws -> Actor {
        guard let identity = request.identity else { throw Problem(.unauthenticated, "this needs a login") }
        return identity.actor
    }

    static func actionPage(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let action = try await site.service.action(request.parameters["id"] ?? "")
        let state: Markup =
            switch action.state {
            case .running: PageContext.badge("quiet", "▶", t[.outcomeRunning])
            case .succeeded: PageContext.badge("ok", "✓", t[.outcomeSucceeded])
            case .failed: PageContext.badge("critical", "✕", t[.outcomeFailed])
            }
        let layout = Layout(context: context, title: action.action.name, live: [.actions, .jobs, .backups])
        let end = action.finishedAt ?? context.now
        let hint: Markup = action.hint.map { "<p>\($0)</p>" } ?? ""
        let result = action.result.objectValue?.isEmpty == false ? action.result.prettyText : ""
        let detail: Markup = result.isEmpty ? "" : "<pre tabindex=\"0\">\(result)</pre>"
        let body: Markup = """
            <section class="strip" aria-live="polite"><p>\(state) \(action.message)</p>\(hint)
            <p class="facts">\(context.time(action.startedAt)) · \(t[.tookTime]) \((end - action.startedAt).briefText) · \
            \(action.actor)</p></section>\(detail)
            """
        var reply = Reply.html(
            layout.page("<h1>\(action.action.name) \(action.action.subject)</h1>\(context.part("action", body))"))
        // Without a script the page asks again by itself until the action has ended.
        if action.state == .running { reply.set("refresh", "3") }
        return reply
    }
}
