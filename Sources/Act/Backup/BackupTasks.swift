public import Events
import Units

extension Backups {
    /// What a job can do with a target.
    public enum TaskKind: String, Sendable, CaseIterable {
        case backup, verify, drill
    }

    /// Does one thing with the newest backup of a target, or takes one, for a job.
    /// - Returns: one sentence on what was done.
    /// - Throws: `BackupFailure`.
    public func perform(
        _ kind: TaskKind, on target: String, by actor: Actor, log: @Sendable (String) -> Void
    ) async throws -> String {
        switch kind {
        case .backup:
            let record = try await back(up: target, by: actor, log: log)
            let warnings = record.warnings.map { "; warning: \($0)" }.joined()
            return "backup \(record.id): \(record.rows) rows in \(ByteCount(record.bytes).text)\(warnings)"
        case .verify:
            let record = try await verify(target, by: actor)
            return "backup \(record.id) is intact"
        case .drill:
            let record = try await drill(target, by: actor, log: log)
            let time = Duration.milliseconds(record.restoreMs ?? 0).briefText
            return "backup \(record.backup) was restored in \(time) and holds what was recorded"
        }
    }
}
