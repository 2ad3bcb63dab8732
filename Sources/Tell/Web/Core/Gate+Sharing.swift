// Pages of other sites may ask the Prometheus API, as they may ask Prometheus, if they hold a bearer token: browsers then let them read the
// answers. `*` leaves out what the browser itself knows (cookies, remembered passwords), so that a page without a token learns no more
// than a stranger does. <https://fetch.spec.whatwg.org/#http-cors-protocol>

extension WebSite {
    private static let sharingHeaders: [Reply.Header] = [
        .init(name: "access-control-allow-headers", value: "Accept, Authorization, Content-Type, Origin"),
        .init(name: "access-control-allow-methods", value: "GET, POST, OPTIONS"),
        .init(name: "access-control-allow-origin", value: "*"),
        .init(name: "access-control-expose-headers", value: "Date"), .init(name: "vary", value: "Origin"),
    ]

    static func addSharingHeaders(to reply: inout Reply, _ request: WebRequest) {
        guard request.headers["origin"] != nil else { return }
        for header in sharingHeaders { reply.set(header.name, header.value) }
    }

    /// The answer to OPTIONS, the same for every path.
    static func permissionToAsk(_ request: WebRequest) -> Reply {
        var reply = Reply.empty(204)
        addSharingHeaders(to: &reply, request)
        addSecurityHeaders(to: &reply)
        return reply
    }
}
