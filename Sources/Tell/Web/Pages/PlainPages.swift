import Access
import Texts
import WebAPI

extension WebSite {
    func errorPage(_ problem: Problem, _ request: WebRequest) -> Reply {
        let context = PageContext(self, request)
        let title =
            switch problem.code {
            case .notFound: phrases[.errorNotFound]
            case .forbidden: phrases[.errorForbidden]
            default: phrases[.errorTitle]
            }
        return .html(
            Layout(context: context, title: title).page(
                """
                <section class="card narrow"><h1>\(title)</h1><p class="fault" role="alert">\(problem.summary)</p>
                <p>\(problem.hint ?? "")</p><p class="muted">\(problem.httpStatus) \(problem.code.rawValue)</p>
                <p><a href="/">\(phrases[.backToOverview])</a></p></section>
                """), status: problem.httpStatus)
    }

    /// Tells a load balancer or a monitor that the program answers. Says nothing else, since anybody may ask.
    static func health(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        Reply(200, type: "text/plain; charset=utf-8", .text("ok\n"))
    }

    static func asset(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        guard let asset = site.assets.assets[request.parameters["name"] ?? ""] else {
            throw Problem(.notFound, "there is no such file")
        }
        // With the version in its address a file never changes; without, the browser asks whether it did.
        let caching = request.query["v"] == nil ? "public, no-cache" : "public, max-age=31536000, immutable"
        if request.headers["if-none-match"] == asset.tag {
            var reply = Reply(304, type: asset.type, .text(""))
            reply.set("etag", asset.tag)
            reply.set("cache-control", caching)
            return reply
        }
        var reply = Reply(200, type: asset.type, .bytes(asset.bytes))
        reply.set("etag", asset.tag)
        reply.set("cache-control", caching)
        return reply
    }

    static func changes(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        guard let identity = request.identity else { throw Problem(.unauthenticated, "this needs a login") }
        guard let place = site.feeds.admit(identity) else {
            throw Problem(.unavailable, "too many pages listen for changes", hint: "Close some of them.")
        }
        return Reply(
            200, type: "text/event-stream",
            .changes(LiveFeed(site: site, place: place, changes: await site.service.changes())))
    }

    /// A page for people over `openapi.json`.
    static func apiPage(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let rows = site.table.routes.filter { $0.family != .page }.map { route in
            let parameters = route.parameters.map { parameter in
                let mark = parameter.isRequired ? " *" : ""
                return "<div><span class=\"code\">\(parameter.name)\(mark)</span> \(parameter.documentation)</div>"
                    as Markup
            }
            return """
                <tr><td class="code">\(route.method.rawValue)</td><td class="code">\(route.pattern)</td>\
                <td>\(route.summary)\(parameters)</td><td>\(route.permissionName)</td></tr>
                """ as Markup
        }
        let layout = Layout(context: context, title: t[.navAPI], section: .api)
        let columns = [t[.columnMethod], t[.columnPath], t[.columnMeaning], t[.columnNeeds]]
        return .html(
            layout.page(
                """
                <h1>\(t[.navAPI])</h1><p>\(t[.apiExplained])</p>
                <pre tabindex="0">curl -H "Authorization: Bearer $TOKEN" \(request.isSecure ? "https" : "http")://\(request.headers["host"] ?? "localhost")/api/jaga/v1/status</pre>
                <p><a href="/api/openapi.json">openapi.json</a></p>
                \(context.table(t[.navAPI], columns, rows, empty: ""))
                """))
    }
}

extension Route {
    var permissionName: String {
        switch entrance {
        case .open: "–"
        case .needs(let permission): permission.rawValue
        }
    }
}
