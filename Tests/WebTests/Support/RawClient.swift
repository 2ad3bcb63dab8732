import Dispatch
import Glibc

/// A connection that a test speaks HTTP over byte by byte, as no well-behaved client would.
///
/// Each call blocks a thread of its own, never one of those that the server needs.
final class RawClient: Sendable {
    struct Failed: Error {
        let reason: String
    }

    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw Failed(reason: "cannot connect: \(errno)") }
    }

    deinit { close(descriptor) }

    /// - Returns: whether the other side still takes it.
    @discardableResult
    func send(_ text: String) async -> Bool {
        await blocking { [descriptor] in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }

    /// Reads until `isEnough` says so or the other side ends.
    /// - Returns: what came, and whether the other side ended.
    /// - Throws: `Failed` when neither happens within `limit`.
    func read(within limit: Duration = .seconds(60), until isEnough: @escaping @Sendable (String) -> Bool) async throws
        -> (text: String, hasEnded: Bool)
    {
        let outcome: Result<(String, Bool), Failed> = await blocking { [descriptor] in
            let deadline = ContinuousClock.now + limit
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let text = String(decoding: bytes, as: UTF8.self)
                if isEnough(text) { return .success((text, false)) }
                let left = deadline - .now
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let wait = Int32(max(0, min(60_000, left.components.seconds * 1000 + 100)))
                guard left > .zero, Glibc.poll(&poll, 1, wait) > 0 else {
                    return .failure(Failed(reason: "nothing more within \(limit), after \(text.prefix(300))"))
                }
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { return .success((text, true)) }
                bytes += buffer[..<count]
            }
        }
        return try outcome.get()
    }

    /// Reads to the end, and counts only, since the answer may be large.
    func countToTheEnd(within limit: Duration = .seconds(120)) async throws -> Int {
        let outcome: Result<Int, Failed> = await blocking { [descriptor] in
            let deadline = ContinuousClock.now + limit
            var total = 0
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let left = deadline - .now
                var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard left > .zero, Glibc.poll(&poll, 1, Int32(left.components.seconds * 1000 + 100)) > 0 else {
                    return .failure(Failed(reason: "no end within \(limit)"))
                }
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { return .success(total) }
                total += count
            }
        }
        return try outcome.get()
    }

    /// Everything until the other side ends.
    func readToTheEnd(within limit: Duration = .seconds(60)) async throws -> String {
        try await read(within: limit) { _ in false }.text
    }

    /// One whole answer with a body of known length.
    func answer(to request: String, within limit: Duration = .seconds(60)) async throws -> String {
        await send(request)
        return try await read(within: limit, until: Self.isWhole).text
    }

    func get(_ target: String, _ headers: String = "") async throws -> String {
        try await answer(to: "GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
    }

    static func isWhole(_ text: String) -> Bool {
        guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
        let head = text[..<end.lowerBound].lowercased()
        let length = head.firstRange(of: "content-length: ").flatMap {
            Int(head[$0.upperBound...].prefix { $0.isNumber })
        }
        return text[end.upperBound...].utf8.count >= length ?? 0
    }
}

/// Runs `body` on a thread outside of Swift's own few.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
}
