import Access
import BlockingCalls
import Diagnostics
import Logging
import Synchronization
import Units
import WebAPI

// Every request comes through here, in this order:
// 0. Is it meant for this server? A page of another site that makes its own name lead to 127.0.0.1 sends that name. OPTIONS on the
//    Prometheus API ends here: it carries no login and gets no data.
// 1. Who is it? The admin socket, a bearer token or a session's cookie.
// 2. Which route? An unknown address needs a login too, so that nothing can be learned from outside.
// 3. Is the route open, or may this role do what it needs?
// 4. Does a request that changes something come from our own pages? A session's cookie travels with requests that other
//    sites make the browser send, so such a request must carry the form token; a bearer token or the socket does not travel.
// 5. Does the query hold only what the route declares, with values that fit?
// 6. The handler, under a time limit.
// 7. Compression, for who asks for it.
// 8. Failures become a page or JSON with a code; details of unexpected ones go to the log only.

extension WebSite {
    static let sessionCookie = "jaga_session"
    /// Pairs with the hidden field of forms that are shown before a login.
    static let formCookie = "jaga_form"
    static let formField = "form_token"
    static let formHeader = "x-jaga-form-token"

    /// Answers a request.
    public func respond(to request: WebRequest) async -> Reply { await respond(to: request, in: nil) }

    /// - Parameter task: the one that calls this, where it may be cancelled when the time is up.
    func respond(to request: WebRequest, in task: TaskCanceller?) async -> Reply {
        var request = request
        var family = Self.family(ofPath: request.path)
        var reply: Reply
        do {
            try requireOwnName(request)
            if request.method == .options, request.path.hasPrefix("/api/v1/") { return Self.methodsAnswered() }
            try await identify(&request)
            let route = try find(&request)
            family = route.family
            try admit(request, to: route)
            try route.check(request.query)
            reply = try await withTimeLimit(timeLimit(of: request), in: task) { [request] in
                try await route.handler(self, request)
            }
            try Self.compress(&reply, for: request)
        } catch {
            reply = failure(error, request, family)
        }
        if reply.status == 405 { reply.set("allow", table.allowedMethods(path: request.path)) }
        Self.addSecurityHeaders(to: &reply)
        return reply
    }

    private func timeLimit(of request: WebRequest) -> Duration {
        request.isQuestion ? options.queryTimeLimit : options.timeLimit
    }

    /// The largest body that the caller may send there, in bytes, asked before the body is read.
    func bodyBytesMax(_ request: WebRequest) async -> Int {
        var request = request
        do {
            try await identify(&request)
            guard let identity = request.identity else { return options.strangerBodyBytesMax }
            guard case .found(let route, _) = table.match(request.method, path: request.path),
                case .needs(let permission) = route.entrance, isAllowed(permission, to: identity.role)
            else { return options.bodyBytesMax }
            return route.bodyBytesMax ?? options.bodyBytesMax
        } catch {
            // The answer itself will say what is wrong.
            return options.strangerBodyBytesMax
        }
    }

    private func requireOwnName(_ request: WebRequest) throws {
        guard request.trust == .network, !request.isForwarded, let names = options.hostNames else { return }
        guard let host = request.headers["host"], !HostName(host).isAmong(names) else { return }
        throw Problem(
            .misdirected, "this server is not called '\(host.prefix(80))'",
            hint: "Set web.public_url to the address that people use, or list the proxy in web.trusted_proxies.")
    }

    private func identify(_ request: inout WebRequest) async throws {
        if request.trust == .localSocket {
            request.identity = .localAdministrator
        } else if let secret = request.token {
            request.identity = try await access.identity(token: secret)
        } else if let secret = request.cookie(Self.sessionCookie) {
            request.identity = try await access.identity(session: secret)
            if request.identity != nil { request.sessionSecret = secret }
        }
    }

    private func find(_ request: inout WebRequest) throws -> Route {
        switch table.match(request.method, path: request.path) {
        case .found(let route, let values):
            request.parameters = values
            return route
        case .otherMethods(let methods):
            try requireLogin(request)
            throw Problem(
                .methodNotAllowed, "\(request.path.prefix(200)) does not answer this method",
                hint: "Use \(methods.map(\.rawValue).joined(separator: " or ")).")
        case .none:
            try requireLogin(request)
            throw Problem(
                .notFound, "there is nothing at \(request.path.prefix(200))", hint: "See /api for the addresses.")
        }
    }

