import CLibcurl

/// Opens connections to see whether they open: TCP, a unix socket, or TCP with a TLS handshake. Nothing is sent.
public struct ConnectionCheck: Sendable {
    public init() {}

    /// Connects to `host:port` and hangs up.
    /// - Throws: `OutboundError`, with the phases that were reached.
    public func tcp(host: String, port: Int, timeout: Duration) async throws -> PhaseTimings {
        try await blocking { stop in
            let transfer = Transfer(stop: stop)
            transfer.set(CURLOPT_URL, "http://\(bracketed(host)):\(port)")
            return try open(transfer, "tcp://\(bracketed(host)):\(port)", timeout).timings
        }
    }

    /// Connects to the unix socket at `path` and hangs up.
    public func unixSocket(path: String, timeout: Duration) async throws -> PhaseTimings {
        try await blocking { stop in
            let transfer = Transfer(stop: stop)
            transfer.set(CURLOPT_URL, "http://localhost")
            transfer.set(CURLOPT_UNIX_SOCKET_PATH, path)
            return try open(transfer, path, timeout).timings
        }
    }

    /// What a TLS server shows.
    public struct TLSOutcome: Sendable {
        /// The peer's chain, its own certificate first.
        public var certificates: [PeerCertificate]
        public var timings: PhaseTimings
        /// Why the chain is not accepted; nil when it is.
        public var refusal: OutboundError?
    }

    /// Makes a TLS handshake and reports the certificates, also when they are not accepted: then a second handshake that
    /// accepts everything reads them, and `refusal` says what is wrong.
    /// - Parameters:
    ///   - serverName: the name to ask for and to find on the certificate; `host` when nil.
    ///   - timeout: for each handshake.
    /// - Throws: `OutboundError` when there is no handshake at all.
    public func tls(
        host: String, port: Int, serverName: String? = nil, options: TLSOptions = TLSOptions(), timeout: Duration
    ) async throws -> TLSOutcome {
        do {
            return try await handshake(host, port, serverName, options, timeout)
        } catch let refusal as OutboundError where refusal.code == .certificate {
            var open = options
            open.verifiesPeer = false
            var outcome = try await handshake(host, port, serverName, open, timeout)
            outcome.refusal = refusal
            return outcome
        }
    }

    private func handshake(
        _ host: String, _ port: Int, _ serverName: String?, _ options: TLSOptions, _ timeout: Duration
    ) async throws -> TLSOutcome {
        try await blocking { stop in
            let transfer = Transfer(stop: stop)
            transfer.set(CURLOPT_URL, "https://\(bracketed(serverName ?? host)):\(port)")
            if serverName != nil { transfer.set(CURLOPT_CONNECT_TO, list: ["::\(bracketed(host)):\(port)"]) }
            transfer.judgePeer(by: options)
            let target = "tls://\(bracketed(serverName ?? host)):\(port)"
            let opened = try open(transfer, target, timeout)
            return TLSOutcome(certificates: opened.certificates, timings: opened.timings, refusal: nil)
        }
    }
}

private func open(_ transfer: Transfer, _ target: String, _ timeout: Duration) throws -> Transfer {
    transfer.set(CURLOPT_CONNECT_ONLY, 1)
    transfer.go(through: .none)
    transfer.limit(total: timeout, connect: timeout)
    let code = transfer.perform()
    guard code == CURLE_OK else { throw transfer.failure(code, target: target) }
    return transfer
}

/// An IPv6 address as URLs write it.
func bracketed(_ host: String) -> String {
    host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
}
