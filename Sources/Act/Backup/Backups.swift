import BlockingCalls
import Crypto
import Diagnostics
public import Events
import Glibc
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
    private let events: any EventRecording
    private let wall: any WallClock
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
        let known = Set(try await BackupCatalogue.backups(in: store).map { "\($0.target)/\($0.id)" })
        _ = await attempt { [repository] in repository.sweepPasswords() }
        for target in targets.map(\.name) {
            let (removing, whole) =
                await attempt { [repository] in
                    (repository.sweep(target), repository.ids(of: target))
                } ?? ([], [])
            for id in removing {
                if known.contains("\(target)/\(id)") { try await recordRemoval(target, id, by: .jaga) }
                _ = await attempt { [repository] in repository.finishRemoval(target, id) }
            }
            for id in whole where !known.contains("\(target)/\(id)") {
                let found = await attempt { [repository] in try repository.manifest(target, id) }
                guard let (manifest, sha256) = found else { continue }
                try await events.record([completed(manifest, sha256: sha256, by: .jaga)])
            }
        }
    }

    private func attempt<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async -> Result? {
        try? await BlockingThreads.shared.run(body)
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
                // On a thread of its own: the folder has to go also when this task was cancelled.
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
    private func checkVerified(_ record: BackupRecord, by actor: Actor) async throws -> BackupManifest {
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

    // MARK: Restore

    /// Restores a backup into a new database on the target's server.
    /// - Throws: `BackupFailure`: `databaseExists` before anything is done; after any other, no such database exists.
    public func restore(
        _ name: String, backup id: String? = nil, into database: String, by actor: Actor,
        log: @Sendable (String) -> Void = { _ in }
    ) async throws -> RestoreReport {
        let target = try find(name)
        guard !database.isEmpty, database.utf8.count <= 63, !database.utf8.contains(0) else {
            throw BackupFailure(.invalidName, database, "it has to have 1 to 63 bytes")
        }
        return try await exclusively(name, "a restore is going on") {
            let record = try await newestGood(name, id)
            let begin = ContinuousClock.now
            func event(_ kind: EventKind, _ further: [String: JSONValue]) -> Event {
                let about: [String: JSONValue] = [
                    "backup": .string(record.id), "target": .string(name), "database": .string(database),
                    "durationMs": .integer((ContinuousClock.now - begin).wholeMilliseconds),
                ]
                let payload = about.merging(further) { _, last in last }
                return Event(at: wall.now, by: actor, kind, "database/\(database)", .object(payload))
            }
            do {
                try await refuseExisting(database, on: target)
                let manifest = try await checkVerified(record, by: actor)
                log("verified \(record.id)")
                let working = String(database.prefix(30)) + "_jaga_restoring_\(UInt32.random(in: 0 ..< .max))"
                let restore = restoration(manifest, record, target, server: target.postgres)
                let differences = try await restore.fill(working) { admin, facts in
                    let differences = DatabaseRestore.differences(manifest, facts)
                    guard differences.isEmpty else {
                        throw BackupFailure(.restoreFailed, database, differences.joined(separator: "; "))
                    }
                    // The server refuses the name when somebody made such a database meanwhile.
                    try await admin.query(
                        "ALTER DATABASE \(quotedIdentifier(working)) RENAME TO \(quotedIdentifier(database))",
                        timeout: .seconds(30))
                    return facts.rows.count
                }
                log("restored \(differences) tables")
                try await events.record([event(.restoreCompleted, [:])])
                return RestoreReport(
                    backup: record.id, database: database, tables: manifest.rows.count, rows: manifest.rowCount,
                    duration: ContinuousClock.now - begin)
            } catch {
                let failure =
                    error as? BackupFailure
                    ?? BackupFailure(.restoreFailed, database, describe(error), hint: (error as? any Failure)?.hint)
                try await events.record([event(.restoreFailed, ["reason": .string(failure.summary)])])
                if error is CancellationError { throw error }
                throw failure
            }
        }
    }

    private func refuseExisting(_ database: String, on target: BackupTarget) async throws {
        let admin = try await DatabaseRestore.administer(target.postgres)
        defer { admin.close() }
        guard try await DatabaseRestore.exists(database, on: admin) else { return }
        throw BackupFailure(
            .databaseExists, database,
            hint: "Choose a new name; rename the databases by hand once you have looked at the restored one.")
    }

    private func restoration(
        _ manifest: BackupManifest, _ record: BackupRecord, _ target: BackupTarget, server: PostgresSettings
    ) -> DatabaseRestore {
        DatabaseRestore(
            manifest: manifest, dumpPath: "\(repository.path(record.target, record.id))/\(BackupManifest.dumpName)",
            server: server, keepsOwners: server == target.postgres, timeLimit: target.timeLimit,
            repositoryFolder: repository.folder, programs: programs)
    }

    // MARK: Drill

    /// Restores a backup into a scratch database, compares it with what was recorded at its dump, and drops it.
    /// - Parameter id: nil or `latest` for the newest good one.
    /// - Throws: `BackupFailure`: `drillFailed` with all differences, `damaged`, …; a failed drill is entered in the ledger.
    public func drill(
        _ name: String, backup id: String? = nil, by actor: Actor, log: @Sendable (String) -> Void = { _ in }
    ) async throws -> DrillRecord {
        let target = try find(name)
        return try await exclusively(name, "a drill is going on") {
            let record = try await newestGood(name, id)
            let begin = ContinuousClock.now
            let server = target.drillServer ?? target.postgres
            let prefix = scratchPrefix(name)
            var restoreMs: Int64?
            var reason = ""
            var thrown: (any Error)?
            do {
                let manifest = try await checkVerified(record, by: actor)
                log("verified \(record.id)")
                // One lock for each target: what has this prefix now is left of a drill that did not survive.
                try await DatabaseRestore.sweep(prefix: prefix, on: server)
                let restoreBegin = ContinuousClock.now
                let scratch = "\(prefix)\(UInt32.random(in: 0 ..< .max))"
                let restore = restoration(manifest, record, target, server: server)
                let differences = try await restore.fill(scratch) { _, facts in
                    DatabaseRestore.differences(manifest, facts)
                }
                restoreMs = (ContinuousClock.now - restoreBegin).wholeMilliseconds
                await Task { await DatabaseRestore.drop(scratch, on: server) }.value
                reason = differences.joined(separator: "; ")
                if !differences.isEmpty { thrown = BackupFailure(.drillFailed, record.id, reason) }
            } catch {
                reason = describe(error)
                thrown = error
            }
            var payload: [String: JSONValue] = [
                "backup": .string(record.id), "target": .string(name), "reason": .string(reason),
                "durationMs": .integer((ContinuousClock.now - begin).wholeMilliseconds),
                "checks": .integer(Int64(record.tables + target.assertions.count)),
            ]
            if let restoreMs { payload["restoreMs"] = .integer(restoreMs) }
            let kind = thrown == nil ? EventKind.drillPassed : .drillFailed
            try await events.record([
                Event(at: wall.now, by: actor, kind, "backup/\(name)/\(record.id)", .object(payload))
            ])
            if let thrown {
                if thrown is BackupFailure || thrown is CancellationError { throw thrown }
                throw BackupFailure(
                    .drillFailed, record.id, reason, hint: (thrown as? any Failure)?.hint,
                    cause: (thrown as? any Failure)?.cause)
            }
            return try await BackupCatalogue.drills(of: name, limit: 1, in: store)[0]
        }
    }

    /// Begins the names of a target's scratch databases. It tells this repository from that of another machine which drills
    /// a target of the same name on the same server: what has the prefix is ours to drop.
    func scratchPrefix(_ target: String) -> String {
        let safe = String(target.lowercased().map { $0 == "-" ? "_" : $0 }.prefix(24))
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let place = host.map { UInt8(bitPattern: $0) } + Array(repository.folder.utf8)
        return "jaga_drill_\(safe)_\(hexadecimal(SHA256.hash(data: place).prefix(4)))_"
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

    private func find(_ name: String) throws -> BackupTarget {
        if let target = targets.first(where: { $0.name == name }) { return target }
        let nearest = nearestName(to: name, among: targets.map(\.name))
        throw BackupFailure(
            .unknownTarget, name,
            hint: nearest.map { "Did you mean '\($0)'?" } ?? "Targets stand under 'backup.targets'.")
    }

    private func record(_ target: String, _ id: String?) async throws -> BackupRecord {
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
    private func newestGood(_ target: String, _ id: String?) async throws -> BackupRecord {
        if let id, id != "latest" { return try await record(target, id) }
        let good = try await BackupCatalogue.backups(of: target, in: store).first { $0.verification != .damaged }
        if let good { return good }
        return try await record(target, nil)
    }

    private func exclusively<Result: Sendable>(_ target: String, _ doing: String, _ body: () async throws -> Result)
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

/// What a restore made.
public struct RestoreReport: Sendable, Hashable {
    public var backup: String
    public var database: String
    public var tables: Int
    public var rows: Int64
    public var duration: Duration
}