    private func requireLogin(_ request: WebRequest) throws {
        guard request.identity == nil else { return }
        throw Problem(
            .unauthenticated, "this needs a login", hint: "Send 'Authorization: Bearer TOKEN' or log in at /login.")
    }

    private func admit(_ request: WebRequest, to route: Route) throws {
        if case .needs(let permission) = route.entrance {
            try requireLogin(request)
            guard let identity = request.identity, isAllowed(permission, to: identity.role) else {
                throw Problem(
                    .forbidden, "the role \(request.identity?.role.rawValue ?? "none") may not do this",
                    hint: "Ask an administrator for another role.")
            }
        }
        guard request.method.isUnsafe else { return }
        try requireOwnOrigin(request)
        if let secret = request.sessionSecret {
            let given = request.form[Self.formField] ?? request.headers[Self.formHeader] ?? ""
            try requireEqual(given, AccessControl.formToken(session: secret))
        } else if route.entrance == .open, request.trust == .network {
            guard let cookie = request.cookie(Self.formCookie) else { throw Self.staleForm }
            try requireEqual(request.form[Self.formField] ?? "", cookie)
        }
    }

    /// A misspelt parameter that was passed over would give an answer to another question. The Prometheus API takes what its
    /// callers add, as the original does.
    private static func requireKnownParameters(_ request: WebRequest, _ route: Route) throws {
        guard route.family == .api else { return }
        let known = route.parameters.filter { $0.place == .query }.map(\.name)
        for name in request.query.pairs.map(\.name) where !known.contains(name) {
            let nearest = nearestName(to: name, among: known).map { "Did you mean '\($0)'?" }
            throw Problem(
                .invalid, "\(route.pattern) has no parameter '\(name.prefix(40))'",
                hint: nearest
                    ?? (known.isEmpty ? "It has none." : "It has \(known.joined(separator: ", "))."))
        }
    }

    /// Browsers say where a request was made. Programs send neither header.
    private func requireOwnOrigin(_ request: WebRequest) throws {
        if let site = request.headers["sec-fetch-site"], site != "same-origin", site != "none" { throw Self.staleForm }
        guard let origin = request.headers["origin"], let host = request.headers["host"] else { return }
        let scheme = origin.prefix { $0 != "/" }
        guard origin.dropFirst(scheme.count + 2) == host else { throw Self.staleForm }
    }

    private func requireEqual(_ given: String, _ expected: String) throws {
        guard AccessControl.isEqual(given, expected) else { throw Self.staleForm }
    }

    private static let staleForm = Problem(
        .forbidden, "the form is stale or came from another site", hint: "Load the page again and send it once more.")

    static let federationPath = "/federate"

    static func family(ofPath path: String) -> Route.Family {
        if path.hasPrefix("/api/v1/") || path == federationPath { return .prometheus }
        let isForPrograms =
            path.hasPrefix("/api/") || path.hasPrefix("/-/") || path == "/metrics" || path == "/events"
            || path == "/healthz"
        return isForPrograms ? .api : .page
    }

