import BlockingCalls
import Diagnostics
public import Events
import JSONCoding
import PostgresClient
import Processes
public import StateStore
import Synchronization
public import Units

// Every step ends in the ledger, and the order of file and entry decides what a crash leaves: a backup gets its name first and
// its entry second (`recover` enters it if need be); a removal takes the name away first, enters that, and deletes last. The
// ledger never tells of a backup that is not there.

/// Takes, verifies, drills, restores and prunes the backups of the configured targets.
public final class Backups: Sendable {
    public let targets: [BackupTarget]
    let store: StateStore
    let repository: BackupRepository
    let programs: PostgresPrograms
    let events: any EventRecording
    let wall: any WallClock
    /// Target to what is being done with it.
    private let busy = Mutex<[String: String]>([:])

    /// - Parameter folder: of the repository; made when it is needed.
    public convenience init(
        _ targets: [BackupTarget], folder: String, events: any EventRecording, store: StateStore, wall: any WallClock
    ) {
        self.init(targets, folder: folder, events: events, store: store, wall: wall, programs: PostgresPrograms())
    }

    init(
        _ targets: [BackupTarget], folder: String, events: any EventRecording, store: StateStore, wall: any WallClock,
        programs: PostgresPrograms
    ) {
        self.targets = targets
        self.events = events
        self.store = store
        self.wall = wall
        self.programs = programs
        repository = BackupRepository(folder: folder)
    }

    public var folder: String { repository.folder }

    // MARK: After a start

    /// Removes what a crash left half done, and enters whole backups that the ledger does not know yet.
    public func recover() async throws {
        try await BlockingThreads.shared.run { [repository] in repository.sweepPasswords() }
        for target in targets.map(\.name) { try await putInOrder(target) }
    }

    /// Brings the folder of a target and the ledger into step. Nobody else may be at work on the target.
    private func putInOrder(_ target: String) async throws {
        let known = Set(try await BackupCatalogue.backups(of: target, in: store).map(\.id))
        let (removing, whole) = try await BlockingThreads.shared.run { [repository] in
            (repository.sweep(target), repository.ids(of: target))
        }
        for id in removing {
            if known.contains(id) { try await recordRemoval(target, id, by: .jaga) }
            try await BlockingThreads.shared.run { [repository] in repository.finishRemoval(target, id) }
        }
        for id in whole where !known.contains(id) {
            do {
                let (manifest, sha256) = try await BlockingThreads.shared.run { [repository] in
                    try repository.manifest(target, id)
                }
                try await events.record([completed(manifest, sha256: sha256, by: .jaga)])
            } catch let failure as BackupFailure where failure.code == .damaged {
                // A folder that is no backup, or one that was damaged before it was entered. It stays where it is, since
                // nothing is deleted that is not in the catalogue, and is no reason for the rest not to start.
                continue
            }
        }
    }

    // MARK: Backup

    /// Takes a backup, verifies it, and prunes older ones.
    /// - Parameter log: gets a line for each step.
    /// - Throws: `BackupFailure` with the reason; then no trace of the backup is left but the entry that it failed.
    public func back(
        up name: String, by actor: Actor, log: @Sendable (String) -> Void = { _ in }
    ) async throws -> BackupRecord {
        let target = try find(name)
        return try await exclusively(name, "a backup is being taken") {
            let record = try await take(target, by: actor, log)
            try await checkVerified(record, by: actor)
            log("verified")
            try await prune(target, by: actor, log)
            return try await self.record(name, record.id)
        }
    }

    private func take(_ target: BackupTarget, by actor: Actor, _ log: @Sendable (String) -> Void) async throws
        -> BackupRecord
    {
        // A backup that was whole when the disk was too full for its entry is entered now and not only at the next start.
        try await putInOrder(target.name)
        let previous = try await BackupCatalogue.backups(of: target.name, in: store).first
        do {
            let started = wall.now
            let (id, folder) = try await BlockingThreads.shared.run { [repository] in
                try repository.begin(target.name, at: started)
            }
            do {
                let dump = DatabaseDump(
                    target: target, folder: folder, repositoryFolder: repository.folder, programs: programs)
                var manifest = try await dump.take(id: id, startedAt: started, log: log)
                manifest.finishedAt = wall.now
                if let warning = shrinkWarning(manifest, previous, target) {
                    manifest.warnings.append(warning)
                    log("warning: \(warning)")
                }
                let whole = manifest
                let sha256 = try await BlockingThreads.shared.run { [repository] in try repository.finish(whole) }
                try await events.record([completed(whole, sha256: sha256, by: actor)])
                return try await record(target.name, id)
            } catch {
                // On a thread of its own: the folder has to go also when this task was cancelled. Where that fails its name says
                // that it is no backup, and `putInOrder` sweeps it later.
                let repository = repository
                await Task { _ = try? await BlockingThreads.shared.run { repository.abandon(target.name, id) } }.value
                throw error
            }
        } catch {
            let failure = explained(error, target)
            try await events.record([
                Event(
                    at: wall.now, by: actor, .backupFailed, "backup/\(target.name)",
                    [
                        "target": .string(target.name), "database": .string(target.postgres.database ?? ""),
                        "reason": .string(failure.summary),
                    ])
            ])
            if error is CancellationError { throw error }
            throw failure
        }
    }

    private func explained(_ error: any Error, _ target: BackupTarget) -> BackupFailure {
        if let failure = error as? BackupFailure { return failure }
        let failure = error as? any Failure
        return BackupFailure(
            .dumpFailed, target.name, describe(error), hint: failure?.hint, cause: failure?.cause)
    }

