public import Diagnostics

/// Why a request, a message or a connection to the outside did not work.
public struct OutboundError: Failure {
    public enum Code: Sendable, Hashable {
        /// The URL, an address or a header cannot be sent as it stands.
        case invalidRequest
        case nameNotFound
        case connectionRefused
        /// No route, host down, socket file absent.
        case unreachable
        case timedOut
        /// The handshake failed before certificates were judged.
        case tls
        /// The peer's certificate is not trusted, out of date, or for another name.
        case certificate
        case connectionLost
        case bodyTooLarge
        /// It came compressed and cannot be unpacked whole.
        case bodyDamaged
        case tooManyRedirects
        case loginRefused
        /// The mail server answered with this code (RFC 5321): 4xx may work later, 5xx will not.
        case mailRefused(Int)
        case unsupported
        case other
    }

    public let code: Code
    /// Scheme, host and port. Never a path or a query, which often hold a token.
    public let target: String
    /// What the library or the peer said, without secrets.
    public let detail: String
    /// How far it came. Phases that were not reached are nil.
    public let timings: PhaseTimings?
    /// Scheme, host and port of the proxy that was to lead to the target; nil without one.
    public let proxy: String?

    public init(
        _ code: Code, target: String, detail: String, timings: PhaseTimings? = nil, proxy: String? = nil
    ) {
        self.code = code
        self.target = target
        self.proxy = proxy
        self.detail = detail
        self.timings = timings
    }

    public var codeName: String {
        switch code {
        case .invalidRequest: "invalid-request"
        case .nameNotFound: "name-not-found"
        case .connectionRefused: "connection-refused"
        case .unreachable: "unreachable"
        case .timedOut: "timed-out"
        case .tls: "tls"
        case .certificate: "certificate"
        case .connectionLost: "connection-lost"
        case .bodyTooLarge: "body-too-large"
        case .bodyDamaged: "body-damaged"
        case .tooManyRedirects: "too-many-redirects"
        case .loginRefused: "login-refused"
        case .mailRefused: "mail-refused"
        case .unsupported: "unsupported"
        case .other: "transfer-failed"
        }
    }

    public var summary: String {
        let target = proxy.map { "\(self.target) through the proxy \($0)" } ?? self.target
        return switch code {
        case .invalidRequest: "request to \(target) cannot be sent: \(detail)"
        case .nameNotFound: "the host name of \(target) is not known: \(detail)"
        case .connectionRefused: "connection to \(target) refused"
        case .unreachable: "\(target) cannot be reached: \(detail)"
        case .timedOut: "\(target) timed out: \(detail)"
        case .tls: "no encrypted connection to \(target): \(detail)"
        case .certificate: "the certificate of \(target) is not accepted: \(detail)"
        case .connectionLost: "connection to \(target) lost: \(detail)"
        case .bodyTooLarge: "the reply of \(target) is too large: \(detail)"
        case .bodyDamaged: "the gzip of \(target) cannot be unpacked: \(detail)"
        case .tooManyRedirects: "\(target) redirects too often: \(detail)"
        case .loginRefused: "\(target) refused the login: \(detail)"
        case .mailRefused(let reply): "\(target) refused the message with \(reply): \(detail)"
        case .unsupported: "\(target) cannot do what was asked: \(detail)"
        case .other: "transfer with \(target) failed: \(detail)"
        }
    }

    public var hint: String? {
        switch code {
        // With a proxy these are about the way to it: what lies behind it was not asked.
        case .nameNotFound where proxy != nil: "Check the proxy's address, and the name servers in /etc/resolv.conf."
        case .connectionRefused where proxy != nil: "Check the proxy's address, and that it runs and listens there."
        case .unreachable where proxy != nil: "Check that the proxy is up and that no firewall stands between."
        case .invalidRequest: "Write the address as scheme://host:port/path."
        case .nameNotFound: "Check the spelling of the host name and the name servers in /etc/resolv.conf."
        case .connectionRefused: "Check that the service runs and listens on this address and port."
        case .unreachable: "Check that the host is up and that no firewall stands between."
        case .timedOut: "The service may hang or be overloaded; raise the timeout only if it is known to be slow."
        case .tls: "Check that the port speaks TLS, and which protocol versions it offers."
        case .certificate: "Renew the certificate, use the name it was made for, or name its authority as the CA file."
        case .connectionLost: "Look into the service's own log at this time."
        case .bodyTooLarge: "Ask for less, or raise the limit."
        case .bodyDamaged: "Look whether the service, or a proxy before it, cuts its answers off."
        case .tooManyRedirects: "Use the address that the redirects lead to."
        case .loginRefused: "Check user name and password, and whether the server wants TLS before a login."
        case .mailRefused(let reply) where (400..<500).contains(reply): "The server asks to try again later."
        case .mailRefused: "Check sender and recipients, and whether the server relays for this host."
        case .unsupported: "Check what the server offers, and the security mode in the settings."
        case .other: nil
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    public var isTransient: Bool {
        switch code {
        case .invalidRequest, .bodyTooLarge, .tooManyRedirects, .unsupported: false
        case .mailRefused(let reply): !(500..<600).contains(reply)
        default: true
        }
    }
}
