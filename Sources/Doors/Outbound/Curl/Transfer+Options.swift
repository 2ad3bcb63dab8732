import CLibcurl
public import Diagnostics
import Glibc

// Options and outcomes that every protocol shares.

extension Transfer {
    func limit(total: Duration?, connect: Duration) {
        // libcurl takes 0 as "no limit", so the shortest limit is a millisecond.
        set(CURLOPT_TIMEOUT_MS, total.map { max(1, $0.wholeMillisecondsClamped) } ?? 0)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, min(connect, total ?? connect).wholeMillisecondsClamped))
    }

    func judgePeer(by options: TLSOptions) {
        set(CURLOPT_SSL_VERIFYPEER, options.verifiesPeer ? 1 : 0)
        set(CURLOPT_SSL_VERIFYHOST, options.verifiesPeer ? 2 : 0)
        set(CURLOPT_CERTINFO, 1)
        if let file = options.authorityFile {
            set(CURLOPT_CAINFO, file)
            // Else the system's folder would still count beside the named file.
            set(CURLOPT_CAPATH, pointer: nil)
        }
        if let file = options.clientCertificateFile { set(CURLOPT_SSLCERT, file) }
        if let file = options.clientKeyFile { set(CURLOPT_SSLKEY, file) }
        if let text = options.authorities {
            set(CURLOPT_CAINFO_BLOB, blob: text)
            set(CURLOPT_CAPATH, pointer: nil)
        }
        if let text = options.clientCertificate { set(CURLOPT_SSLCERT_BLOB, blob: text) }
        if let text = options.clientKey { set(CURLOPT_SSLKEY_BLOB, blob: text.reveal()) }
        if options.minimumVersion != nil || options.maximumVersion != nil {
            let least = options.minimumVersion.map { versionNumber($0) } ?? 0
            let most = options.maximumVersion.map { versionNumber($0) << 16 } ?? 0
            set(CURLOPT_SSLVERSION, least | most)
        }
    }

    /// `CURL_SSLVERSION_TLSv1_0` and the following numbers.
    private func versionNumber(_ version: TLSOptions.Version) -> Int {
        switch version {
        case .tls10: 4
        case .tls11: 5
        case .tls12: 6
        case .tls13: 7
        }
    }

    func go(through proxy: Proxy) {
        switch proxy {
        case .none: set(CURLOPT_PROXY, "")
        case .fromEnvironment: break
        case .url(let url): set(CURLOPT_PROXY, url)
        }
    }

    /// - Parameters:
    ///   - secrets: cut out of whatever the peer or the library said.
    ///   - proxy: by which the target was to be reached, if `exceptions` does not take it out.
    func failure(
        _ code: CURLcode, target: String, secrets: [Secret] = [], proxy: String? = nil, exceptions: String? = nil
    ) -> any Error {
        if code == CURLE_ABORTED_BY_CALLBACK { return CancellationError() }
        let timings = self.timings
        var text = detail(of: code)
        if code == CURLE_PEER_FAILED_VERIFICATION, text.hasPrefix("SSL certificate problem: ") {
            text.removeFirst("SSL certificate problem: ".count)
        }
        if code == CURLE_OPERATION_TIMEDOUT {
            let after = timings.total.inMillisecondsText
            if timings.resolve == nil {
                text = "no answer from the name servers within \(after)"
            } else if timings.connect == nil {
                text = "no connection within \(after)"
            } else {
                text = "connected, but no complete reply within \(after)"
            }
        }
        let isSure = exceptions == nil || code == CURLE_COULDNT_RESOLVE_PROXY || long(CURLINFO_HTTP_CONNECTCODE) != 0
        // The library takes an address without a scheme for one with http://.
        let proxy = proxy.map { origin(of: $0.contains("://") ? $0 : "http://\($0)") }
        let used = proxy.flatMap { isSure || Self.names(detail(of: code), $0) ? $0 : nil }
        return OutboundError(
            kind(of: code), target: target, detail: redacting(secrets, in: text), timings: timings, proxy: used)
    }

    /// Whether the library says that no connection to `proxy`, an origin, came about. Which hosts the exceptions take out is its business.
    private static func names(_ text: String, _ proxy: String) -> Bool {
        guard let start = proxy.firstRange(of: "://")?.upperBound else { return false }
        let host = proxy[start...]
        let bare = host.firstIndex(of: "]").map { host[host.index(after: host.startIndex)..<$0] }
        let parts = (bare.map { host[$0.endIndex...].dropFirst() } ?? host).split(
            separator: ":", omittingEmptySubsequences: false)
        // The library's own port for proxies.
        return text.contains("to \(bare ?? parts[0]) port \(parts.dropFirst().last ?? "1080") ")
    }

    private func kind(of code: CURLcode) -> OutboundError.Code {
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidRequest
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .nameNotFound
        case CURLE_COULDNT_CONNECT:
            long(CURLINFO_OS_ERRNO) == Int(ECONNREFUSED) ? .connectionRefused : .unreachable
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER: .tls
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: .certificate
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM, CURLE_WEIRD_SERVER_REPLY:
            .connectionLost
        case CURLE_TOO_MANY_REDIRECTS: .tooManyRedirects
        case CURLE_LOGIN_DENIED: .loginRefused
        case CURLE_USE_SSL_FAILED: .unsupported
        default: .other
        }
    }
}

/// `text` without any of `secrets`, and on one line.
func redacting(_ secrets: [Secret], in text: String) -> String {
    var clean = String(text.map { $0.isNewline ? " " : $0 })
    for secret in secrets where !secret.reveal().isEmpty {
        clean = clean.split(separator: secret.reveal(), omittingEmptySubsequences: false)
            .joined(separator: Secret.redacted)
    }
    return clean
}

/// Scheme, host and port of `url`, for messages: user, password, path and query may be secrets.
func origin(of url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return "the given address" }
    let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    return "\(url[..<scheme.lowerBound])://\(host)"
}

/// Scheme, host and port of an address that may hold a secret, for messages.
public func displayedOrigin(of url: Secret) -> String { origin(of: url.reveal()) }

extension Duration {
    /// libcurl's limits are C `long`s of milliseconds; a day stands for anything longer.
    fileprivate var wholeMillisecondsClamped: Int {
        let (seconds, attoseconds) = components
        return seconds >= 86_400 ? 86_400_000 : Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    fileprivate var inMillisecondsText: String { "\(wholeMillisecondsClamped) ms" }
}
