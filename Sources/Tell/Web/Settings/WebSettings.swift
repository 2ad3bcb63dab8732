public import Settings
public import Texts
public import Units

/// The section `web`: where the pages and the API are served.
public struct WebSettings: SettingsSection, Sendable {
    /// `127.0.0.1:9797`, `[::1]:9797`, `0.0.0.0:80`.
    public let host: String
    public let port: Int
    /// How people reach the pages, for links in messages; empty: made from `host` and `port`.
    public let publicURL: String
    public let trustedProxies: [String]
    public let sessionIdle: Duration
    public let sessionMax: Duration
    public let language: Language

    public init(_ s: SettingsReader) {
        let listen = s.text("listen", default: "127.0.0.1:9797", "Address and port of the pages and the API.")
        let address = HostAndPort(listen, ports: 0...65_535)
        if address == nil {
            s.fault("listen", "'\(listen)' is not an address with a port; write it like 127.0.0.1:9797")
        }
        host = address?.host ?? "127.0.0.1"
        port = address?.port ?? 9797
        publicURL = s.text(
            "public_url", default: "", "How people reach the pages, as in https://jaga.example.org; used in messages.")
        if !publicURL.isEmpty, !publicURL.hasPrefix("http://"), !publicURL.hasPrefix("https://") {
            s.fault("public_url", "'\(withoutUser(publicURL))' begins with neither http:// nor https://")
        }
        trustedProxies = s.texts(
            "trusted_proxies", default: [],
            "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed.")
        sessionIdle = s.duration(
            "session_idle", default: .seconds(12 * 3600), atLeast: .seconds(60),
            "A login ends when it is not used for this long.")
        sessionMax = s.duration(
            "session_max", default: .seconds(7 * 86_400), atLeast: .seconds(60),
            "A login ends after this long in any case.")
        language = s.choice("language", default: Language.english, "The language of pages, messages and reports.")
    }

    /// The same, served at another address.
    public func listening(at address: HostAndPort) -> WebSettings {
        WebSettings(
            host: address.host, port: address.port, publicURL: publicURL, trustedProxies: trustedProxies,
            sessionIdle: sessionIdle, sessionMax: sessionMax, language: language)
    }

    public init(
        host: String = "127.0.0.1", port: Int = 9797, publicURL: String = "", trustedProxies: [String] = [],
        sessionIdle: Duration = .seconds(12 * 3600), sessionMax: Duration = .seconds(7 * 86_400),
        language: Language = .english
    ) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.trustedProxies = trustedProxies
        self.sessionIdle = sessionIdle
        self.sessionMax = sessionMax
        self.language = language
    }
}
