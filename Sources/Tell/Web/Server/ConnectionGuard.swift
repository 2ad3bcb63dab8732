import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Units

/// How long and how many connections are served.
public struct ConnectionLimits: Sendable, Hashable {
    /// From the first byte of a request (or the opening of the connection) to the end of its header.
    public var header: Duration = .seconds(10)
    /// From the end of the header to the end of the body.
    public var body: Duration = .seconds(30)
    /// For how long a client may take less of an answer than the buffers hold.
    public var stalledAnswer: Duration = .seconds(30)
    /// For how long an answer whose length is known may take to be read in all, and a second more for each `answerRateMin` bytes of it: it is
    /// in memory meanwhile.
    public var wholeAnswer: Duration = .seconds(30)
    /// In bytes a second.
    public var answerRateMin = 64 << 10
    /// Between two requests.
    public var silence: Duration = .seconds(75)
    /// After an answer that ends the connection: how long what still comes is thrown away, so that the client can read the answer.
    public var farewell: Duration = .seconds(2)
    /// When the server is told to stop: how long the rest of a request may take to come, and an answer to be taken. Together with the
    /// farewell it is what a client can hold up the end by. What works on a request takes the time that it needs.
    public var ending: Duration = .seconds(3)
    public var countMax = Self.connectionCountMax

    static let connectionCountMax = 256
    /// Fewer, and a browser with its handful of connections would take the places of the programs.
    static let connectionCountMin = 8
    /// What the store and the logs have open on a small host.
    static let ownDescriptorCount = 64

    public init() {}

    /// Limits that leave descriptors to the store and the scrapes: of those that the program does not need for itself, each of the two
    /// listeners takes at most a third.
    /// - Parameter descriptorCountMax: how many files and connections the process may have open.
    public init(descriptorCountMax: Int) {
        let third = (descriptorCountMax - Self.ownDescriptorCount) / 3
        countMax = min(max(third, Self.connectionCountMin), Self.connectionCountMax)
    }
}

