import CHiredis

/// What Redis answers to a command, in version 2 of its protocol.
public enum RedisReply: Sendable, Hashable {
    /// A text or a status such as `OK`. Bytes that are no UTF-8 are replaced.
    case text(String)
    case integer(Int64)
    case list([RedisReply])
    case null
    /// The server's error, as in `WRONGTYPE Operation against a key holding the wrong kind of value`.
    case error(String)

    public var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    public var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    public var list: [RedisReply]? {
        if case .list(let list) = self { list } else { nil }
    }

    /// Copies everything out of `reply`, which stays the caller's.
    init(_ reply: UnsafePointer<redisReply>) {
        func bytes() -> String {
            String(
                decoding: UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len)), as: UTF8.self
            )
        }
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: self = .integer(reply.pointee.integer)
        case REDIS_REPLY_NIL: self = .null
        case REDIS_REPLY_ERROR: self = .error(bytes())
        case REDIS_REPLY_ARRAY:
            self = .list((0..<Int(reply.pointee.elements)).map { RedisReply(reply.pointee.element[$0]!) })
        default: self = .text(bytes())
        }
    }
}
