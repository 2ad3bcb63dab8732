import Units
public import ClientSettings
import Diagnostics
public import Relabelling
public import Settings

/// An element of `scrape_configs`, with the keys and meanings of a `prometheus.yml`
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config>).
public struct ScrapeConfigSettings: SettingsSection, Sendable {
    public var jobName: String
    public var interval: Duration?
    public var timeout: Duration?
    public var metricsPath: String
    public var scheme: String
    public var params: [String: [String]]
    public var honorsLabels: Bool
    public var honorsTimestamps: Bool
    public var tracksTimestampStaleness: Bool
    public var acceptsCompression: Bool
    public var client: HTTPClientSettings
    public var limits: ScrapeLimits
    public var keepDroppedTargets: Int?
    public var protocols: [ScrapeProtocol]?
    public var fallbackProtocol: ScrapeProtocol?
    public var nameScheme: RelabelRule.NameScheme?
    public var escaping: String?
    public var scrapesClassicHistograms: Bool?
    public var convertsClassicHistograms: Bool?
    public var scrapesNativeHistograms: Bool?
    public var relabelRules: [RelabelRule]
    public var metricRelabelRules: [RelabelRule]
    public var discoveries: [DiscoverySettings]

    public init(_ s: SettingsReader) {
        jobName = s.requiredText("job_name", "The label 'job' of the targets; no two jobs have the same.")
        interval = s.optionalDuration(
            "scrape_interval", atLeast: .milliseconds(1), "How often; without it as in 'global'.")
        timeout = s.optionalDuration(
            "scrape_timeout", atLeast: .milliseconds(1), "After this long a scrape has failed.")
        metricsPath = s.text("metrics_path", default: "/metrics", "The path of the page.")
        scheme = s.text("scheme", default: "http", "http or https.")
        params = s.textListMap("params", "Parameters of the address, by name.")
        honorsLabels = s.boolean(
            "honor_labels", default: false,
            "Whether a target's own labels win over ours; else they are kept as exported_<name>.")
        honorsTimestamps = s.boolean("honor_timestamps", default: true, "Whether times that the page gives count.")
        tracksTimestampStaleness = s.boolean(
            "track_timestamps_staleness", default: false,
            "Whether series with times of their own end when they vanish from the page.")
        acceptsCompression = s.boolean("enable_compression", default: true, "Whether gzip is asked for.")
        client = HTTPClientSettings(s)
        limits = ScrapeLimits(s)
        limits.histogramBuckets = s.optionalInteger(
            "native_histogram_bucket_limit", in: 0...Int.max,
            "More buckets than this, and a native histogram gets coarser. 0: no limit."
        ).map { $0 == 0 ? .max : $0 }
        let factor = s.number(
            "native_histogram_min_bucket_factor", default: 0, in: 0...65536,
            "The least factor between the bounds of a native histogram's buckets.")
        limits.histogramBucketFactor = factor > 1 ? factor : nil
        keepDroppedTargets = s.optionalInteger(
            "keep_dropped_targets", in: 0...1_000_000, "How many dropped targets are listed. 0: all.")
        protocols = readProtocols(s)
        fallbackProtocol = Self.fallback(s)
        nameScheme = Self.scheme(s)
        escaping = readEscaping(s)
        scrapesClassicHistograms = Self.flag(
            s, "always_scrape_classic_histograms", "Whether classic buckets are kept beside native ones.")
        let older = Self.flag(s, "scrape_classic_histograms", "The older name of 'always_scrape_classic_histograms'.")
        scrapesClassicHistograms = scrapesClassicHistograms ?? older
        convertsClassicHistograms = Self.flag(
            s, "convert_classic_histograms_to_nhcb",
            "Whether classic histograms become native ones with bounds by hand.")
        scrapesNativeHistograms = Self.flag(s, "scrape_native_histograms", "Whether native histograms are asked for.")
        relabelRules = s.list(
            "relabel_configs", of: RelabelSettings.self, "Which targets are scraped, and under which labels."
        ).compactMap(\.rule)
        metricRelabelRules = s.list(
            "metric_relabel_configs", of: RelabelSettings.self, "Which samples are kept, and under which labels."
        ).compactMap(\.rule)
        discoveries = DiscoverySettings.all(s)
        check(s)
    }

    private func check(_ s: SettingsReader) {
        if scheme != "http" && scheme != "https" { s.fault("scheme", "'\(scheme)' is neither http nor https") }
        if let interval, let timeout, timeout > interval {
            s.fault("scrape_timeout", "is longer than the interval of \(interval.prometheusText); make it at most that")
        }
        s.unsupported(
            ["scrape_failure_log_file"],
            "a log file of its own is not supported; the last error is on the sources' page")
        s.unsupported(["sigv4", "azuread", "google_iam"], "is not supported; use 'authorization' or 'basic_auth'")
    }

    private static func fallback(_ s: SettingsReader) -> ScrapeProtocol? {
        let names = ScrapeProtocol.allCases.map(\.rawValue)
        let written = s.optionalText(
            "fallback_scrape_protocol",
            "How a page without a known content type is read: \(names.joined(separator: ", ")).")
        guard let written, !written.isEmpty else { return nil }
        if let known = ScrapeProtocol(rawValue: written) { return known }
        s.fault("fallback_scrape_protocol", "'\(written)' is not one of \(names.joined(separator: ", "))")
        return nil
    }

    private static func scheme(_ s: SettingsReader) -> RelabelRule.NameScheme? {
        let scheme = s.choice(
            "metric_name_validation_scheme", default: RelabelRule.NameScheme.utf8,
            "Which names metrics and labels may have; without it as in 'global'.")
        return s.isPresent("metric_name_validation_scheme") ? scheme : nil
    }

    private static func flag(_ s: SettingsReader, _ key: String, _ documentation: String) -> Bool? {
        let value = s.boolean(key, default: false, "\(documentation) Without it as in 'global'.")
        return s.isPresent(key) ? value : nil
    }
}

/// A file that `scrape_config_files` names: nothing but jobs.
public struct ScrapeFileSettings: SettingsSection, Sendable {
    public var configs: [ScrapeConfigSettings]

    public init(_ s: SettingsReader) {
        configs = s.list("scrape_configs", of: ScrapeConfigSettings.self, "Jobs.")
    }
}
