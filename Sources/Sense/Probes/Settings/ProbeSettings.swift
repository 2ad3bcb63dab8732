import Diagnostics
public import Outbound
import Series
public import Settings
import Texts
import Units

/// What a probe looks at.
public enum ProbeKind: String, Sendable, Hashable {
    case http, tcp, tls
}

/// One probe of the settings' list `probes`.
public struct ProbeSettings: SettingsSection, Sendable {
    public let name: String
    public let kind: ProbeKind
    public let interval: Duration
    public let timeout: Duration
    public let failures: Int
    public let request: HTTPRequest
    public let expectation: HTTPExpectation
    /// `host:port`, or for TCP also the path of a unix socket. Empty for HTTP.
    public let address: String
    public let serverName: String?

    public init(
        name: String, kind: ProbeKind, address: String = "", request: HTTPRequest = HTTPRequest(url: ""),
        interval: Duration = .seconds(15), timeout: Duration = .seconds(5), failures: Int = 3,
        expectation: HTTPExpectation = HTTPExpectation(), serverName: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.address = address
        self.request = request
        self.interval = interval
        self.timeout = timeout
        self.failures = failures
        self.expectation = expectation
        self.serverName = serverName
    }

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "The probe's name, unique among the probes; it becomes the label 'probe'.")
        let url = s.optionalText("url", "The http or https address to ask.")
        let tcp = s.optionalText("tcp", "A host:port, or the path of a unix socket, that must take a connection.")
        let tls = s.optionalText("tls", "A host:port whose served certificate must be valid.")
        let interval = s.duration("interval", default: .seconds(15), atLeast: .seconds(1), "How often to look.")
        let timeout = s.duration(
            "timeout", default: min(.seconds(5), interval), atLeast: .milliseconds(10), "How long one look may take.")
        failures = s.integer(
            "failures", default: 3, in: 1...1000,
            "How many looks in a row must fail before the probe counts as failing.")
        serverName = s.optionalText(
            "server_name", "The name to find on the certificate, where it differs from the address.")
        expectation = s.section("expect", ExpectationSettings.self, "What the reply must be like.").expectation
        let authorityFile = s.optionalText(
            "ca_file", "A PEM file with the authorities to trust instead of the system's.")
        let verifies = s.boolean(
            "verify", default: true, "Whether the certificate must be valid; false accepts anybody's.")
        let tlsOptions = TLSOptions(verifiesPeer: verifies, authorityFile: authorityFile)
        request = Self.request(s, url: url ?? "", timeout: timeout, tls: tlsOptions)
        self.interval = interval
        self.timeout = timeout
        kind = url != nil ? .http : tcp != nil ? .tcp : .tls
        address = tcp ?? tls ?? ""
        if timeout > interval {
            s.fault("timeout", "is longer than the interval; a look must end before the next begins")
        }
        if [url, tcp, tls].compactMap({ $0 }).count != 1 {
            s.fault(nil, "a probe has exactly one of 'url', 'tcp' and 'tls'")
        }
        if let url, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            s.fault(
                "url", "'\(withoutUser(withoutSecrets(url)))' is not a web address; begin it with http:// or https://")
        }
        if let tcp, !tcp.hasPrefix("/"), HostAndPort(tcp) == nil {
            s.fault("tcp", "'\(tcp)' is not an address; write host:port, or a path that begins with '/'")
        }
        if let tls, HostAndPort(tls) == nil {
            s.fault("tls", "'\(tls)' is not an address; write host:port")
        }
    }

    private static func request(
        _ s: SettingsReader, url: String, timeout: Duration, tls: TLSOptions
    ) -> HTTPRequest {
        let method = s.text("method", default: "GET", "The request's method.")
        let headers = s.secretMap("headers", "Header fields to send.")
        let body = s.optionalText("body", "The request's body.")
        let token = s.secret("bearer_token", "A token for the header 'Authorization: Bearer'.")
        let user = s.optionalText("username", "A user name for basic authentication.")
        let password = s.secret("password", "The password that goes with the user name.")
        let redirects = s.integer(
            "redirects", default: 5, in: 0...20, "How many redirects to follow; with 0 the redirect is the reply.")
        let socket = s.optionalText("unix_socket", "A unix socket to connect to instead of the address's host.")
        var credentials: Credentials?
        if let token { credentials = .bearer(token) }
        if let user { credentials = .basic(user: user, password: password ?? Secret("")) }
        if token != nil, user != nil { s.fault("username", "stands beside 'bearer_token'; a request has one of them") }
        return HTTPRequest(
            url: url, method: method,
            headers: HTTPHeaders(headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.reveal()) }),
            body: Array((body ?? "").utf8), credentials: credentials, timeout: timeout, connectTimeout: timeout,
            bodyBytesMax: probeBodyBytesMax, truncatesBody: true, redirectsMax: redirects, unixSocketPath: socket,
            tls: tls)
    }

    func makeLooking(in language: Language) -> any Looking {
        let phrases = Phrases<ProbeText>(language)
        switch kind {
        case .http: return HTTPLook(request: request, expectation: expectation, phrases: phrases)
        case .tcp:
            if address.hasPrefix("/") {
                return TCPLook(
                    address: .unixSocket(address), timeout: timeout, durationMax: expectation.durationMax,
                    phrases: phrases)
            }
            let place = HostAndPort(address)
            return TCPLook(
                address: .port(host: place?.host ?? address, port: place?.port ?? 0), timeout: timeout,
                durationMax: expectation.durationMax, phrases: phrases)
        case .tls:
            let place = HostAndPort(address)
            return TLSLook(
                host: place?.host ?? address, port: place?.port ?? 443, serverName: serverName, options: request.tls,
                timeout: timeout)
        }
    }
}

/// A page to look for a word in is shorter; what is longer is cut.
let probeBodyBytesMax = 1024 * 1024
