public import Diagnostics
public import Outbound
public import Settings

// What Prometheus calls `http_config`: how a client shows itself to a server. The keys stand beside the others of a section
// (a scrape, a remote write, an HTTP discovery), so this is no section of its own but a part of theirs.
// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#http_config>

/// A secret that is written down or lies in a file. A file is read anew for each request, since tokens are exchanged in place.
public enum SecretSource: Sendable, Hashable {
    case text(Secret)
    case file(String)

    /// - Throws: `ClientSettingsError` when the file cannot be read.
    public func read() throws -> Secret {
        switch self {
        case .text(let secret): secret
        case .file(let path): Secret(try secretText(in: path))
        }
    }
}

/// How requests are authorised, encrypted and led.
public struct HTTPClientSettings: Sendable, Hashable {
    public enum Authorization: Sendable, Hashable {
        case basic(user: SecretSource, password: SecretSource?)
        /// `Authorization: <type> <credentials>`.
        case header(type: String, credentials: SecretSource?)
    }

    public var authorization: Authorization?
    public var tls = TLSOptions()
    public var proxy = Proxy.none
    public var proxyExceptions: String?
    public var proxyHeaders: [HeaderSource] = []
    public var followsRedirects = true
    public var allowsHTTP2 = true
    public var headers: [HeaderSource] = []

    /// A header field whose values may be secret.
    public struct HeaderSource: Sendable, Hashable {
        public var name: String
        public var values: [SecretSource]

        public init(name: String, values: [SecretSource]) {
            self.name = name
            self.values = values
        }
    }

    public init() {}

    /// Reads the keys at the level of `s`.
    public init(_ s: SettingsReader) {
        authorization = Self.authorization(s)
        tls = s.section("tls_config", TLSSettings.self, "How the server is judged, and our own certificate.").options
        followsRedirects = s.boolean("follow_redirects", default: true, "Whether redirects are followed.")
        allowsHTTP2 = s.boolean("enable_http2", default: true, "Whether HTTP/2 may be agreed on.")
        readProxy(s)
        headers = Self.headers(s, "http_headers", "Further header fields of each request, by name.")
        for header in headers where Self.reservedHeaders.contains(header.name.lowercased()) {
            s.fault("http_headers", "'\(header.name)' is set by other keys or by the protocol and cannot be set here")
        }
        s.unsupported(
            ["oauth2"], "OAuth 2 is not supported; use 'authorization' with 'credentials_file' and renew the file")
    }

    private mutating func readProxy(_ s: SettingsReader) {
        let url = s.address("proxy_url", "A proxy, as in http://proxy.example:3128.")
        let fromEnvironment = s.boolean(
            "proxy_from_environment", default: false, "Whether http_proxy, https_proxy and no_proxy count.")
        let exceptions = s.optionalText("no_proxy", "Hosts that are reached without the proxy, separated by commas.")
        proxyHeaders = Self.headers(s, "proxy_connect_header", "Header fields for the proxy alone, by name.")
        if fromEnvironment, url != nil || exceptions != nil {
            s.fault("proxy_from_environment", "stands beside 'proxy_url' or 'no_proxy'; give either")
        }
        if let url {
            proxy = .url(url)
            proxyExceptions = exceptions
        } else if fromEnvironment {
            proxy = .fromEnvironment
        } else if exceptions != nil || !proxyHeaders.isEmpty {
            s.fault("no_proxy", "means nothing without 'proxy_url'")
        }
    }

    private static func authorization(_ s: SettingsReader) -> Authorization? {
        let basic = s.optionalSection("basic_auth", BasicSettings.self, "A user and a password.")
        let header = s.optionalSection("authorization", AuthorizationSettings.self, "The Authorization header.")
        let token = secretSource(
            s, "bearer_token", "bearer_token_file", "A token for the Authorization header; 'authorization' is newer.",
            "A file with that token.")
        if [basic != nil, header != nil, token != nil].count(where: { $0 }) > 1 {
            s.fault(
                basic != nil ? "basic_auth" : "authorization",
                "'basic_auth', 'authorization' and 'bearer_token' exclude each other; keep one")
        }
        if let basic { return .basic(user: basic.user, password: basic.password) }
        if let header { return .header(type: header.type, credentials: header.credentials) }
        return token.map { .header(type: "Bearer", credentials: $0) }
    }

    private static func headers(_ s: SettingsReader, _ key: String, _ documentation: String) -> [HeaderSource] {
        if key == "proxy_connect_header" {
            return s.secretListMap(key, documentation).sorted { $0.key < $1.key }.map { name, values in
                HeaderSource(name: name, values: values.map { .text($0) })
            }
        }
        return s.map(key, of: HeaderSettings.self, documentation).map {
            HeaderSource(name: $0.name, values: $0.value.values)
        }
    }

    /// Set by other keys, by libcurl, or by the protocol that is spoken.
    private static let reservedHeaders: Set<String> = [
        "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
        "x-prometheus-remote-write-version", "x-prometheus-remote-read-version", "x-prometheus-scrape-timeout-seconds",
    ]

