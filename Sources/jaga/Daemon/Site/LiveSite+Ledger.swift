import Diagnostics
import Events
import Ledger
import Units
import WebAPI

extension LiveSite {
    func ledgerEntries(_ filter: LedgerFilter) async throws -> LedgerPage {
        // One more than asked for tells whether there are older ones.
        let limit = min(max(filter.limit, 1), 1000)
        var wanted = EntryFilter()
        wanted.kindPrefix = filter.kind
        wanted.subject = filter.subject
        // `person:ani`, or a name alone.
        if let actor = filter.actor, let colon = actor.firstIndex(of: ":") {
            guard let kind = Actor.Kind(rawValue: String(actor[..<colon])) else {
                throw Problem(
                    .invalid, "actor: '\(actor[..<colon].prefix(40))' is no kind of actor",
                    hint: "The kinds are \(Actor.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            wanted.actor = Actor(kind, String(actor[actor.index(after: colon)...]))
        } else {
            wanted.actorName = filter.actor
        }
        wanted.since = filter.from
        wanted.until = filter.through.map { $0 + .milliseconds(1) }
        wanted.before = filter.before
        wanted.limit = limit + 1
        wanted.order = .newestFirst
        let entries = try await parts.ledger.reader.entries(matching: wanted)
        let page = entries.prefix(limit)
        return LedgerPage(
            entries: page.map { entry in
                LedgerEntry(
                    sequence: entry.sequence, time: entry.event.time, actorKind: entry.event.actor.kind.rawValue,
                    actorName: entry.event.actor.name, kind: entry.event.kind.rawValue, subject: entry.event.subject,
                    payload: entry.event.payload)
            }, nextBefore: entries.count > limit ? page.last?.sequence : nil, size: parts.ledger.head.size)
    }

    func ledgerCheckpoint() async throws -> LedgerCheckpoint {
        let now = parts.clock.now
        // Signed anew when there are entries past the last one.
        try await parts.ledger.checkpoint(at: now)
        guard let checkpoint = try await parts.ledger.reader.latestCheckpoint(),
            let key = try await parts.ledger.reader.verifierKeys().last
        else {
            throw Problem(.unavailable, "the ledger has no checkpoint yet", hint: "The first entry brings one.")
        }
        return LedgerCheckpoint(
            size: checkpoint.head.size, rootHash: checkpoint.head.root.description, at: now, note: checkpoint.note,
            publicKey: key.description)
    }

    func verifyLedger() async throws -> LedgerVerification {
        let start = ContinuousClock.now
        // What was kept outside shows a tail that was cut off together with its checkpoints.
        let kept = try parts.checkpointFile.read()
        let report = try await parts.ledger.reader.verify(
            trusting: [parts.verifierKey], witnesses: kept.map { [$0] } ?? [])
        return LedgerVerification(
            intact: report.isSound, size: report.entryCount, checkpoints: report.soundCheckpointCount,
            durationMs: start.duration(to: .now).wholeMilliseconds, faults: report.findings.map(\.description))
    }

    func exportLedger() async throws -> @Sendable () async throws -> String? {
        // Signed anew when there are entries past the last one, so that all of the export is covered.
        try await parts.ledger.checkpoint(at: parts.clock.now)
        let export = try await parts.ledger.reader.export()
        return { try await export.nextPiece() }
    }
}
