import Web
import Notifications
import PromQL
import Ledger
import Collectors
import Settings
import Jobs
import Rules
import Scraping
import Logging
import Diagnostics
import Events
import JSONCoding
import Synchronization
import Texts
import Units
import WebAPI

extension SiteParts {
    /// Applies the configuration as it stands now, or changes nothing.
    /// - Returns: one sentence on what changed.
    /// - Throws: `InvalidInput` with every fault; `Problem` while another reload runs.
    func reload(by actor: Actor) async throws -> String {
        guard beginReload() else { throw Self.reloadUnderWay }
        defer { endReload() }
        return try await readAgain(by: actor)
    }

    static let reloadUnderWay = Problem(
        .conflict, "another reload is under way", hint: "Wait until it has ended, then try again.")

    /// The reload itself; the caller has begun it and ends it.
    func readAgain(by actor: Actor) async throws -> String {
        let t = Phrases<SiteText>(language)
        let before = loaded.withLock { $0 }
        let next: LoadedSettings
        let exchange: SettingsExchange
        do {
            let discovered = before.file == nil ? await Discoverer().configuration(at: clock.now) : ""
            next = try LoadedSettings.load(file: before.file, discovered: discovered, at: clock.now)
            exchange = try SettingsExchange(next, for: self)
        } catch {
            let faults = (error as? InvalidInput)?.diagnostics.map(\.description) ?? [describe(error)]
            try await ledger.record([
                Event(
                    at: clock.now, by: actor, .configurationRefused, "configuration",
                    ["file": .string(before.file ?? ""), "faults": .array(faults.prefix(100).map { .string($0) })])
            ])
            logger.error("the configuration was not applied: \(faults.joined(separator: "; "))")
            throw error
        }
        let changed = differences(before, next)
        try await ledger.record([
            Event(
                at: clock.now, by: actor, .configurationLoaded, "configuration",
                [
                    "file": .string(next.file ?? ""), "sha256": .string(next.sha256),
                    "changed": .array(changed.prefix(200).map { .string($0) }),
                ])
        ])
        await exchange.apply(to: self)
        loaded.withLock { $0 = next }
        changes.announce(.configuration)
        for warning in next.warnings { logger.warning("\(warning)") }
        logger.info("configuration applied", metadata: ["changed": "\(changed.count)"])
        let late = changed.filter { key in
            key != "web.public_url"
                && (key.hasPrefix("web.") || key.hasPrefix("series.") || key.hasPrefix("remote_write")
                    || key.hasPrefix("remote_queue") || key.hasPrefix("global.external_labels"))
        }
        guard late.isEmpty else {
            return t(.reloadLate, ["keys": late.joined(separator: ", "), "count": late.count])
        }
        return changed.isEmpty
            ? t[.reloadUnchanged] : t(.reloadChanged, ["keys": changed.prefix(20).joined(separator: ", ")])
    }

    /// The keys whose effective value differs, sorted. Values are not shown: some are secret.
    private func differences(_ before: LoadedSettings, _ next: LoadedSettings) -> [String] {
        func texts(_ loaded: LoadedSettings) -> [String: String] {
            Dictionary(loaded.values.map { ($0.path, $0.text) }, uniquingKeysWith: { _, last in last })
        }
        let (old, new) = (texts(before), texts(next))
        return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
    }
}

/// All that a reload puts in the place of the old, made before anything is touched, so that a fault leaves the old standing.
struct SettingsExchange {
    let next: LoadedSettings
    let wiring: Wiring

    init(_ next: LoadedSettings, for parts: SiteParts) throws {
        self.next = next
        wiring = try Wiring(
            next, hostName: parts.hostName, dataFolder: parts.dataFolder, events: parts.ledger,
            state: parts.state, clock: parts.clock, keeping: parts.plan.withLock { $0.probes })
    }

    func apply(to parts: SiteParts) async {
        parts.backups.withLock { $0 = wiring.backups }
        parts.jobs.replace(with: wiring.jobs)
        parts.outbox.apply(
            next.settings.notifications, site: next.settings.site ?? parts.hostName,
            externalURL: next.settings.web.publicURL)
        await parts.alerts.apply(
            tree: wiring.tree, hasReceivers: !next.settings.notifications.receivers.isEmpty,
            externalURL: next.settings.web.publicURL)
        await parts.rules.replace(
            groups: next.groups, defaultInterval: next.settings.ruleInterval,
            queries: QueryEngine(parts.reading, options: next.settings.queryOptions))
        parts.plan.withLock { $0 = wiring.sources }
        parts.sources.replace(with: wiring.sources.plans + ownSources(parts))
        parts.scrapes.replace(with: next.scrapeJobs)
    }
}
