/// How far a connection is with the request that it is sending, and by when it must be done. Pure: the caller keeps the time.
///
/// A client that sends one byte now and then holds a connection for as long as it likes unless each part of a request has a
/// deadline of its own; a limit on silence alone does not help. So the header has one from its first byte (from the opening,
/// for the first request of a connection) and the body another.
struct RequestReceipt {
    enum Part: Hashable {
        /// Between two requests: the limit on silence is enough.
        case nothing
        case header
        case body
    }

    private(set) var part = Part.header

    /// Which part has begun or ended with what came; nil when nothing changed and a running deadline goes on.
    mutating func bytesCame() -> Part? { part == .nothing ? move(to: .header) : nil }
    mutating func headerEnded() -> Part? { move(to: .body) }
    mutating func requestEnded() -> Part? { move(to: .nothing) }

    private mutating func move(to next: Part) -> Part? {
        part = next
        return next
    }
}
