import Access
import BinaryCoding

/// A request as the pages see it, without the server's machinery.
public struct WebRequest: Sendable {
    public enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
        /// Which methods there are; a browser asks so whether a page of another site may send a request.
        case options = "OPTIONS"
        /// One that no address answers. It passes the gate like any other, so that it tells a stranger nothing.
        case other = "OTHER"

        /// Whether it may change something.
        var isUnsafe: Bool { self != .get && self != .options }
    }

    /// How far the caller is known before any password.
    public enum Trust: Sendable, Hashable {
        case network
        /// The admin socket, whose file mode is the permission.
        case localSocket
    }

    public var method: Method
    /// Still percent-encoded, without the query.
    public var path: String
    public var query: FormFields
    /// By lower-case name; where a header came twice, the first.
    public var headers: [String: String]
    public var body: [UInt8]
    /// The caller's address, for the login throttle and the ledger.
    public var address: String
    /// Whether the caller speaks https, to us or to the proxy before us.
    public var isSecure: Bool
    public var trust: Trust
    /// Whether a trusted proxy stands between, which knows by which names it is called.
    public var isForwarded: Bool

    /// From the path's pattern; filled by the gate, as the two that follow.
    var parameters: [String: String] = [:]
    var identity: Identity?
    var sessionSecret: String?

    public init(
        method: Method, target: String, headers: [String: String] = [:], body: [UInt8] = [],
        address: String = "127.0.0.1", isSecure: Bool = false, trust: Trust = .network, isForwarded: Bool = false
    ) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = FormFields(urlEncoded: parts.count > 1 ? String(parts[1]) : "")
        self.headers = headers
        self.body = body
        self.address = address
        self.isSecure = isSecure
        self.trust = trust
        self.isForwarded = isForwarded
    }

    /// The path with its query, to come back to.
    var target: String { query.isEmpty ? path : "\(path)?\(query.urlEncoded)" }

    /// The fields of a form in the body; empty for other content types.
    var form: FormFields {
        guard headers["content-type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else {
            return FormFields(urlEncoded: "")
        }
        return FormFields(urlEncoded: String(decoding: body, as: UTF8.self))
    }

    func cookie(_ name: String) -> String? {
        for pair in (headers["cookie"] ?? "").split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }

    /// The secret of `Authorization: Bearer …`; or, for programs that can send nothing else, the password of `Basic` (RFC 7617)
    /// under any user name, as in `http://token:SECRET@host`.
    var token: String? {
        guard let header = headers["authorization"], let blank = header.firstIndex(of: " ") else { return nil }
        let rest = header[blank...].drop { $0 == " " }
        switch header[..<blank].lowercased() {
        case "bearer": return String(rest)
        case "basic":
            guard let bytes = Base64.bytes(rest), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
                return nil
            }
            return String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        default: return nil
        }
    }
}

extension WebRequest {
    /// Whether it asks the samples: such a request may take as long as a query may, and ends when nobody waits for the answer.
    var isQuestion: Bool { Self.questions.contains(where: path.hasPrefix) }

    private static let questions = [
        "/api/v1/query", "/api/v1/series", "/api/v1/label", "/api/v1/read", "/federate", "/query",
    ]
}
