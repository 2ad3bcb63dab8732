import Glibc

/// What answers at a port of this host, where its program cannot be seen.
public enum PortAnswer: Sendable, Hashable {
    case redis, postgres
    /// The text behind `Server:` in the answer; empty where there is none.
    case web(server: String)
}

/// A question that changes nothing and that a server of the kind answers before any login.
struct PortQuestion: Sendable {
    enum Kind: Sendable, Hashable { case redis, postgres, web }

    let kind: Kind

    /// The kind of server that is usual at a port; nil: none is asked for, since a question in the wrong language may end up in a
    /// log as an attack.
    static func usual(at port: Int) -> PortQuestion? {
        switch port {
        // Further clusters and instances take the next numbers.
        case 6379...6389: PortQuestion(kind: .redis)
        case 5432...5439: PortQuestion(kind: .postgres)
        case 80, 8080: PortQuestion(kind: .web)
        default: nil
        }
    }

    private var bytes: [UInt8] {
        switch kind {
        // Without a login the answer is -NOAUTH, which is one too (https://redis.io/docs/latest/commands/ping/).
        case .redis: Array("PING\r\n".utf8)
        // SSLRequest: its length and 80877103; answered by one byte (PostgreSQL's manual, "Message Formats").
        case .postgres: [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F]
        case .web: Array("HEAD / HTTP/1.0\r\n\r\n".utf8)
        }
    }

    /// - Parameters:
    ///   - host: an address in numbers, of this host.
    ///   - limit: for connecting, for writing and for reading each.
    /// - Returns: nil where nobody or somebody else answers. Blocks.
    func ask(_ host: String, _ port: Int, limit: Duration = .milliseconds(300)) -> PortAnswer? {
        guard let reply = exchange(host, port, limit) else { return nil }
        let text = String(decoding: reply, as: UTF8.self)
        switch kind {
        case .redis:
            let isRedis = text.hasPrefix("+PONG") || text.hasPrefix("-NOAUTH") || text.hasPrefix("-DENIED")
            return isRedis ? .redis : nil
        case .postgres: return reply == [UInt8(ascii: "S")] || reply == [UInt8(ascii: "N")] ? .postgres : nil
        case .web:
            guard text.hasPrefix("HTTP/1.") else { return nil }
            let line = text.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("server:") }
            let server = (line?.dropFirst("server:".count) ?? "").drop { $0 == " " }
            return .web(server: String(server.prefix(60)))
        }
    }

    /// Sends the question and reads once: each of the answers fits into a packet.
    private func exchange(_ host: String, _ port: Int, _ limit: Duration) -> [UInt8]? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let address = found else { return nil }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let microseconds = Int(limit.components.seconds * 1_000_000 + limit.components.attoseconds / 1_000_000_000_000)
        var span = timeval(tv_sec: microseconds / 1_000_000, tv_usec: microseconds % 1_000_000)
        // On Linux SO_SNDTIMEO bounds connect() too (socket(7)).
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            guard setsockopt(descriptor, SOL_SOCKET, option, &span, socklen_t(MemoryLayout<timeval>.size)) == 0 else {
                return nil
            }
        }
        guard connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else { return nil }
        let question = bytes
        guard send(descriptor, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
