import NIOCore
import NIOHTTP1

// What a request says of its connection depends on its version, and the types that the library hands on have none. So it is looked at here,
// right behind the parser, and brought into one form: there is one `Host`, and `Connection` is `close` when the connection ends with the answer, `keep-alive` when a
// client of HTTP/1.0 asked for that, and otherwise absent.

/// Reads the versions of requests, and answers clients of HTTP/1.0 as they understand. Stands between the parser and the library's codec,
/// on the connection's event loop.
final class RequestHeadFilter: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The request that came last is of HTTP/1.0. Its clients send one after the other.
    private(set) var isOld = false
    /// The request that is coming is the last one.
    private var isLast = false
    /// The last request has come, or one that is none.
    private var isDeaf = false

    /// Whether the connection goes on after the answer (RFC 9112, section 9.3).
    /// - Parameter options: the values of `Connection`, one by one.
    static func persists(_ version: HTTPVersion, _ options: [some StringProtocol]) -> Bool {
        let options = options.map { $0.lowercased() }
        if options.contains("close") { return false }
        return !isOld(version) || options.contains("keep-alive")
    }

    /// RFC 9112, section 3.2: one that is missing or stands twice is to be refused. Two programs, such as a proxy and this one, could each
    /// go by another.
    static func hasOneHost(_ head: HTTPRequestHead) -> Bool {
        let count = head.headers["host"].count
        return count == 1 || (count == 0 && isOld(head.version))
    }

    private static func isOld(_ version: HTTPVersion) -> Bool { (version.major, version.minor) < (1, 1) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDeaf else { return }
        switch unwrapInboundIn(data) {
        case .head(var head):
            guard Self.hasOneHost(head) else {
                // As if the parser had refused it: the library answers 400 when the requests before it are answered.
                isDeaf = true
                context.fireErrorCaught(HTTPParserError.invalidHeaderToken)
                return
            }
            isOld = Self.isOld(head.version)
            isLast = !Self.persists(head.version, head.headers[canonicalForm: "connection"])
            head.headers.remove(name: "connection")
            if isLast {
                head.headers.add(name: "connection", value: "close")
            } else if isOld {
                head.headers.add(name: "connection", value: "keep-alive")
            }
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body: context.fireChannelRead(data)
        case .end:
            isDeaf = isLast
            context.fireChannelRead(data)
        }
    }

    /// Only HTTP/1.1 knows an answer in chunks; before it, an answer of unknown length ended with its connection.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isOld, case .head(var head) = unwrapOutboundIn(data), !head.headers.contains(name: "content-length") {
            head.version = .http1_0
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        } else {
            context.write(data, promise: promise)
        }
    }
}
