public import Diagnostics
import Outbound
import Series
public import Settings
import Units

public struct ScrapeTargetSettings: SettingsSection, Sendable, Hashable {
    public var name: String
    public var url: String
    public var bearerToken: Secret?
    public var user: String?
    public var password: Secret?
    public var verifiesPeer: Bool
    public var labels: [String: String]
    public var limits: ScrapeSource.Limits
    public var rhythm: Rhythm

    public init(
        name: String, url: String, bearerToken: Secret? = nil, user: String? = nil, password: Secret? = nil,
        verifiesPeer: Bool = true, labels: [String: String] = [:], limits: ScrapeSource.Limits = ScrapeSource.Limits(),
        rhythm: Rhythm = Rhythm()
    ) {
        self.name = name
        self.url = url
        self.bearerToken = bearerToken
        self.user = user
        self.password = password
        self.verifiesPeer = verifiesPeer
        self.labels = labels
        self.limits = limits
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "What is scraped, the label 'job'.")
        url = s.requiredText("url", "Address of the metrics, as in http://127.0.0.1:8080/metrics.")
        bearerToken = s.secret("bearer_token", "Token for the Authorization header.")
        user = s.optionalText("user", "User for basic authentication.")
        password = s.secret("password", "Password for basic authentication.")
        verifiesPeer = s.boolean("verify_tls", default: true, "Whether the server's certificate must be good.")
        labels = s.textMap("labels", "Further labels for every sample.")
        limits = ScrapeSource.Limits(
            body: s.bytes("body_limit", default: ByteCount(10 << 20), "A larger answer is a failure."),
            sampleCount: s.integer(
                "sample_limit", default: 20_000, in: 1...1_000_000, "An answer of more samples is a failure."))
        rhythm = Rhythm(s)
        if bearerToken != nil && user != nil { s.fault("user", "stands beside a bearer token; give either") }
    }

    func plan(onHost host: String, _ readText: @escaping MetricsTextReader) -> SourcePlan {
        let instance = hostAndPort(of: url)
        let own = Labels(labels.map { ($0.key, $0.value) })
        let request = HTTPRequest(
            url: url,
            credentials: bearerToken.map { .bearer($0) }
                ?? user.map { .basic(user: $0, password: password ?? Secret("")) },
            tls: TLSOptions(verifiesPeer: verifiesPeer))
        return SourcePlan(
            ScrapeSource(
                name: "scrape/\(name)", labels: targetLabels(job: name, instance: instance, host: host).merging(own),
                request, limits: limits, interval: rhythm.interval, deadline: rhythm.timeout, readText: readText),
            identity: PlanIdentity(settings: self, host: host))
    }
}

/// `127.0.0.1:8080` of `http://127.0.0.1:8080/metrics`, with the scheme's port where none is written.
func hostAndPort(of url: String) -> String {
    let isPlain = url.hasPrefix("http://")
    var rest = url[...]
    for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    rest = rest.prefix { $0 != "/" && $0 != "?" }
    if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    if rest.hasSuffix("]") || !rest.contains(":") { return rest + (isPlain ? ":80" : ":443") }
    return String(rest)
}
