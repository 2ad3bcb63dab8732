import Crypto
import Diagnostics
public import Events
import Glibc
import JSONCoding
import PostgresClient
import Units

extension Backups {
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
}
