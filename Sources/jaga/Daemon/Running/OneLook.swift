import Backup
import BlockingCalls
import Collectors
import Commands
import Diagnostics
import LogTail
import Logging
import Notifications
import Probes
import Scraping
import Series
import Texts
import Units
import WebAPI

/// Looks at everything once, all of it beside each other, for `jaga check`: reads every source, and sees whether backups and
/// messages have what they need. What could not be looked at is unknown, which is not well.
struct OneLook {
    let loaded: LoadedSettings
    let dataFolder: String
    let clock: any WallClock
    let language: Language
    private var t: Phrases<SiteText> { Phrases(language) }

    /// What one look came to.
    struct Outcome {
        var verdict: Verdict
        var message: String
    }

    func run() async throws -> [SourceReport] {
        let settings = loaded.settings
        let host = kernelHostName()
        let plans = try settings.collectors.plans(onHost: host)
        let probes = settings.probes.map { Probe($0, language: language) }
        let logs = settings.collectors.nginx.compactMap { server in
            server.accessLog.map {
                AccessLogSource(
                    name: "nginx-log/\(server.name)", labels: server.labels(onHost: host), path: $0, positionFile: nil)
            }
        }
        let sources =
            plans.map(\.source) + logs.map { $0 as any SampleSource } + probes.map { $0 as any SampleSource }
        async let found = ScrapeManager.look(
            at: loaded.scrapeJobs, wallClock: clock, logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
            userAgent: "jaga/\(JagaVersion.number)")
        let read = await look(at: sources)
        return read + reports(await found)
    }

    private func reports(_ found: TargetsReport) -> [SourceReport] {
        let targets = found.active.map { target in
            let error = target.lastError.map { sentences($0, target.lastHint) }
            return SourceReport(
                name: target.sourceName, verdict: target.health == .up ? .ok : .unknown,
                durationMs: (target.lastDuration?.inSeconds ?? 0) * 1000,
                message: error ?? t(.checkSamples, ["count": target.sampleCount]))
        }
        let failures = found.discoveries.filter { $0.lastError != nil }.map { discovery in
            SourceReport(
                name: "discovery/\(discovery.pool)/\(discovery.mechanism)", verdict: .unknown,
                durationMs: (discovery.lastDuration?.inSeconds ?? 0) * 1000, message: discovery.lastError ?? "")
        }
        let spoken = Set(found.active.map(\.pool) + found.discoveries.filter { $0.lastError != nil }.map(\.pool))
        let empty = loaded.scrapeJobs.map(\.name).filter { !spoken.contains($0) }.map { job in
            let droppedCount = found.dropped.count { $0.pool == job }
            return SourceReport(
                name: "scrape/\(job)", verdict: .unknown, durationMs: 0,
                message: droppedCount > 0 ? t(.targetsDropped, ["count": droppedCount]) : t[.targetsNone])
        }
        return targets + failures + empty
    }

