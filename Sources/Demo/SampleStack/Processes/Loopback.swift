import BlockingCalls
import Glibc

/// Short conversations with servers of the stack on 127.0.0.1: enough to see that they answer, to send them traffic and
/// orders, and not the client that is under test.
public enum Loopback {
    /// Sends `bytes` and reads until the other side closes or `isComplete` holds for what has come.
    /// - Throws: `unreachable` when nobody listens or nothing comes within `limit`.
    static func exchange(
        port: Int, _ bytes: [UInt8], limit: Duration,
        until isComplete: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async throws -> [UInt8] {
        try await BlockingThreads.shared.run {
            try converse(port: port, bytes, limit: limit, until: isComplete)
        }
    }

    private static func converse(
        port: Int, _ bytes: [UInt8], limit: Duration, until isComplete: ([UInt8]) -> Bool
    ) throws(StackError) -> [UInt8] {
        func failed(_ verb: String) -> StackError {
            StackError(.unreachable, "cannot \(verb) 127.0.0.1:\(port): \(String(cString: strerror(errno)))")
        }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failed("make a socket for") }
        defer { close(descriptor) }
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
        var address = loopbackAddress(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { throw failed("connect to") }
        let sent = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == bytes.count else { throw failed("write to") }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        // One MiB: far more than any page of the shop, and a bound all the same.
        while answer.count < 1 << 20, !isComplete(answer) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            // With a time limit the call also ends when this process was stopped and goes on.
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failed("read from") }
            if count == 0 { break }
            answer += buffer[..<count]
        }
        return answer
    }
}

/// An answer to a request over `Loopback`.
public struct LoopbackResponse: Sendable {
    public let status: Int
    public let body: String
}

extension Loopback {
    /// One HTTP/1.0 request, so that the answer comes in one piece and ends with the connection.
    public static func request(
        port: Int, _ method: String, _ path: String, headers: [String: String] = [:], body: String = "",
        limit: Duration = .seconds(30)
    ) async throws -> LoopbackResponse {
        var head = "\(method) \(path) HTTP/1.0\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method != "GET" { head += "Content-Length: \(body.utf8.count)\r\n" }
        head += "\r\n"
        let answer = String(
            decoding: try await exchange(port: port, Array((head + body).utf8), limit: limit), as: UTF8.self)
        let words = answer.prefix(64).split(separator: " ")
        guard words.count > 1, words[0].hasPrefix("HTTP/"), let status = Int(words[1].prefix(3)) else {
            throw StackError(.unreachable, "127.0.0.1:\(port) did not answer in HTTP to \(method) \(path)")
        }
        let body = answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? ""
        return LoopbackResponse(status: status, body: body)
    }
}