    private func shrinkWarning(_ manifest: BackupManifest, _ previous: BackupRecord?, _ target: BackupTarget) -> String?
    {
        if manifest.rows.isEmpty { return "the database has no tables" }
        guard let previous, previous.sourceBytes > 0 else { return nil }
        let now = manifest.files[0].contentBytes
        let percent = 100 - now * 100 / previous.sourceBytes
        guard percent >= target.shrinkWarningPercent else { return nil }
        return "the dump is \(percent) % smaller than the one before: \(ByteCount(now).text)"
    }

    // MARK: Verify

    /// Reads a backup whole, compares all checksums and lets pg_restore list it.
    /// - Parameter id: nil or `latest` for the newest.
    /// - Throws: `BackupFailure`, `damaged` among them, which is also entered in the ledger.
    public func verify(_ name: String, backup id: String? = nil, by actor: Actor) async throws -> BackupRecord {
        _ = try find(name)
        return try await exclusively(name, "a backup is being verified") {
            let record = try await self.record(name, id)
            try await checkVerified(record, by: actor)
            return try await self.record(name, record.id)
        }
    }

    @discardableResult
    func checkVerified(_ record: BackupRecord, by actor: Actor) async throws -> BackupManifest {
        let verifier = BackupVerifier(repository: repository, programs: programs)
        func event(_ kind: EventKind, _ reason: String) -> Event {
            Event(
                at: wall.now, by: actor, kind, "backup/\(record.target)/\(record.id)",
                ["backup": .string(record.id), "target": .string(record.target), "reason": .string(reason)])
        }
        do {
            let manifest = try await verifier.verify(record.target, record.id, sha256: record.sha256)
            try await events.record([event(.backupVerified, "")])
            return manifest
        } catch let failure as BackupFailure where failure.code == .damaged {
            try await events.record([event(.backupVerificationFailed, failure.reason)])
            throw failure
        }
    }

    // MARK: Prune

    private func prune(_ target: BackupTarget, by actor: Actor, _ log: @Sendable (String) -> Void) async throws {
        let candidates = try await BackupCatalogue.backups(of: target.name, in: store).map {
            RetentionRule.Candidate(id: $0.id, finishedAt: $0.finishedAt, isGood: $0.verification == .good)
        }
        for id in target.retention.removable(candidates, at: wall.now) {
            try await BlockingThreads.shared.run { [repository] in try repository.beginRemoval(target.name, id) }
            try await recordRemoval(target.name, id, by: actor)
            try await BlockingThreads.shared.run { [repository] in repository.finishRemoval(target.name, id) }
            log("removed \(id)")
        }
    }

    private func recordRemoval(_ target: String, _ id: String, by actor: Actor) async throws {
        try await events.record([
            Event(
                at: wall.now, by: actor, .backupRemoved, "backup/\(target)/\(id)",
                ["backup": .string(id), "target": .string(target), "reason": "retention"])
        ])
    }

    // MARK: Finding

    func find(_ name: String) throws -> BackupTarget {
        if let target = targets.first(where: { $0.name == name }) { return target }
        let nearest = nearestName(to: name, among: targets.map(\.name))
        throw BackupFailure(
            .unknownTarget, name,
            hint: nearest.map { "Did you mean '\($0)'?" } ?? "Targets stand under 'backup.targets'.")
    }

    func record(_ target: String, _ id: String?) async throws -> BackupRecord {
        let all = try await BackupCatalogue.backups(of: target, in: store)
        let found = id == nil || id == "latest" ? all.first : all.first { $0.id == id }
        guard let found else {
            throw BackupFailure(
                .unknownBackup, id ?? "latest",
                hint: all.isEmpty ? "Take one with 'jaga backup run \(target)'." : "List them with 'jaga backup list'.")
        }
        return found
    }

    /// The named backup, or the newest that is not known to be damaged.
    func newestGood(_ target: String, _ id: String?) async throws -> BackupRecord {
        if let id, id != "latest" { return try await record(target, id) }
        let good = try await BackupCatalogue.backups(of: target, in: store).first { $0.verification != .damaged }
        if let good { return good }
        return try await record(target, nil)
    }

    func exclusively<Result: Sendable>(_ target: String, _ doing: String, _ body: () async throws -> Result)
        async throws -> Result
    {
        let other = busy.withLock { busy -> String? in
            if let other = busy[target] { return other }
            busy[target] = doing
            return nil
        }
        if let other {
            throw BackupFailure(.locked, target, other, hint: "Wait until it has ended, then try again.")
        }
        defer { busy.withLock { $0[target] = nil } }
        return try await body()
    }

    private func completed(_ manifest: BackupManifest, sha256: String, by actor: Actor) -> Event {
        let duration = manifest.finishedAt - manifest.startedAt
        return Event(
            at: wall.now, by: actor, .backupCompleted, "backup/\(manifest.target)/\(manifest.id)",
            [
                "backup": .string(manifest.id), "target": .string(manifest.target),
                "database": .string(manifest.database), "bytes": .integer(manifest.storedBytes),
                "sourceBytes": .integer(manifest.files.first?.contentBytes ?? 0), "sha256": .string(sha256),
                "durationMs": .integer(max(0, duration.wholeMilliseconds)),
                "startedAt": .integer(manifest.startedAt.millisecondsSinceEpoch),
                "finishedAt": .integer(manifest.finishedAt.millisecondsSinceEpoch),
                "path": .string(repository.path(manifest.target, manifest.id)),
                "tables": .integer(Int64(manifest.rows.count)), "rows": .integer(manifest.rowCount),
                "warnings": .array(manifest.warnings.map { .string($0) }),
            ])
    }
}
