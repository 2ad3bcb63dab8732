public import Alerting
public import Backup
public import Collectors
import Diagnostics
public import Jobs
public import Notifications
public import Probes
public import Settings
public import TimeSeriesStore
public import Web

/// The whole file: what each capability declares, in the order in which a person reads it.
public struct SiteSettings: SettingsSection, Sendable {
    public let site: String?
    public let collectors: CollectorSettings
    public let probes: [ProbeSettings]
    public let rules: RulesSettings
    public let alerting: AlertingSettings
    public let notifications: NotificationSettings
    public let jobs: [(name: String, value: JobSettings)]
    public let backup: BackupSettings
    public let store: StoreSettings
    public let web: WebSettings

    public init(_ s: SettingsReader) {
        site = s.optionalTitle("site", "What the site is called in messages; without it, the host's name.")
        collectors = CollectorSettings(s)
        probes = s.list("probes", of: ProbeSettings.self, "Looks from outside: pages, ports, served certificates.")
        rules = s.section("rules", RulesSettings.self, "What counts as wrong.")
        alerting = s.section("alerting", AlertingSettings.self, "Who is told of which alert, and how often.")
        notifications = NotificationSettings(s)
        jobs = s.map("jobs", of: JobSettings.self, "What is done on a schedule.")
        backup = s.section("backup", BackupSettings.self, "What is backed up, and how it is proved.")
        store = s.section("series", StoreSettings.self, "How long samples are kept. Needs a restart to change.")
        web = s.section(
            "web", WebSettings.self,
            "How the pages are reached. Address, proxies and sessions need a restart to change.")
        checkNames(s)
    }

    /// What no section can see by itself: names that refer to each other.
    private func checkNames(_ s: SettingsReader) {
        var seen: Set<String> = []
        for probe in probes where !probe.name.isEmpty && !seen.insert(probe.name).inserted {
            s.fault("probes", "two probes have the name '\(probe.name)'; give each its own")
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
