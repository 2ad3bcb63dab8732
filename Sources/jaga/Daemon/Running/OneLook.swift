import Collectors
import BlockingCalls
import Commands
import Diagnostics
import LogTail
import Logging
import Probes
import Scraping
import Series
import Units

/// Reads every source once, beside each other, for `jaga check`.
struct OneLook {
    let loaded: LoadedSettings
    let clock: any WallClock

    func run() async throws -> [SourceReport] {
        let settings = loaded.settings
        let host = kernelHostName()
        let plans = try settings.collectors.plans(onHost: host)
        let probes = settings.probes.map { Probe($0) }
        let logs = settings.collectors.nginx.compactMap { server in
            server.accessLog.map {
                AccessLogSource(
                    name: "nginx-log/\(server.name)", labels: server.labels(onHost: host), path: $0, positionFile: nil)
            }
        }
        let sources =
            plans.map(\.source) + logs.map { $0 as any SampleSource } + probes.map { $0 as any SampleSource }
        async let targets = ScrapeManager.look(
            at: loaded.scrapeJobs, wallClock: clock, logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
            userAgent: "jaga/\(JagaVersion.number)")
        let read = await read(sources)
        return read + reports(await targets)
    }

    private func reports(_ found: TargetsReport) -> [SourceReport] {
        let targets = found.active.map { target in
            let error = target.lastError.map { sentences($0, target.lastHint) }
            return SourceReport(
                name: target.sourceName, up: target.health == .up,
                durationMs: (target.lastDuration?.inSeconds ?? 0) * 1000,
                message: error ?? "\(target.sampleCount) samples")
        }
        let failures = found.discoveries.filter { $0.lastError != nil }.map { discovery in
            SourceReport(
                name: "discovery/\(discovery.pool)/\(discovery.mechanism)", up: false,
                durationMs: (discovery.lastDuration?.inSeconds ?? 0) * 1000, message: discovery.lastError ?? "")
        }
        return targets + failures
    }

    private func read(_ sources: [any SampleSource]) async -> [SourceReport] {
        await withTaskGroup(of: (Int, SourceReport).self) { group in
            for (index, source) in sources.enumerated() {
                group.addTask { (index, await look(at: source)) }
            }
            var reports: [(Int, SourceReport)] = []
            for await report in group { reports.append(report) }
            return reports.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func look(at source: any SampleSource) async -> SourceReport {
        let start = ContinuousClock.now
        let now = clock.now
        do {
            let batch = try await withDeadline(source.deadline) { try await source.read(at: now) }
            let took = start.duration(to: .now)
            // A source of several parts (files of certificates) works on while one of them fails.
            let failedPart = batch.rows.first { $0.labels.name.hasSuffix("_ok") && $0.value == 0 }
            let isUp =
                failedPart == nil
                && batch.rows.first { $0.labels.name == source.upMetric }.map { $0.value == 1 } ?? true
            let failure = failedPart.map { "cannot be read: \($0.labels)" } ?? (source as? Probe)?.snapshot.lastFailure
            let message = isUp ? "\(batch.rows.count) samples" : failure ?? "it answers, and not as it should"
            return SourceReport(name: source.name, up: isUp, durationMs: took.inSeconds * 1000, message: message)
        } catch {
            let failure = error as? any Failure
            let text = sentences(failure?.oneLine ?? describe(error), failure?.hint)
            return SourceReport(
                name: source.name, up: false, durationMs: start.duration(to: .now).inSeconds * 1000, message: text)
        }
    }
}

/// What failed and what to do, as one text. Some servers end their messages with a full stop, others do not.
func sentences(_ first: String, _ second: String?) -> String {
    guard let second else { return first }
    return first.hasSuffix(".") ? "\(first) \(second)" : "\(first). \(second)"
}
