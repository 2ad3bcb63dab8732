/// One HTTP request with its limits.
public struct HTTPRequest: Sendable {
    /// `http` or `https`. With a socket path the host only goes into the `Host` header.
    public var url: String
    /// As it stands on the request line.
    public var method: String
    /// A field with the value "" is left out even where it would be sent by itself.
    public var headers: HTTPHeaders
    public var body: [UInt8]
    public var credentials: Credentials?

    /// For the whole exchange, redirects included. Nil for a stream that may last.
    public var timeout: Duration?
    /// For name lookup, connection and handshake.
    public var connectTimeout: Duration
    /// The most bytes that are kept of the reply's body.
    public var bodyBytesMax: Int
    /// Past the limit: cut the body and say so in the response, instead of failing.
    public var truncatesBody: Bool
    /// How many redirects are followed; with 0 the 3xx reply itself is the answer. Credentials go to the first host only.
    public var redirectsMax: Int

    public var unixSocketPath: String?
    /// `host:port` to connect to instead of the URL's; the URL still gives the `Host` header and the name on the certificate.
    public var connectAddress: String?
    public var tls: TLSOptions
    public var proxy: Proxy
    /// Hosts that are reached without the proxy, separated by commas; `*` for all.
    public var proxyExceptions: String?
    /// Sent to the proxy alone when it is asked for a tunnel.
    public var proxyHeaders: HTTPHeaders = [:]
    /// Asks for gzip; the reply's body comes unpacked, and `bodyBytesMax` counts it both ways. Not for lines that are read as they come, nor together
    /// with `truncatesBody`.
    public var acceptsCompression = false
    /// Whether HTTP/2 may be agreed on, where there is TLS.
    public var allowsHTTP2 = true

    public init(
        url: String, method: String = "GET", headers: HTTPHeaders = [:], body: [UInt8] = [],
        credentials: Credentials? = nil, timeout: Duration? = .seconds(10), connectTimeout: Duration = .seconds(10),
        bodyBytesMax: Int = 8 * 1024 * 1024, truncatesBody: Bool = false, redirectsMax: Int = 0,
        unixSocketPath: String? = nil, connectAddress: String? = nil, tls: TLSOptions = TLSOptions(),
        proxy: Proxy = .none
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.credentials = credentials
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.bodyBytesMax = bodyBytesMax
        self.truncatesBody = truncatesBody
        self.redirectsMax = redirectsMax
        self.unixSocketPath = unixSocketPath
        self.connectAddress = connectAddress
        self.tls = tls
        self.proxy = proxy
    }
}

/// What came back. A status of 4xx or 5xx is an answer, not an error.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// Of the last reply, where redirects were followed.
    public var headers: HTTPHeaders
    public var body: [UInt8]
    public var isBodyTruncated: Bool
    public var timings: PhaseTimings
    /// The peer's chain, its own certificate first. Empty without TLS.
    public var certificates: [PeerCertificate]
    /// Where the last reply came from.
    public var effectiveURL: String
    public var redirectCount: Int
    /// `1.0`, `1.1`, `2`.
    public var version: String

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    public var text: String { String(decoding: body, as: UTF8.self) }

    public init(
        status: Int, headers: HTTPHeaders = [:], body: [UInt8] = [], isBodyTruncated: Bool = false,
        timings: PhaseTimings = PhaseTimings(total: .zero), certificates: [PeerCertificate] = [],
        effectiveURL: String = "", redirectCount: Int = 0, version: String = "1.1"
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isBodyTruncated = isBodyTruncated
        self.timings = timings
        self.certificates = certificates
        self.effectiveURL = effectiveURL
        self.redirectCount = redirectCount
        self.version = version
    }
}