    /// On every answer, errors included; the connection adds them to those that never came this far.
    static let securityHeaders: [Reply.Header] = [
        .init(
            name: "content-security-policy",
            value: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
        .init(name: "x-content-type-options", value: "nosniff"),
        .init(name: "x-frame-options", value: "DENY"),
        .init(name: "referrer-policy", value: "same-origin"),
        .init(name: "cross-origin-opener-policy", value: "same-origin"),
        .init(name: "cross-origin-resource-policy", value: "same-origin"),
        .init(name: "cache-control", value: "no-store"),
    ]

    static func addSecurityHeaders(to reply: inout Reply) {
        for header in securityHeaders { reply.setIfAbsent(header.name, header.value) }
    }

}

extension WebSite {
    func failure(_ error: any Error, _ request: WebRequest, _ family: Route.Family) -> Reply {
        let problem = explain(error, request)
        switch family {
        case .prometheus:
            let fault =
                error as? QueryFault
                ?? (error is CancellationError
                    ? QueryFault(.canceled, problem.summary) : Self.queryFault(for: problem))
            // Whoever scrapes shows the text as it is.
            var reply =
                request.path == Self.federationPath
                ? Reply(fault.httpStatus, type: "text/plain; charset=utf-8", .text(fault.message + "\n"))
                : Self.prometheusFailure(fault)
            if error is Problem || error is AccessError { reply.status = problem.httpStatus }
            if problem.code == .unauthenticated { reply.set("www-authenticate", "Bearer realm=\"jaga\"") }
            return reply
        case .api:
            var reply = Reply.problem(problem)
            if problem.code == .unauthenticated { reply.set("www-authenticate", "Bearer realm=\"jaga\"") }
            if let wait = (error as? AccessError)?.retryAfter {
                reply.set("retry-after", "\(wait.components.seconds + 1)")
            }
            return reply
        case .page:
            if problem.code == .unauthenticated {
                let back =
                    request.method == .get && request.path != "/" ? "?next=\(APIPath.escaped(request.target))" : ""
                return .seeOther("/login\(back)")
            }
            var reply = errorPage(problem, request)
            if let wait = (error as? AccessError)?.retryAfter {
                reply.set("retry-after", "\(wait.components.seconds + 1)")
            }
            return reply
        }
    }

    private static func queryFault(for problem: Problem) -> QueryFault {
        let kind: QueryFault.Kind =
            switch problem.code {
            case .notFound, .methodNotAllowed: .notFound
            case .timeout: .timeout
            case .internal: .internal
            case .unavailable, .diskFull: .unavailable
            default: .badData
            }
        // The envelope has no other place for what to do.
        return QueryFault(kind, problem.inOneSentence)
    }

    /// What the caller is told. The unexpected stays in the log, since it may hold what the caller should not see.
    private func explain(_ error: any Error, _ request: WebRequest) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let fault as QueryFault: return Problem(fault.kind == .timeout ? .timeout : .invalid, fault.message)
        case let error as AccessError: return Problem(Self.code(for: error.code), error.summary, hint: error.hint)
        case is TimeLimitExceeded:
            return Problem(.timeout, "this took longer than \(timeLimit(of: request).briefText)", hint: "Try again.")
        case _ where error is CancellationError || Task.isCancelled:
            // The caller went away, or Jaga ends: nobody reads the answer, and nothing is wrong.
            logger.debug(
                "request given up", metadata: ["method": "\(request.method.rawValue)", "path": "\(request.path)"])
            return Problem(.unavailable, "the request was given up", hint: "Send it again.")
        case let failure as any Failure where failure.codeName == Problem.Code.diskFull.rawValue:
            // The caller can do something about it, and the text holds nothing but a path.
            logger.error("nothing can be recorded: \(failure.summary)")
            return Problem(.diskFull, failure.summary, hint: failure.hint)
        default:
            logger.error(
                "request failed",
                metadata: [
                    "method": "\(request.method.rawValue)", "path": "\(request.path)", "error": "\(describe(error))",
                ])
            return Problem(.internal, "an internal error", hint: "The daemon's log has the details.")
        }
    }

    private static func code(for code: AccessError.Code) -> Problem.Code {
        switch code {
        case .wrongCredentials: .forbidden
        case .tooManyTries: .tooMany
        case .invalidName, .weakPassword: .invalid
        case .nameTaken, .lastAdministrator: .conflict
        case .unknownUser, .unknownToken, .linkUsedOrExpired: .notFound
        case .passwordHashing: .internal
        }
    }
}

struct TimeLimitExceeded: Error {}

private final class Flag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}

/// Runs `body`, and cancels it when it takes longer than `limit`.
/// - Parameter task: the calling one, which is cancelled then; nil for a caller that goes on, and `body` runs in a task of its own.
private func withTimeLimit<Result: Sendable>(
    _ limit: Duration, in task: TaskCanceller?, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    if let task {
        // A task less is two threads less to wake for each query.
        let isOver = Flag()
        do {
            return try await withTimer(limit) {
                isOver.set()
                task.cancel()
            } _: {
                try await body()
            }
        } catch  where isOver.isSet {
            throw TimeLimitExceeded()
        }
    }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw TimeLimitExceeded() }
        return result
    }
}
