import Synchronization
import Backup
import Diagnostics
import Events
import Jobs
import JSONCoding
import Texts
import Units
import WebAPI

extension LiveSite {
    func actions() async throws -> [ActionStatus] { parts.actions.statuses }
    func action(_ id: String) async throws -> ActionStatus { try parts.actions.status(id) }

    func perform(_ action: SiteAction, by actor: Actor) async throws -> ActionStatus {
        switch action {
        case .runJob(let name): return try runJob(name, action, by: actor)
        case .runBackup(let target): return try backUp(target, action, by: actor)
        case .verifyBackup(let id): return try await verify(id, action, by: actor)
        case .drill(let target, let backup): return try drill(target, backup, action, by: actor)
        case .restore(let target, let backup, let database):
            return try restore(target, backup, database, action, by: actor)
        case .reload:
            return try reload(action, by: actor)
        }
    }

    /// Refused at once while another reload runs: it would read the same file.
    private func reload(_ action: SiteAction, by actor: Actor) throws -> ActionStatus {
        guard parts.beginReload() else { throw SiteParts.reloadUnderWay }
        do {
            return try parts.actions.start(action, by: actor, message: t[.actionReloadRunning]) {
                defer { parts.endReload() }
                return .init(message: try await parts.readAgain(by: actor))
            }
        } catch {
            parts.endReload()
            throw error
        }
    }

    private func runJob(_ name: String, _ action: SiteAction, by actor: Actor) throws -> ActionStatus {
        guard parts.jobs.jobs.contains(where: { $0.name == name }) else { throw noJob(name) }
        return try parts.actions.start(action, by: actor, message: t(.actionJobRunning, ["job": name])) {
            let run = try await parts.jobs.runToEnd(name, by: actor)
            let outcome = JobRun.Outcome(rawValue: run.outcome) ?? .failed
            guard outcome == .succeeded else {
                let word = t.of(StateText.self)[outcome.word]
                throw PlainFailure(
                    "job-failed", t(.actionJobFailed, ["job": name, "outcome": word, "message": run.message]))
            }
            return .init(
                message: t(.actionJobDone, ["job": name, "message": run.message]), result: ["run": .string(run.run)])
        }
    }

    /// Checks the name before the action begins, so that a misspelt one is refused at once.
    private func target(_ name: String) throws -> Backups {
        let backups = parts.backups.withLock { $0 }
        guard backups.targets.contains(where: { $0.name == name }) else {
            let names = backups.targets.map(\.name)
            let nearest = nearestName(to: name, among: names).map { "Did you mean '\($0)'?" }
            throw Problem(
                .notFound, "there is no backup target '\(name)'",
                hint: nearest
                    ?? (names.isEmpty ? "None is configured." : "The targets are \(names.joined(separator: ", ")).")
            )
        }
        return backups
    }

    private func backUp(_ name: String, _ action: SiteAction, by actor: Actor) throws -> ActionStatus {
        let backups = try target(name)
        return try parts.actions.start(action, by: actor, message: t(.actionBackupRunning, ["target": name])) {
            let record = try await backups.back(up: name, by: actor)
            return .init(
                message: t(
                    .actionBackupDone,
                    [
                        "backup": record.id, "target": name, "rows": record.rows,
                        "size": ByteCount(record.bytes).text,
                    ]),
                result: ["backup": .string(record.id), "bytes": .integer(record.bytes), "rows": .integer(record.rows)])
        }
    }

    private func verify(_ id: String, _ action: SiteAction, by actor: Actor) async throws -> ActionStatus {
        guard let record = try await BackupCatalogue.backups(in: parts.state).first(where: { $0.id == id }) else {
            throw Problem(.notFound, "there is no backup '\(id)'", hint: "'jaga backup list' shows what there is.")
        }
        let backups = try target(record.target)
        return try parts.actions.start(action, by: actor, message: t(.actionVerifyRunning, ["backup": id])) {
            let verified = try await backups.verify(record.target, backup: id, by: actor)
            return .init(message: t(.actionVerifyDone, ["backup": verified.id]), result: ["backup": .string(id)])
        }
    }

    private func drill(_ name: String, _ backup: String?, _ action: SiteAction, by actor: Actor) throws -> ActionStatus
    {
        let backups = try target(name)
        return try parts.actions.start(
            action, by: actor,
            message: t(.actionDrillRunning, ["backup": backup ?? t[.newestBackup], "target": name])
        ) {
            let drill = try await backups.drill(name, backup: backup, by: actor)
            let took = Duration.milliseconds(drill.restoreMs ?? 0)
            return .init(
                message: t(.actionDrillDone, ["backup": drill.backup, "span": took.briefText]),
                result: ["backup": .string(drill.backup), "restoreMs": .integer(drill.restoreMs ?? 0)])
        }
    }

    private func restore(
        _ name: String, _ backup: String?, _ database: String, _ action: SiteAction, by actor: Actor
    ) throws -> ActionStatus {
        let backups = try target(name)
        return try parts.actions.start(
            action, by: actor,
            message: t(
                .actionRestoreRunning,
                ["backup": backup ?? t[.newestBackup], "target": name, "database": database])
        ) {
            let report = try await backups.restore(name, backup: backup, into: database, by: actor)
            return .init(
                message: t(
                    .actionRestoreDone,
                    [
                        "backup": report.backup, "database": report.database, "rows": report.rows,
                        "tables": report.tables, "span": report.duration.briefText,
                    ]),
                result: ["backup": .string(report.backup), "database": .string(report.database)])
        }
    }
}