    private func look(at sources: [any SampleSource]) async -> [SourceReport] {
        let targets = loaded.settings.backup.targets.map { $0.value.target(name: $0.name) }
        let looks = loaded.settings.notifications.looks
        return await withTaskGroup(of: (Int, SourceReport).self) { group in
            var index = 0
            func add(_ name: String, _ look: @escaping @Sendable () async -> Outcome) {
                let place = index
                index += 1
                group.addTask { (place, await timed(name, look)) }
            }
            for source in sources { add(source.name) { await look(at: source) } }
            for target in targets { add("backup/\(target.name)") { await look(at: target) } }
            for channel in looks { add(channel.name) { await look(at: channel) } }
            var reports: [(Int, SourceReport)] = []
            for await report in group { reports.append(report) }
            return reports.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func timed(_ name: String, _ look: @Sendable () async -> Outcome) async -> SourceReport {
        let start = ContinuousClock.now
        let outcome = await look()
        return SourceReport(
            name: name, verdict: outcome.verdict, durationMs: start.duration(to: .now).inSeconds * 1000,
            message: outcome.message)
    }

    private func look(at source: any SampleSource) async -> Outcome {
        let now = clock.now
        do {
            let batch = try await withDeadline(source.deadline) { try await source.read(at: now) }
            // A source of several parts (files of certificates) works on while one of them fails.
            if let failed = batch.rows.first(where: { $0.labels.name.hasSuffix("_ok") && $0.value == 0 }) {
                return Outcome(verdict: .critical, message: t(.checkPartFails, ["part": "\(failed.labels)"]))
            }
            let isUp = batch.rows.first { $0.labels.name == source.upMetric }.map { $0.value == 1 } ?? true
            if isUp { return Outcome(verdict: .ok, message: t(.checkSamples, ["count": batch.rows.count])) }
            let failure = (source as? Probe)?.snapshot.lastFailure
            return Outcome(verdict: .critical, message: failure ?? t[.checkAnswersWrongly])
        } catch {
            let failure = error as? any Failure
            return Outcome(
                verdict: .unknown, message: sentences(failure?.oneLine ?? describe(error), failure?.hint))
        }
    }

    // MARK: Backups

    private func look(at target: BackupTarget) async -> Outcome {
        let folder = loaded.settings.backup.folder ?? "\(dataFolder)/backups"
        let findings = await BackupReadiness(target, folder: folder).look()
        let outcomes = findings.map(outcome)
        let verdict = outcomes.map(\.verdict).worst
        // What is well is not worth a word beside what is not.
        let told = verdict == .ok ? outcomes : outcomes.filter { $0.verdict != .ok }
        return Outcome(
            verdict: verdict, message: told.map(\.message).filter { !$0.isEmpty }.joined(separator: "; "))
    }

    private func outcome(_ finding: BackupReadiness.Finding) -> Outcome {
        switch finding {
        case .folderReady: Outcome(verdict: .ok, message: "")
        case .folderWillBeMade(let folder, _):
            Outcome(verdict: .ok, message: t(.checkBackupWillBeMade, ["folder": folder]))
        case .folderUnusable(let reason), .programMissing(let reason): Outcome(verdict: .critical, message: reason)
        case .spaceFits(let free, let size):
            Outcome(verdict: .ok, message: t(.checkBackupSpace, ["free": free.text, "size": size.text]))
        case .spaceShort(let free, let size):
            Outcome(verdict: .warning, message: t(.checkBackupSpaceShort, ["free": free.text, "size": size.text]))
        case .programFits(let program, let version):
            Outcome(verdict: .ok, message: t(.checkBackupProgram, ["program": program, "version": version]))
        case .serverUnreachable(let reason): Outcome(verdict: .unknown, message: reason)
        }
    }

    // MARK: Receivers

    private func look(at channel: ChannelLook) async -> Outcome {
        do {
            switch try await channel.run() {
            case .reachable: return Outcome(verdict: .ok, message: t[.checkReachable])
            case .mail(let isEncrypted, let user):
                let security = t[isEncrypted ? .checkSecurityTLS : .checkSecurityNone]
                return Outcome(
                    verdict: .ok,
                    message: user.map { t(.checkMailLogin, ["security": security, "user": $0]) }
                        ?? t(.checkMailNoLogin, ["security": security]))
            case .passwordInPlainText: return Outcome(verdict: .warning, message: t[.checkMailPlainPassword])
            }
        } catch {
            let failure = error as? any Failure
            return Outcome(verdict: .critical, message: sentences(failure?.oneLine ?? describe(error), failure?.hint))
        }
    }
}

/// What failed and what to do, as one text. Some servers end their messages with a full stop, others do not.
func sentences(_ first: String, _ second: String?) -> String {
    guard let second else { return first }
    return first.hasSuffix(".") ? "\(first) \(second)" : "\(first). \(second)"
}
