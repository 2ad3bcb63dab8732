import BlockingCalls
import Diagnostics
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
import Series
public import ServiceLifecycle
import Glibc
import Synchronization
import Units
import WebAPI

/// Where a server listens.
public enum WebListener: Sendable, Hashable {
    /// Port 0 takes a free one.
    case network(host: String, port: Int)
    /// Who can open the file is the local administrator, without a password. Its mode becomes 0600, but only once it exists,
    /// so the folder that holds it must be closed to others (0700) as well.
    case socket(path: String)

    /// As a person writes it.
    var place: String {
        switch self {
        case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .socket(let path): path
        }
    }
}

/// Serves a `WebSite` on one address. Two of them (network and admin socket) may share a site.
public struct WebServer: Service, CustomStringConvertible {
    /// Requests whose headers are longer are refused before they are read.
    static let headerBytesMax = 16 * 1024
    /// A long answer is handed over in pieces of this size, so that a slow client is told from one that takes nothing.
    static let pieceBytes = 64 * 1024

    /// Where answers are made. A reader of samples may wait for the disk there, and a query may compute; so many at once, the
    /// others stand in line.
    static let threads = BlockingThreads(threadCountMax: 16, stackByteCount: 8 << 20)

    private let site: WebSite
    private let listener: WebListener
    private let trustedProxies: Set<String>
    private let limits: ConnectionLimits
    private let logger: Logger
    private let onListening: @Sendable (Int?) async -> Void
    private let trust: WebRequest.Trust
    /// The connections that are open, for tests.
    let register: ConnectionGuard.Register

    /// What the lifecycle package calls it; without this it would look through all that the site consists of.
    public var description: String { "web server at \(listener)" }

    /// - Parameters:
    ///   - trustedProxies: addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    ///   - onListening: called once with the bound port; nil for a unix socket.
    public init(
        site: WebSite, listener: WebListener, trustedProxies: Set<String> = [],
        limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (Int?) async -> Void = { _ in }
    ) {
        self.init(
            site: site, listener: listener, trustedProxies: trustedProxies,
            presumedTrust: {
                if case .socket = listener { .localSocket } else { .network }
            }(), limits: limits, logger: logger, onListening: onListening)
    }

    /// - Parameter presumedTrust: who everybody on this listener is taken for.
    init(
        site: WebSite, listener: WebListener, trustedProxies: Set<String> = [], presumedTrust: WebRequest.Trust,
        limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (Int?) async -> Void = { _ in }
    ) {
        self.site = site
        self.listener = listener
        self.trustedProxies = trustedProxies
        trust = presumedTrust
        self.limits = limits
        register = ConnectionGuard.Register(countMax: limits.countMax)
        self.logger = logger
        self.onListening = onListening
    }

