import ClientSettings
public import Diagnostics
import Outbound
public import Settings
public import Units

/// An element of `scrape`: one address, in fewer words than a job of `scrape_configs` takes.
public struct ScrapeTargetSettings: SettingsSection, Sendable, Hashable {
    public var name: String
    public var url: String
    public var bearerToken: Secret?
    public var user: String?
    public var password: Secret?
    public var verifiesPeer: Bool
    public var labels: [String: String]
    public var bodyLimit: ByteCount
    public var sampleLimit: Int
    public var interval: Duration
    public var timeout: Duration

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "What is scraped, the label 'job'.")
        url = s.address("url", "Address of the metrics, as in http://127.0.0.1:8080/metrics.") ?? ""
        bearerToken = s.secret("bearer_token", "Token for the Authorization header.")
        user = s.optionalText("user", "User for basic authentication.")
        password = s.secret("password", "Password for basic authentication.")
        verifiesPeer = s.boolean("verify_tls", default: true, "Whether the server's certificate must be good.")
        labels = s.textMap("labels", "Further labels for every sample.")
        bodyLimit = s.bytes("body_limit", default: ByteCount(10 << 20), "A larger answer is a failure.")
        sampleLimit = s.integer(
            "sample_limit", default: 20_000, in: 1...1_000_000, "An answer of more samples is a failure.")
        interval = s.duration("interval", default: .seconds(15), atLeast: .seconds(1), "How often to read it.")
        timeout = s.duration(
            "timeout", default: min(.seconds(10), interval), atLeast: .milliseconds(100),
            "After this long a reading has failed; at most the interval.")
        if timeout > interval {
            s.fault("timeout", "is longer than the interval; make it at most \(interval.prometheusText)")
        }
        if !url.hasPrefix("http://") && !url.hasPrefix("https://") {
            s.fault(s.isPresent("url") ? "url" : nil, "'url' must be an address with http:// or https://")
        }
        if bearerToken != nil && user != nil { s.fault("user", "stands beside a bearer token; give either") }
    }

    /// The job that this stands for.
    /// - Parameter host: the machine's name, for the label `host`.
    public func job(onHost host: String) -> ScrapeJob {
        let parts = URLParts(url)
        var job = ScrapeJob(name: name, interval: interval, timeout: timeout)
        job.scheme = parts.scheme
        job.metricsPath = parts.path
        job.params = parts.parameters
        job.limits.body = bodyLimit
        job.limits.samples = sampleLimit
        // Small programs often name no type, or a wrong one.
        job.fallbackProtocol = .text004
        job.client.tls = TLSOptions(verifiesPeer: verifiesPeer)
        if let bearerToken {
            job.client.authorization = .header(type: "Bearer", credentials: .text(bearerToken))
        } else if let user = user ?? parts.user {
            job.client.authorization = .basic(
                user: .text(Secret(user)), password: (password ?? parts.password).map { .text($0) })
        }
        job.furtherLabels = ["host": host]
        job.discoveries = [.fixed(targets: [parts.address], labels: labels)]
        return job
    }
}

/// The pieces of an address of metrics.
struct URLParts {
    var scheme: String
    var user: String?
    var password: Secret?
    /// Host and port; the scheme's port where none is written.
    var address: String
    var path: String
    var parameters: [String: [String]] = [:]

    init(_ url: String) {
        scheme = url.hasPrefix("https://") ? "https" : "http"
        var rest = url[...]
        if let mark = rest.firstRange(of: "://") { rest = rest[mark.upperBound...] }
        rest = rest.prefix { $0 != "#" }
        var authority = rest.prefix { $0 != "/" && $0 != "?" }
        rest = rest[authority.endIndex...]
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = percentDecoded(parts[0])
            password = parts.count > 1 ? Secret(percentDecoded(parts[1])) : nil
            authority = authority[authority.index(after: at)...]
        }
        let hasPort = !authority.hasSuffix("]") && authority.contains(":")
        address = hasPort ? String(authority) : "\(authority):\(scheme == "https" ? 443 : 80)"
        path = String(rest.prefix { $0 != "?" })
        if path.isEmpty { path = "/" }
        for pair in rest.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            parameters[percentDecoded(parts[0]), default: []].append(parts.count > 1 ? percentDecoded(parts[1]) : "")
        }
    }
}

/// The text that a part of an address stands for.
func percentDecoded(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == UInt8(ascii: "%"), digits.count == 2,
            let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
