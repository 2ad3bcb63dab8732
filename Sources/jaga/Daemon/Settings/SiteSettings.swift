public import Alerting
public import Backup
public import Collectors
import Diagnostics
public import Jobs
public import Notifications
public import Probes
public import RemoteWrite
public import Scraping
public import Settings
public import Web

/// The whole file: what each capability declares, in the order in which a person reads it.
public struct SiteSettings: SettingsSection, Sendable {
    public let site: String?
    public let collectors: CollectorSettings
    public let scrape: [ScrapeTargetSettings]
    public let global: GlobalSettings
    public let scrapeConfigs: [ScrapeConfigSettings]
    /// Paths of files with further jobs, relative to the configuration's folder; `*` stands for any text in the last part.
    public let scrapeConfigFiles: [String]
    /// As `rules.files`, under the name that a `prometheus.yml` has.
    public let ruleFiles: [String]
    public let remoteWrite: [RemoteWriteSettings]
    public let remoteQueue: RemoteQueueSettings
    public let probes: [ProbeSettings]
    public let rules: RulesSettings
    public let alerting: AlertingSettings
    public let notifications: NotificationSettings
    public let jobs: [(name: String, value: JobSettings)]
    public let backup: BackupSettings
    public let series: SeriesSettings
    public let queries: QuerySettings
    public internal(set) var web: WebSettings

    public init(_ s: SettingsReader) {
        site = s.optionalTitle(
            "site", "What the site is called in messages; without it, the host's name. Needs a restart to change.")
        collectors = CollectorSettings(s)
        scrape = s.list("scrape", of: ScrapeTargetSettings.self, "Addresses that serve Prometheus metrics.")
        global = s.section("global", GlobalSettings.self, "What holds for all jobs of 'scrape_configs'.")
        scrapeConfigs = s.list(
            "scrape_configs", of: ScrapeConfigSettings.self, "Jobs as they stand in a prometheus.yml.")
        scrapeConfigFiles = s.texts(
            "scrape_config_files",
            "Files with 'scrape_configs', relative to this one; '*' stands for any text in a name.")
        ruleFiles = s.texts("rule_files", "Further rule files, as 'rules.files' has them.")
        remoteWrite = s.list(
            "remote_write", of: RemoteWriteSettings.self,
            "Stores that get a copy of all samples, as in a prometheus.yml. Needs a restart to change.")
        remoteQueue = s.section(
            "remote_queue", RemoteQueueSettings.self,
            "How much of what could not be sent is kept on disk. Needs a restart to change.")
        s.unsupported(
            ["remote_read"], "reading from another server is set with 'series: {engine: remote, url: …}'")
        s.unsupported(["storage"], "how long samples are kept is set in 'series'")
        s.unsupported(["tracing", "otlp"], "is not supported")
        probes = s.list("probes", of: ProbeSettings.self, "Looks from outside: pages, ports, served certificates.")
        rules = s.section("rules", RulesSettings.self, "What counts as wrong.")
        alerting = s.section("alerting", AlertingSettings.self, "Who is told of which alert, and how often.")
        notifications = NotificationSettings(s)
        jobs = s.map("jobs", of: JobSettings.self, "What is done on a schedule.")
        backup = s.section("backup", BackupSettings.self, "What is backed up, and how it is proved.")
        series = s.section(
            "series", SeriesSettings.self, "Where samples are kept, and how long. Needs a restart to change.")
        queries = s.section("queries", QuerySettings.self, "What queries may use and cost.")
        web = s.section(
            "web", WebSettings.self,
            "How the pages are reached. All but the public address needs a restart to change.")
        checkNames(s)
    }

    /// What no section can see by itself: names that refer to each other.
    private func checkNames(_ s: SettingsReader) {
        var seen: Set<String> = []
        for probe in probes where !probe.name.isEmpty && !seen.insert(probe.name).inserted {
            s.fault("probes", "two probes have the name '\(probe.name)'; give each its own")
        }
        seen = []
        for write in remoteWrite where !seen.insert(write.name).inserted {
            s.fault("remote_write", "two addresses have the name '\(write.name)'; give each its own")
        }
        let targets = backup.targets.map(\.name)
        for job in jobs {
            guard case .capability(_, let target) = job.value.work, !targets.contains(target) else { continue }
            let nearest = nearestName(to: target, among: targets).map { "; did you mean '\($0)'?" } ?? ""
            s.fault("jobs", "'\(job.name)' names the backup target '\(target)', which is not configured\(nearest)")
        }
        do throws(InvalidInput) {
            _ = try routingTree()
        } catch {
            for diagnostic in error.diagnostics { s.fault("alerting", diagnostic.message) }
        }
    }
}