    /// Listens until the task is cancelled or the service group shuts down.
    public func run() async throws {
        let address: BindAddress
        switch listener {
        case .network(let host, let port): address = .hostname(host, port: port)
        case .socket(let path):
            // Left over from a process that ended without cleaning up; the data folder's lock says that nobody uses it.
            // What is no socket is not ours to remove.
            var facts = stat()
            if lstat(path, &facts) == 0, facts.st_mode & S_IFMT != S_IFSOCK {
                let kind = facts.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a file"
                throw PlainFailure(
                    "cannot-listen", "cannot listen at \(path): \(kind) stands where the admin socket goes",
                    hint: "Move it away; nothing of Jaga's is kept there.")
            }
            guard unlink(path) == 0 || errno == ENOENT else {
                throw PlainFailure(
                    "cannot-listen",
                    "cannot remove the admin socket of an earlier run, \(path): \(String(cString: strerror(errno)))",
                    hint: "Only the owner of the data folder may run Jaga on it.")
            }
            address = .unixDomainSocket(path: path)
        }
        // One loop serves all connections: it reads and writes, and hands on what takes longer.
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let site = site
        let responder = SiteResponder(site: site, trust: trust, trustedProxies: trustedProxies)
        // The library's `Application` would add nothing but the date, which it renews every second.
        let server = try HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [
                    ConnectionGuard(limits: limits, register: register) { site.clock.now }
                ],
                idleTimeout: TimeAmount(limits.silence),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Self.headerBytesMax, maxHeaderListSize: 2 * Self.headerBytesMax,
                    maxHeaderFieldCount: 100))
        ).buildServer(
            configuration: .init(address: address, serverName: nil), eventLoopGroup: loop,
            logger: LibraryLog.logger(over: logger),
            responder: { request, writer, channel in
                let answer = try await responder.respond(to: request, over: channel)
                do {
                    try await writer.write(response: answer.head, body: answer.body)
                } catch {
                    // The library answers what it cannot parse with 400, and here an answer has begun.
                    throw AnswerCutOff(reason: describe(error))
                }
            },
            onServerRunning: { [listener, onListening, logger] channel in
                if case .socket(let path) = listener { chmod(path, 0o600) }
                // It fails only for a channel that has been closed, and then nothing is accepted.
                try? await channel.eventLoop.submit {
                    let accepting = AcceptGuard(place: listener.place, logger: logger)
                    try channel.pipeline.syncOperations.addHandler(accepting, position: .first)
                }.get()
                await onListening(channel.localAddress?.port)
            })
        let executor = EventLoopExecutor(loop)
        defer { withExtendedLifetime(executor) {} }
        do {
            try await withTaskExecutorPreference(executor) { try await server.run() }
        } catch let error as IOError {
            throw Self.failure(error, at: listener)
        } catch let error as SocketAddressError {
            guard case .socket(let path) = listener, case .unixDomainSocketPathTooLong = error else { throw error }
            throw PlainFailure(
                "cannot-listen", "the path of the admin socket is too long: \(path)",
                hint: "The system takes 107 bytes; choose a data folder nearer to the root.")
        }
    }

    private static func failure(_ error: IOError, at listener: WebListener) -> PlainFailure {
        let hint: String? =
            switch error.errnoCode {
            case EADDRINUSE: "Another program listens there: stop it, or choose another address with --listen."
            case EACCES: "Only root may take ports below 1024: choose another with --listen."
            case EADDRNOTAVAIL: "No interface of this machine has that address."
            default: nil
            }
        return PlainFailure(
            "cannot-listen", "cannot listen at \(listener.place): \(String(cString: strerror(error.errnoCode)))",
            hint: hint)
    }
}

/// The other side went, or its request turned out to be none, while it was answered.
private struct AnswerCutOff: Error {
    let reason: String
}

/// Carries requests from the server's types to the site's and the answers back.
private struct SiteResponder: Sendable {
    let site: WebSite
    let trust: WebRequest.Trust
    let trustedProxies: Set<String>

    func respond(to request: Request, over channel: any Channel) async throws -> Response {
        let isHead = request.method == .head
        let method = isHead ? .get : WebRequest.Method(rawValue: request.method.rawValue) ?? .other
        var headers: [String: String] = [:]
        for field in request.headers where headers[field.name.canonicalName] == nil {
            headers[field.name.canonicalName] = field.value
        }
        if let authority = request.head.authority { headers["host"] = authority }
        let caller = caller(channel, headers)
        var asked = WebRequest(
            method: method, target: request.head.path ?? "/", headers: headers, address: caller.address,
            isSecure: caller.isSecure, trust: caller.trust, isForwarded: caller.isForwarded)
        do {
            asked.body = try await body(of: request, asked, over: channel)
        } catch let error as TooLarge {
            var reply = site.failure(
                Problem(.tooLarge, "the request is larger than \(error.limit) bytes"), asked,
                WebSite.family(ofPath: asked.path) == .prometheus ? .prometheus : .api)
            // What is left of the body is not worth reading.
            reply.set("connection", "close")
            WebSite.addSecurityHeaders(to: &reply)
            return response(reply, isHead: isHead)
        }
        return response(await answer(asked, channel), isHead: isHead)
    }

    /// Questions to the samples end when nobody waits for the answer. What changes something goes on to its end.
    private func answer(_ asked: WebRequest, _ channel: any Channel) async -> Reply {
        guard asked.isQuestion else { return await respond(asked) }
        // Without a guard the connection has just been closed, and its request ends by itself.
        guard let presence = await atGuard(of: channel, { $0.presence }) else { return await respond(asked) }
        return await presence.whilePresent { [site] canceller in await site.respond(to: asked, in: canceller) }
    }

