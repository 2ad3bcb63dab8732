import Synchronization
import Backup
import Diagnostics
import Events
import Jobs
import JSONCoding
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
            return try parts.actions.start(action, by: actor, message: "reading the configuration") {
                .init(message: try await parts.reload(by: actor))
            }
        }
    }

    private func runJob(_ name: String, _ action: SiteAction, by actor: Actor) throws -> ActionStatus {
        guard parts.jobs.jobs.contains(where: { $0.name == name }) else { throw noJob(name) }
        return try parts.actions.start(action, by: actor, message: "running \(name)") {
            let run = try await parts.jobs.runToEnd(name, by: actor)
            guard run.outcome == "succeeded" else {
                throw PlainFailure("job-failed", "\(name) \(run.outcome): \(run.message)")
            }
            return .init(message: "\(name) succeeded: \(run.message)", result: ["run": .string(run.run)])
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
        return try parts.actions.start(action, by: actor, message: "taking a backup of \(name)") {
            let record = try await backups.back(up: name, by: actor)
            return .init(
                message:
                    "backup \(record.id) of \(name): \(record.rows) rows in \(ByteCount(record.bytes).text), verified",
                result: ["backup": .string(record.id), "bytes": .integer(record.bytes), "rows": .integer(record.rows)])
        }
    }

    private func verify(_ id: String, _ action: SiteAction, by actor: Actor) async throws -> ActionStatus {
        guard let record = try await BackupCatalogue.backups(in: parts.state).first(where: { $0.id == id }) else {
            throw Problem(.notFound, "there is no backup '\(id)'", hint: "'jaga backup list' shows what there is.")
        }
        let backups = try target(record.target)
        return try parts.actions.start(action, by: actor, message: "verifying \(id)") {
            let verified = try await backups.verify(record.target, backup: id, by: actor)
            return .init(message: "backup \(verified.id) is intact", result: ["backup": .string(id)])
        }
    }

    private func drill(_ name: String, _ backup: String?, _ action: SiteAction, by actor: Actor) throws -> ActionStatus
    {
        let backups = try target(name)
        return try parts.actions.start(
            action, by: actor, message: "restoring \(backup ?? "the newest backup") of \(name) into a scratch database"
        ) {
            let drill = try await backups.drill(name, backup: backup, by: actor)
            let took = Duration.milliseconds(drill.restoreMs ?? 0)
            return .init(
                message: "drill passed: \(drill.backup) was restored in \(took.briefText) and holds what was recorded",
                result: ["backup": .string(drill.backup), "restoreMs": .integer(drill.restoreMs ?? 0)])
        }
    }

    private func restore(
        _ name: String, _ backup: String?, _ database: String, _ action: SiteAction, by actor: Actor
    ) throws -> ActionStatus {
        let backups = try target(name)
        return try parts.actions.start(
            action, by: actor, message: "restoring \(backup ?? "the newest backup") of \(name) into \(database)"
        ) {
            let report = try await backups.restore(name, backup: backup, into: database, by: actor)
            return .init(
                message:
                    "restored \(report.backup) into \(report.database): \(report.rows) rows in \(report.tables) tables, "
                    + "in \(report.duration.briefText)",
                result: ["backup": .string(report.backup), "database": .string(report.database)])
        }
    }
}
