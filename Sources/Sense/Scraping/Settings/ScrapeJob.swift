public import ClientSettings
public import Relabelling
import Series

/// A job with everything decided: what its own section leaves open is as in `global`.
public struct ScrapeJob: Sendable, Hashable {
    public var name: String
    public var interval: Duration
    public var timeout: Duration
    public var metricsPath = "/metrics"
    public var scheme = "http"
    public var params: [String: [String]] = [:]
    public var honorsLabels = false
    public var honorsTimestamps = true
    public var tracksTimestampStaleness = false
    public var acceptsCompression = true
    public var client = HTTPClientSettings()
    public var limits = ScrapeLimits()
    /// Nil: all of them.
    public var keepDroppedTargets: Int?
    public var protocols = ScrapeProtocol.standard
    /// Nil: a page without a known content type is a failure.
    public var fallbackProtocol: ScrapeProtocol?
    public var nameScheme = RelabelRule.NameScheme.utf8
    public var escaping = "allow-utf-8"
    public var scrapesClassicHistograms = false
    public var convertsClassicHistograms = false
    public var hasExtraMetrics = false
    public var storesCreatedZeros = false
    public var relabelRules: [RelabelRule] = []
    public var metricRelabelRules: [RelabelRule] = []
    public var discoveries: [DiscoverySettings] = []
    /// Every target gets these where nothing else gave it a label of the name: before relabelling.
    public var furtherLabels: [String: String] = [:]

    public init(name: String, interval: Duration, timeout: Duration) {
        self.name = name
        self.interval = interval
        self.timeout = timeout
    }

    /// - Parameter folder: what paths of files are counted from.
    public init(_ own: ScrapeConfigSettings, global: GlobalSettings, folder: String) {
        name = own.jobName
        interval = own.interval ?? global.interval
        // As the reference: a standard timeout that is longer than the job's interval is cut to it.
        timeout = own.timeout ?? min(global.timeout, interval)
        metricsPath = own.metricsPath
        scheme = own.scheme
        params = own.params
        honorsLabels = own.honorsLabels
        honorsTimestamps = own.honorsTimestamps
        tracksTimestampStaleness = own.tracksTimestampStaleness
        acceptsCompression = own.acceptsCompression
        client = own.client.resolved(in: folder)
        limits = global.limits.overridden(by: own.limits)
        keepDroppedTargets = (own.keepDroppedTargets ?? global.keepDroppedTargets).flatMap { $0 == 0 ? nil : $0 }
        let wantsHistograms = own.scrapesNativeHistograms ?? global.scrapesNativeHistograms
        protocols =
            own.protocols ?? global.protocols
            ?? (wantsHistograms ? ScrapeProtocol.withHistograms : ScrapeProtocol.standard)
        fallbackProtocol = own.fallbackProtocol
        nameScheme = own.nameScheme ?? global.nameScheme
        escaping = own.escaping ?? global.escaping ?? (nameScheme == .utf8 ? "allow-utf-8" : "underscores")
        scrapesClassicHistograms = own.scrapesClassicHistograms ?? global.alwaysScrapesClassicHistograms
        convertsClassicHistograms = own.convertsClassicHistograms ?? global.convertsClassicHistograms
        hasExtraMetrics = global.hasExtraMetrics
        storesCreatedZeros = global.storesCreatedZeros
        relabelRules = own.relabelRules
        metricRelabelRules = own.metricRelabelRules
        discoveries = own.discoveries.map { $0.resolved(in: folder) }
    }
}

extension DiscoverySettings {
    func resolved(in folder: String) -> DiscoverySettings {
        switch self {
        case .files(let patterns, let refresh):
            .files(patterns: patterns.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }, refresh: refresh)
        case .http(let url, let refresh, let client):
            .http(url: url, refresh: refresh, client: client.resolved(in: folder))
        case .docker(var docker):
            {
                docker.client = docker.client.resolved(in: folder)
                return .docker(docker)
            }()
        case .fixed, .dns: self
        }
    }
}
