import Units
public import Relabelling
import Series
public import Settings

/// The section `global` of a `prometheus.yml`: what holds where a scrape does not say otherwise.
public struct GlobalSettings: SettingsSection, Sendable, Hashable {
    public var interval: Duration
    public var timeout: Duration
    public var evaluationInterval: Duration?
    /// Added to what leaves this machine: remote writes, federation, alerts.
    public var externalLabels: [String: String]
    public var limits: ScrapeLimits
    public var keepDroppedTargets: Int?
    public var protocols: [ScrapeProtocol]?
    public var nameScheme: RelabelRule.NameScheme
    public var escaping: String?
    public var alwaysScrapesClassicHistograms: Bool
    public var convertsClassicHistograms: Bool
    public var scrapesNativeHistograms: Bool
    /// Whether `scrape_timeout_seconds` and the like are written too.
    public var hasExtraMetrics: Bool
    /// Whether series begin with a zero at the time that their target names.
    public var storesCreatedZeros: Bool

    public init(_ s: SettingsReader) {
        interval = s.duration(
            "scrape_interval", default: .seconds(60), atLeast: .milliseconds(1), "How often targets are scraped.")
        timeout = s.duration(
            "scrape_timeout", default: min(.seconds(10), interval), atLeast: .milliseconds(1),
            "After this long a scrape has failed.")
        evaluationInterval = s.optionalDuration(
            "evaluation_interval", atLeast: .seconds(1),
            "How often rule groups without an interval are evaluated; without it, 'rules.interval' counts.")
        externalLabels = s.textMap("external_labels", "Labels added to everything that leaves this machine.")
        limits = ScrapeLimits(s)
        keepDroppedTargets = s.optionalInteger(
            "keep_dropped_targets", in: 0...1_000_000, "How many dropped targets of a job are listed. 0: all.")
        protocols = readProtocols(s)
        nameScheme = s.choice(
            "metric_name_validation_scheme", default: .utf8, "Which names metrics and labels may have.")
        escaping = readEscaping(s)
        alwaysScrapesClassicHistograms = s.boolean(
            "always_scrape_classic_histograms", default: false,
            "Whether classic buckets are kept beside native ones.")
        convertsClassicHistograms = s.boolean(
            "convert_classic_histograms_to_nhcb", default: false,
            "Whether classic histograms become native ones with bounds by hand.")
        scrapesNativeHistograms = s.boolean(
            "scrape_native_histograms", default: false, "Whether native histograms are asked for.")
        hasExtraMetrics = s.boolean(
            "extra_scrape_metrics", default: false,
            "Whether scrape_timeout_seconds, scrape_sample_limit and scrape_body_size_bytes are written too.")
        storesCreatedZeros = s.boolean(
            "created_timestamp_zero_ingestion", default: false,
            "Whether counters and histograms begin with a zero at the time at which the target says that it made them.")
        if timeout > interval {
            s.fault("scrape_timeout", "is longer than the interval of \(interval.prometheusText); make it at most that")
        }
        for name in externalLabels.keys.sorted() where !nameScheme.allows(label: name) {
            s.fault("external_labels", "'\(name)' is not a label's name")
        }
        s.unsupported(
            ["query_log_file", "scrape_failure_log_file"], "a log file of its own is not supported; see Jaga's log")
        s.unsupported(["runtime"], "has no meaning here: there is no garbage collector to set")
        s.unsupported(
            ["rule_query_offset"], "is not supported for all groups at once; write 'query_offset' in each group")
    }
}

/// `scrape_protocols`; nil where the key is absent.
func readProtocols(_ s: SettingsReader) -> [ScrapeProtocol]? {
    let names = ScrapeProtocol.allCases.map(\.rawValue)
    let written = s.texts("scrape_protocols", "Formats to ask for, the best first: \(names.joined(separator: ", ")).")
    guard s.isPresent("scrape_protocols") else { return nil }
    var protocols: [ScrapeProtocol] = []
    for name in written {
        guard let known = ScrapeProtocol(rawValue: name) else {
            s.fault("scrape_protocols", "'\(name)' is not one of \(names.joined(separator: ", "))")
            continue
        }
        if protocols.contains(known) { s.fault("scrape_protocols", "'\(name)' stands twice; keep one") }
        protocols.append(known)
    }
    if written.isEmpty { s.fault("scrape_protocols", "is empty; name at least one format") }
    return protocols
}

/// `metric_name_escaping_scheme`; nil where the key is absent.
func readEscaping(_ s: SettingsReader) -> String? {
    let names = ["allow-utf-8", "underscores", "dots", "values"]
    let written = s.optionalText(
        "metric_name_escaping_scheme",
        "How targets shall write names that are not plain words: \(names.joined(separator: ", ")).")
    guard let written, !names.contains(written) else { return written }
    s.fault("metric_name_escaping_scheme", "'\(written)' is not one of \(names.joined(separator: ", "))")
    return nil
}
