import Schedule
import PostgresClient
import Synchronization
import Backup
import DurableFiles
import Jobs
import Texts
import Units
import WebAPI

extension LiveSite {
    func backups() async throws -> BackupOverview {
        let backups = parts.backups.withLock { $0 }
        let records = try await BackupCatalogue.backups(in: parts.state)
        let troubles = try await BackupCatalogue.troubles(in: parts.state)
        var drills: [DrillRecord] = []
        for target in backups.targets {
            drills += try await BackupCatalogue.drills(of: target.name, in: parts.state)
        }
        drills.sort { $0.finishedAt > $1.finishedAt }
        return BackupOverview(
            targets: backups.targets.map { target in
                status(
                    of: target, records.filter { $0.target == target.name }, drills.filter { $0.target == target.name },
                    troubles.first { $0.target == target.name })
            }, backups: records.map(status), drills: drills.prefix(50).map(status), repositoryPath: backups.folder,
            repositoryBytes: records.reduce(0) { $0 + $1.bytes },
            // Without the figure the page shows none; the folder may not have been made yet.
            repositoryFreeBytes: try? RealFiles().space(at: backups.folder).availableBytes)
    }

    /// What the newest copies say of a target. Nothing taken yet is unknown, not well.
    private func status(
        of target: BackupTarget, _ records: [BackupRecord], _ drills: [DrillRecord], _ trouble: BackupTrouble?
    ) -> BackupTargetStatus {
        let good = records.first { $0.verification == .good }
        let drill = drills.first
        var verdict = Verdict.ok
        var reason = ""
        if let damaged = records.first, damaged.verification == .damaged {
            verdict = .critical
            reason = t(
                .copyDamaged, ["backup": damaged.id, "reason": damaged.message ?? t[.copyDamagedReason]])
        } else if let trouble {
            verdict = .critical
            reason = t(.backupFailed, ["reason": trouble.reason])
        } else if let good {
            let age = parts.clock.now - good.finishedAt
            if age > target.maxAge {
                verdict = .critical
                reason = t(.backupTooOld, ["age": age.briefText, "allowed": target.maxAge.briefText])
            } else if let drill, !drill.passed {
                verdict = .critical
                reason = t(.drillFailed, ["reason": drill.message])
            } else if drill == nil {
                verdict = .warning
                reason = t[.drillMissing]
            } else {
                reason = t[.backupProved]
            }
        } else {
            verdict = .unknown
            reason = t[.backupNone]
        }
        let job = parts.jobs.jobs.first { $0.kind.name == "backup" && $0.locks.contains("target/\(target.name)") }
        return BackupTargetStatus(
            name: target.name, database: target.postgres.database ?? "",
            scheduleText: job?.recurrence?.words(in: parts.language) ?? "",
            nextRunAt: job.flatMap { parts.jobs.nextRun(of: $0.name) }, verdict: verdict, reason: reason,
            lastGoodAt: good?.finishedAt, lastDrillAt: drill?.finishedAt, lastDrillPassed: drill?.passed,
            restoreDurationMs: drills.first(where: \.passed)?.restoreMs, copies: records.count)
    }

    private func status(of record: BackupRecord) -> BackupStatus {
        BackupStatus(
            id: record.id, target: record.target, database: record.database, startedAt: record.startedAt,
            finishedAt: record.finishedAt, storedBytes: record.bytes, sourceBytes: record.sourceBytes,
            sha256: record.sha256, path: record.path, tables: record.tables, rows: record.rows,
            verification: .init(rawValue: record.verification.rawValue) ?? .unverified, verifiedAt: record.verifiedAt,
            verificationMessage: record.message, drillPassed: record.drillPassed)
    }

    private func status(of drill: DrillRecord) -> DrillStatus {
        DrillStatus(
            backup: drill.backup, target: drill.target, startedAt: drill.finishedAt - .milliseconds(drill.durationMs),
            durationMs: drill.durationMs, restoreDurationMs: drill.restoreMs, passed: drill.passed,
            message: drill.message, checks: [])
    }
}