    /// Asks the guard of a connection, on its event loop.
    private func atGuard<Value: Sendable>(
        of channel: any Channel, _ body: @escaping @Sendable (ConnectionGuard) -> Value
    ) async -> Value? {
        // A pipeline without a guard is what nil stands for.
        if channel.eventLoop.inEventLoop {
            return try? body(channel.pipeline.syncOperations.handler(type: ConnectionGuard.self))
        }
        return try? await channel.eventLoop.submit {
            try body(channel.pipeline.syncOperations.handler(type: ConnectionGuard.self))
        }.get()
    }

    private func respond(_ asked: WebRequest) async -> Reply {
        await withTaskExecutorPreference(WebServer.threads) { await site.respond(to: asked) }
    }

    private struct TooLarge: Error {
        let limit: Int
    }

    /// The whole body. Somebody who is not known gets no more room than a login form needs.
    private func body(of request: Request, _ asked: WebRequest, over channel: any Channel) async throws -> [UInt8] {
        let small = site.options.strangerBodyBytesMax
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        let isSmall = announced.map { $0 <= small } ?? (request.headers[.transferEncoding] == nil)
        let limit = isSmall ? small : await site.bodyBytesMax(asked)
        if let announced, announced > limit { throw TooLarge(limit: limit) }
        if request.headers[.expect] != nil { await atGuard(of: channel) { $0.wantBody() } }
        do {
            return Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw TooLarge(limit: limit)
        }
    }

    private func caller(_ channel: any Channel, _ headers: [String: String]) -> (
        address: String, isSecure: Bool, trust: WebRequest.Trust, isForwarded: Bool
    ) {
        if trust == .localSocket { return ("socket", false, trust, false) }
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        guard trustedProxies.contains(address) else { return (address, false, trust, false) }
        // The last entry is the one that the trusted proxy wrote itself.
        let forwarded = headers["x-forwarded-for"]?.split(separator: ",").last.map { $0.filter { $0 != " " } }
        return (forwarded ?? address, headers["x-forwarded-proto"] == "https", trust, true)
    }

    private func response(_ reply: Reply, isHead: Bool) -> Response {
        var headers = HTTPFields()
        for header in reply.headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            headers.append(HTTPField(name: name, value: header.value))
        }
        let body: ResponseBody
        switch reply.body {
        case .text(let text): body = Self.pieces(ByteBuffer(string: text))
        case .bytes(let bytes): body = Self.pieces(ByteBuffer(bytes: bytes))
        case .parts(let parts, let memory): body = Self.pieces(parts, memory)
        case .pieces(let next):
            body = ResponseBody { writer in
                while let piece = try await withTaskExecutorPreference(
                    WebServer.threads, operation: { try await next() })
                {
                    try await writer.write(ByteBuffer(string: piece))
                }
                try await writer.finish(nil)
            }
        case .changes(let feed): body = isHead ? ResponseBody() : feed.body
        }
        let response = Response(status: HTTPResponse.Status(code: reply.status), headers: headers, body: body)
        return isHead ? response.createHeadResponse() : response
    }

    /// What has been taken by the other side is freed while the rest waits for it.
    private static func pieces(_ parts: [[UInt8]], _ memory: MemoryShare?) -> ResponseBody {
        let length = parts.reduce(0) { $0 + $1.count }
        guard length > WebServer.pieceBytes else { return ResponseBody(byteBuffer: ByteBuffer(bytes: parts.joined())) }
        let waiting = Mutex(Array(parts.reversed()))
        return ResponseBody(contentLength: length) { writer in
            while let part = waiting.withLock({ $0.popLast() }) {
                for start in stride(from: 0, to: part.count, by: WebServer.pieceBytes) {
                    let end = min(part.count, start + WebServer.pieceBytes)
                    try await writer.write(ByteBuffer(bytes: part[start..<end]))
                }
                memory?.giveBack(part.count)
            }
            try await writer.finish(nil)
        }
    }

    private static func pieces(_ bytes: ByteBuffer) -> ResponseBody {
        guard bytes.readableBytes > WebServer.pieceBytes else { return ResponseBody(byteBuffer: bytes) }
        return ResponseBody(contentLength: bytes.readableBytes) { writer in
            var rest = bytes
            while let piece = rest.readSlice(length: min(rest.readableBytes, WebServer.pieceBytes)),
                piece.readableBytes > 0
            {
                try await writer.write(piece)
            }
            try await writer.finish(nil)
        }
    }
}
