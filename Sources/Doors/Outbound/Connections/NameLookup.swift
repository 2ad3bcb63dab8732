import BlockingCalls
import Glibc

/// Looks up the addresses of a host name the way every program of the host does (`/etc/hosts`, then the name servers).
public struct NameLookup: Sendable {
    public struct Outcome: Sendable, Hashable {
        /// IPv4 and IPv6 as text, in the system's order of preference, each once.
        public var addresses: [String]
        public var elapsed: Duration
    }

    public init() {}

    /// - Throws: `OutboundError`: `nameNotFound`, or `timedOut` after `timeout`. The system's own lookup cannot be stopped and
    ///   ends by the limits of `/etc/resolv.conf`.
    public func addresses(of host: String, timeout: Duration) async throws -> Outcome {
        do {
            return try await withDeadline(timeout) {
                try await BlockingThreads.shared.run { try lookUp(host) }
            }
        } catch is DeadlineExceeded {
            throw OutboundError(
                .timedOut, target: "dns:\(host)", detail: "no answer from the name servers within \(timeout)")
        }
    }
}

private func lookUp(_ host: String) throws -> NameLookup.Outcome {
    let start = ContinuousClock.now
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var first: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &first)
    guard code == 0 else {
        throw OutboundError(.nameNotFound, target: "dns:\(host)", detail: String(cString: gai_strerror(code)))
    }
    defer { freeaddrinfo(first) }
    var addresses: [String] = []
    var next = first
    while let node = next?.pointee {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        if getnameinfo(
            node.ai_addr, node.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        {
            let address = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
            if !addresses.contains(address) { addresses.append(address) }
        }
        next = node.ai_next
    }
    return NameLookup.Outcome(addresses: addresses, elapsed: ContinuousClock.now - start)
}