/// Keeps one connection within its limits, and puts the date and the security headers on answers that never passed the site, such as the
/// server's own 400 to a header that is none. Lives on the connection's event loop, like every channel handler.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart
    typealias Register = ConnectionRegister<any Channel>

    /// Tells who works on a request when its client goes.
    let presence = PeerPresence()
    private let limits: ConnectionLimits
    private let register: Register
    private let now: () -> Timestamp
    private let heads = RequestHeadFilter()
    private var receipt = RequestReceipt()
    private var number: Int?
    private var requestsToAnswer = 0
    private var receiptDeadline: Scheduled<Void>?
    private var stallDeadline: Scheduled<Void>?
    private var answerDeadline: Scheduled<Void>?
    private var farewell: Scheduled<Void>?
    /// The answer being written says that it is the last one.
    private var endsConnection = false
    private var isAnswering = false
    /// The client waits for a word before it sends the body.
    private var awaitsWord = false
    private var context: ChannelHandlerContext?
    private var isOver = false
    /// The server is told to stop: what was asked is answered, and nothing more is taken.
    private var isEnding = false
    /// The connection ends with the answer to the request that came last.
    private var isLast = false
    /// What comes belongs to a request that will not be answered.
    private var isDeaf = false

    /// - Parameter now: the time, for the date of answers.
    init(limits: ConnectionLimits, register: Register, now: @escaping () -> Timestamp) {
        self.limits = limits
        self.register = register
        self.now = now
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // Only the bytes before the parser tell that the next request has begun. The pipeline takes a handler at any time.
        let watch = ByteWatch { [unowned self, unowned context] in
            if let part = receipt.bytesCame() { startDeadline(for: part, context) }
        }
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(watch, position: .first)
            try pipeline.addHandler(heads, position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
        } catch {
            context.close(promise: nil)
            return
        }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard number == nil else { return }
        let (number, admission) = register.open(context.channel)
        self.number = number
        switch admission {
        case .welcome: break
        case .inPlaceOf(let other): other.close(promise: nil)
        case .full:
            isOver = true
            context.close(promise: nil)
            return
        }
        startDeadline(for: receipt.part, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    /// The end of what the client sends comes as an event, long before an answer could fail. So does the end of the server; the library
    /// then closes a connection without requests.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { presence.leave() }
        if event is ChannelShouldQuiesceEvent {
            isEnding = true
            startDeadline(for: receipt.part, context)
            watchStall(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The library closes with the last answer, and drops what of it the client has not taken yet.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isEnding, farewell != nil, mode == .all else {
            context.close(mode: mode, promise: promise)
            return
        }
        context.channel.closeFuture.cascade(to: promise)
    }

    private func end() {
        isOver = true
        presence.leave()
        for deadline in [receiptDeadline, stallDeadline, answerDeadline, farewell] { deadline?.cancel() }
        if let number { register.close(number) }
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard farewell == nil, !isDeaf else { return }
        switch unwrapInboundIn(data) {
        case .head where isEnding:
            isDeaf = true
            return
        case .head(let request):
            requestsToAnswer += 1
            isLast = request.headerFields[.connection] == "close"
            awaitsWord = !heads.isOld && request.headerFields[.expect]?.lowercased() == "100-continue"
            if let number { register.beginAnswer(number) }
            if let part = receipt.headerEnded() { startDeadline(for: part, context) }
        case .body: awaitsWord = false
        case .end: if let part = receipt.requestEnded() { startDeadline(for: part, context) }
        }
        context.fireChannelRead(data)
    }

    /// The body of the request that came last is wanted: a client that waits for that is told (RFC 9110, section 10.1.1). Who has no use for
    /// the body answers at once instead.
    func wantBody() {
        guard awaitsWord, !isAnswering, farewell == nil, let context else { return }
        awaitsWord = false
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    private func startDeadline(for part: RequestReceipt.Part, _ context: ChannelHandlerContext) {
        receiptDeadline?.cancel()
        receiptDeadline = nil
        guard !isOver else { return }
        switch part {
        case .nothing: break
        // It will not be taken, and must not cut off the answer before it.
        case .header where isEnding: break
        case .header: receiptDeadline = after(limits.header, context) { $0.giveUp(context) }
        case .body: receiptDeadline = after(still(limits.body), context) { $0.giveUp(context) }
        }
    }

    /// What is left of a limit when the server ends.
    private func still(_ limit: Duration) -> Duration { isEnding ? min(limit, limits.ending) : limit }

    /// The request did not come in time. Somebody who waits for an answer hears why.
    private func giveUp(_ context: ChannelHandlerContext) {
        if isEnding, requestsToAnswer > 1 {
            // The requests before it are still being answered, and then it is over.
            isDeaf = true
            requestsToAnswer -= 1
            return
        }
        guard !isAnswering, farewell == nil, receipt.part == .header ? requestsToAnswer == 0 : requestsToAnswer == 1
        else {
            context.close(promise: nil)
            return
        }
        var head = HTTPResponse(status: .requestTimeout)
        head.headerFields[.connection] = "close"
        head.headerFields[.contentLength] = "0"
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isAnswering = true
            let hasLength = head.headerFields[.contentLength] != nil
            if requestsToAnswer == 1, isEnding || isLast || (heads.isOld && !hasLength) {
                head.headerFields[.connection] = "close"
            } else if heads.isOld, head.headerFields[.connection] == nil {
                head.headerFields[.connection] = "keep-alive"
            }
            endsConnection = head.headerFields[.connection]?.lowercased() == "close"
            if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > WebServer.pieceBytes {
                let span = limits.wholeAnswer + .seconds(length / limits.answerRateMin)
                answerDeadline = after(span, context) { _ in context.close(promise: nil) }
            }
            if head.headerFields[.date] == nil { head.headerFields[.date] = httpDate(now()) }
            Self.addSecurityHeaders(to: &head.headerFields)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            isAnswering = false
            answerDeadline?.cancel()
            requestsToAnswer = max(0, requestsToAnswer - 1)
            if requestsToAnswer == 0, let number { register.endAnswer(number) }
            if isEnding, requestsToAnswer == 0, receipt.part != .body || isDeaf {
                closeWith(data, context, promise)
            } else if endsConnection {
                context.writeAndFlush(data, promise: promise)
                sayFarewell(context)
            } else {
                context.write(data, promise: promise)
            }
        }
    }

    /// Closes as soon as the client has taken the last answer, of which `data` is the end. It sends nothing more that matters.
    private func closeWith(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard farewell == nil, !isOver else {
            context.write(data, promise: promise)
            return
        }
        farewell = after(limits.ending, context) { _ in context.close(promise: nil) }
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        written.futureResult.hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in context.close(promise: nil)
        }
        context.writeAndFlush(data, promise: written)
    }

    /// Closing while the client still sends would reset the connection, and the answer with it.
    private func sayFarewell(_ context: ChannelHandlerContext) {
        guard farewell == nil, !isOver else { return }
        receiptDeadline?.cancel()
        context.close(mode: .output, promise: nil)
        farewell = after(limits.farewell, context) { _ in context.close(promise: nil) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        watchStall(context)
        context.fireChannelWritabilityChanged()
    }

    private func watchStall(_ context: ChannelHandlerContext) {
        stallDeadline?.cancel()
        stallDeadline = nil
        if !context.channel.isWritable, !isOver {
            stallDeadline = after(still(limits.stalledAnswer), context) { _ in context.close(promise: nil) }
        }
    }

    static func addSecurityHeaders(to fields: inout HTTPFields) {
        for header in WebSite.securityHeaders {
            guard let name = HTTPField.Name(header.name), fields[name] == nil else { continue }
            fields[name] = header.value
        }
    }

    private func after(
        _ span: Duration, _ context: ChannelHandlerContext, _ body: @escaping (ConnectionGuard) -> Void
    ) -> Scheduled<Void> {
        // Handlers run on their event loop only, which is what is assumed here and checked at run time.
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) { [weak self] in
            if let self { body(self) }
        }
    }
}

/// Says that bytes came, before anything else sees them.
private final class ByteWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let onBytes: () -> Void

    init(_ onBytes: @escaping () -> Void) {
        self.onBytes = onBytes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onBytes()
        context.fireChannelRead(data)
    }
}