    /// The same with paths of files counted from `folder`.
    public func resolved(in folder: String) -> HTTPClientSettings {
        func full(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        func full(_ source: SecretSource) -> SecretSource {
            if case .file(let path) = source { .file(full(path)) } else { source }
        }
        var copy = self
        switch authorization {
        case .basic(let user, let password):
            copy.authorization = .basic(user: full(user), password: password.map { full($0) })
        case .header(let type, let credentials):
            copy.authorization = .header(type: type, credentials: credentials.map { full($0) })
        case nil: break
        }
        copy.tls.authorityFile = tls.authorityFile.map { full($0) }
        copy.tls.clientCertificateFile = tls.clientCertificateFile.map { full($0) }
        copy.tls.clientKeyFile = tls.clientKeyFile.map { full($0) }
        for index in headers.indices { copy.headers[index].values = headers[index].values.map { full($0) } }
        return copy
    }

    /// Whether `apply` reads files.
    public var readsFiles: Bool {
        let own: [SecretSource?] =
            switch authorization {
            case .basic(let user, let password): [user, password]
            case .header(_, let credentials): [credentials]
            case nil: []
            }
        return (own.compactMap { $0 } + (headers + proxyHeaders).flatMap(\.values)).contains { source in
            if case .file = source { true } else { false }
        }
    }

    /// Puts these settings onto a request. Reads files, so it belongs on a thread that may block.
    /// - Throws: `ClientSettingsError` when a file cannot be read.
    public func apply(to request: inout HTTPRequest) throws {
        switch authorization {
        case .basic(let user, let password):
            request.credentials = .basic(
                user: try user.read().reveal(), password: try password?.read() ?? Secret(""))
        case .header("Bearer", let credentials?): request.credentials = .bearer(try credentials.read())
        case .header(let type, let credentials):
            request.headers["Authorization"] = try credentials.map { "\(type) \(try $0.read().reveal())" } ?? type
        case nil: break
        }
        for header in headers {
            for value in header.values { request.headers.add(header.name, try value.read().reveal()) }
        }
        request.tls = tls
        request.proxy = proxy
        request.proxyExceptions = proxyExceptions
        for header in proxyHeaders {
            for value in header.values { request.proxyHeaders.add(header.name, try value.read().reveal()) }
        }
        request.redirectsMax = followsRedirects ? 10 : 0
        request.allowsHTTP2 = allowsHTTP2
    }
}

/// A secret as a value or in a file.
/// - Returns: nil when neither key is there.
func secretSource(
    _ s: SettingsReader, _ key: String, _ fileKey: String, _ documentation: String, _ fileDocumentation: String
) -> SecretSource? {
    let text = s.secret(key, documentation)
    let file = s.optionalText(fileKey, fileDocumentation)
    if text != nil, file != nil { s.fault(fileKey, "stands beside '\(key)'; give either") }
    return text.map { .text($0) } ?? file.map { .file($0) }
}

private struct BasicSettings: SettingsSection {
    var user: SecretSource
    var password: SecretSource?

    init(_ s: SettingsReader) {
        let name = s.text("username", default: "", "The user.")
        let file = s.optionalText("username_file", "A file with the user's name.")
        if !name.isEmpty, file != nil { s.fault("username_file", "stands beside 'username'; give either") }
        user = file.map { .file($0) } ?? .text(Secret(name))
        password = secretSource(s, "password", "password_file", "The password.", "A file with the password.")
    }
}

private struct AuthorizationSettings: SettingsSection {
    var type: String
    var credentials: SecretSource?

    init(_ s: SettingsReader) {
        let written = s.text("type", default: "Bearer", "The first word of the header.")
        type = written.lowercased() == "bearer" ? "Bearer" : written
        credentials = secretSource(
            s, "credentials", "credentials_file", "What follows the type.", "A file with what follows the type.")
        if type.lowercased() == "basic" {
            s.fault("type", "'Basic' needs a user and a password; use 'basic_auth' instead")
        }
    }
}

private struct HeaderSettings: SettingsSection {
    var values: [SecretSource]

    init(_ s: SettingsReader) {
        values = s.texts("values", "Values, one field each.").map { .text(Secret($0)) }
        values += s.secrets("secrets", "Values that are not shown.").map { .text($0) }
        values += s.texts("files", "Files that hold one value each.").map { .file($0) }
    }
}

private struct TLSSettings: SettingsSection {
    var options = TLSOptions()

    init(_ s: SettingsReader) {
        options.authorities = s.optionalText("ca", "PEM text of the authorities to trust instead of the system's.")
        options.authorityFile = s.optionalText("ca_file", "The same in a file.")
        options.clientCertificate = s.optionalText("cert", "PEM text of our own certificate.")
        options.clientCertificateFile = s.optionalText("cert_file", "The same in a file.")
        options.clientKey = s.secret("key", "PEM text of the key of our own certificate.")
        options.clientKeyFile = s.optionalText("key_file", "The same in a file.")
        options.serverName = s.optionalText(
            "server_name", "The name that the server's certificate must carry, if not the address's host.")
        options.verifiesPeer = !s.boolean(
            "insecure_skip_verify", default: false, "Whether any certificate is taken, which anybody can make.")
        options.minimumVersion = version(s, "min_version", "The oldest version of TLS.")
        options.maximumVersion = version(s, "max_version", "The newest version of TLS.")
        for (text, file) in [("ca", "ca_file"), ("cert", "cert_file"), ("key", "key_file")]
        where s.isPresent(text) && s.isPresent(file) {
            s.fault(file, "stands beside '\(text)'; give either")
        }
        let hasCertificate = s.isPresent("cert") || s.isPresent("cert_file")
        let hasKey = s.isPresent("key") || s.isPresent("key_file")
        if hasCertificate != hasKey {
            s.fault(hasKey ? "key" : "cert", "a certificate of our own needs its key, and the key its certificate")
        }
    }

    private func version(_ s: SettingsReader, _ key: String, _ documentation: String) -> TLSOptions.Version? {
        let names = TLSOptions.Version.allCases.map(\.rawValue)
        guard let text = s.optionalText(key, "\(documentation) One of \(names.joined(separator: ", ")).") else {
            return nil
        }
        guard let version = TLSOptions.Version(rawValue: text) else {
            if !text.isEmpty { s.fault(key, "'\(text)' is not one of \(names.joined(separator: ", "))") }
            return nil
        }
        return version
    }
}
