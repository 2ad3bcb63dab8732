public import Diagnostics

/// How the peer of an encrypted connection is judged.
public struct TLSOptions: Sendable, Hashable {
    /// Off only where a person asked for it: an unverified peer can be anybody.
    public var verifiesPeer: Bool
    /// A PEM file with the authorities to trust instead of the system's.
    public var authorityFile: String?
    /// PEM files with a certificate and a key of our own, where the peer asks for one.
    public var clientCertificateFile: String?
    public var clientKeyFile: String?
    /// The same as PEM text. Where both are given, the text counts.
    public var authorities: String?
    public var clientCertificate: String?
    public var clientKey: Secret?
    /// The name that is asked for and that the certificate must carry, instead of the URL's host.
    public var serverName: String?
    public var minimumVersion: Version?
    public var maximumVersion: Version?

    public enum Version: String, Sendable, Hashable, CaseIterable {
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    public init(
        verifiesPeer: Bool = true, authorityFile: String? = nil, clientCertificateFile: String? = nil,
        clientKeyFile: String? = nil, authorities: String? = nil, clientCertificate: String? = nil,
        clientKey: Secret? = nil, serverName: String? = nil, minimumVersion: Version? = nil,
        maximumVersion: Version? = nil
    ) {
        self.verifiesPeer = verifiesPeer
        self.authorityFile = authorityFile
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyFile = clientKeyFile
        self.authorities = authorities
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.serverName = serverName
        self.minimumVersion = minimumVersion
        self.maximumVersion = maximumVersion
    }
}

/// Who we say we are.
public enum Credentials: Sendable, Hashable {
    case basic(user: String, password: Secret)
    case bearer(Secret)
}

/// Which proxy a request goes through.
public enum Proxy: Sendable, Hashable {
    /// Straight to the peer, whatever the environment says.
    case none
    /// As `http_proxy`, `https_proxy` and `no_proxy` say.
    case fromEnvironment
    /// As in `http://proxy.example:3128`.
    case url(String)
}
