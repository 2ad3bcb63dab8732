import Web
import Notifications
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
            next = try LoadedSettings.load(
                file: before.file, discovered: discovered, overrides: before.overrides, at: clock.now)
            exchange = try SettingsExchange(next, for: self)
        } catch {
            lastReloadWasRefused.withLock { $0 = true }
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
                    "changedCount": .integer(Int64(changed.count)),
                ])
        ])
        await exchange.apply(to: self)
        loaded.withLock { $0 = next }
        lastReloadWasRefused.withLock { $0 = false }
        changes.announce(.configuration)
        for warning in next.warnings { logger.warning("\(warning)") }
        logger.info("configuration applied", metadata: ["changed": "\(changed.count)"])
        // Against what runs, not against the file before: a key that went there and back again needs no restart.
        let late = differences(started, next).filter(LoadedSettings.needsRestart)
        guard late.isEmpty else {
            return t(.reloadLate, ["keys": late.joined(separator: ", "), "count": late.count])
        }
        guard !changed.isEmpty else { return t[.reloadUnchanged] }
        let more = changed.count > 20 ? t(.andMore, ["count": changed.count - 20]) : ""
        return t(.reloadChanged, ["keys": changed.prefix(20).joined(separator: ", ") + more])
    }

    /// The effective values as they are in force: of keys that need a restart, those of the start.
    var valuesInForce: [ValueInForce] {
        let now = loaded.withLock { $0.values }
        let next = Dictionary(now.map { ($0.path, $0) }, uniquingKeysWith: { _, last in last })
        let running = Dictionary(started.values.map { ($0.path, $0) }, uniquingKeysWith: { _, last in last })
        var result = now.map { value in
            guard LoadedSettings.needsRestart(value.path) else { return ValueInForce(value: value) }
            guard let old = running[value.path] else {
                return ValueInForce(value: value.with("", from: .standard), afterRestart: value.text)
            }
            return old.text == value.text ? ValueInForce(value: value) : .init(value: old, afterRestart: value.text)
        }
        // What a removed key set is in force until the restart.
        result += started.values.filter { next[$0.path] == nil && LoadedSettings.needsRestart($0.path) }
            .map { ValueInForce(value: $0, afterRestart: "") }
        return result
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

/// An effective value, and what it becomes.
struct ValueInForce {
    var value: SettingsValue
    /// What the file says by now and a restart will bring; empty: nothing. Nil where the two agree.
    var afterRestart: String?
}

extension LoadedSettings {
    /// Whether what `key` says is taken at the start alone: other parts hold it, or samples would come to bear two names.
    static func needsRestart(_ key: String) -> Bool {
        let keys = ["site", "rules.interval", "global.evaluation_interval", "queries.lookback", "queries.features"]
        let sections = ["web.", "series.", "remote_write", "remote_queue", "global.external_labels"]
        return key != "web.public_url"
            && (keys.contains(key) || key.hasPrefix("queries.features[") || sections.contains { key.hasPrefix($0) })
    }
}

/// All that a reload puts in the place of the old, made before anything is touched, so that a fault leaves the old standing.
struct SettingsExchange {
    let next: LoadedSettings
    let wiring: Wiring

    init(_ next: LoadedSettings, for parts: SiteParts) throws {
        self.next = next
        wiring = try Wiring(
            next, language: parts.language, hostName: parts.hostName, dataFolder: parts.dataFolder,
            events: parts.ledger,
            state: parts.state, clock: parts.clock, keeping: parts.plan.withLock { $0.probes })
    }

    func apply(to parts: SiteParts) async {
        parts.backups.withLock { $0 = wiring.backups }
        parts.jobs.replace(with: wiring.jobs)
        parts.outbox.apply(
            next.settings.notifications, site: parts.siteName,
            externalURL: next.settings.web.publicURL)
        await parts.alerts.apply(
            tree: wiring.tree, hasReceivers: !next.settings.notifications.receivers.isEmpty,
            externalURL: next.settings.web.publicURL)
        await parts.rules.replace(groups: next.groups)
        parts.plan.withLock { $0 = wiring.sources }
        parts.sources.replace(with: wiring.sources.plans + ownSources(parts))
        parts.scrapes.replace(with: next.scrapeJobs)
    }
}
