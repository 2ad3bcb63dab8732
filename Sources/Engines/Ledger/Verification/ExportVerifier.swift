import JSONCoding

/// Verifies an export line by line, without a database (`docs/formats/ledger.md`).
///
///     var verifier = ExportVerifier()
///     for line in lines { verifier.take(line) }
///     let report = verifier.finish()
public struct ExportVerifier {
    private var audit: LedgerAudit
    private let keys: [VerifierKey]
    private var witnesses: [Checkpoint]
    private var lineNumber = 0
    /// Entries that the checkpoints of the export cover.
    private var coveredSize: Int64 = 0
    /// Whether whoever wrote the export signs; then its last line is a checkpoint over all of it.
    private var isSigned = false
    /// What made going on pointless.
    private var stop: LedgerFinding?

    /// - Parameters:
    ///   - keys: whose signatures count; empty for those that the export names itself.
    ///   - witnesses: checkpoints that were kept elsewhere.
    public init(trusting keys: [VerifierKey] = [], witnesses: [Checkpoint] = []) {
        self.keys = keys
        self.witnesses = witnesses.sorted { $0.head.size > $1.head.size }
        audit = LedgerAudit(keys: keys, areTrusted: !keys.isEmpty)
    }

    /// Takes the next line, without its line end. After the first fault of order the rest is not looked at.
    public mutating func take(_ line: some Collection<UInt8>) {
        guard stop == nil else { return }
        lineNumber += 1
        if lineNumber == 1 { return takeHeader(line) }
        if line.starts(with: "{\"checkpoint\":".utf8) {
            // An unreadable line is judged as an empty note, which is a finding.
            guard let note = (try? JSONValue(parsing: Array(line)))?["checkpoint"]?.stringValue else {
                return audit.judge(note: "")
            }
            let lines = note.split(separator: "\n", maxSplits: 2)
            if lines.count > 1, let size = Int64(lines[1]) { coveredSize = max(coveredSize, size) }
            return audit.judge(note: note)
        }
        judgeWitnesses(isEnd: false)
        guard let entry = LeafEncoding.entry(parsing: line) else {
            return halt(.unreadable("line \(lineNumber) of the export is not an entry"))
        }
        guard entry.sequence == audit.size else {
            let isLater = entry.sequence > audit.size
            return halt(isLater ? .missing : .reordered(belongsAt: entry.sequence))
        }
        audit.take(leaf: .leaf(line))
    }

    public mutating func finish() -> LedgerReport {
        if lineNumber == 0 { halt(.unreadable("the export is empty")) }
        if stop == nil, isSigned, coveredSize < audit.size {
            halt(
                .unreadable(
                    "the export ends without the checkpoint over its last \(audit.size - coveredSize) entries, so that they may be cut or edited"
                ))
        }
        judgeWitnesses(isEnd: true)
        var report = audit.finish()
        if let stop {
            report.findings.append(stop)
            report.findings.sort { $0.sequence < $1.sequence }
        }
        return report
    }

    private mutating func takeHeader(_ line: some Collection<UInt8>) {
        // No JSON and other JSON are the same finding.
        guard let header = try? JSONValue(parsing: Array(line)), header["format"]?.stringValue == ExportFormat.name
        else {
            return halt(.unreadable("the first line is not that of a ledger's export"))
        }
        guard header["version"]?.intValue == ExportFormat.version else {
            return halt(.unreadable("the export is of a version that this program does not know"))
        }
        let named = header["verifiers"]?.arrayValue ?? []
        isSigned = !named.isEmpty
        guard keys.isEmpty else { return }
        // A text that is no key can have signed nothing; its checkpoints show as those of an unknown key.
        audit = LedgerAudit(
            keys: named.compactMap { try? VerifierKey(parsing: $0.stringValue ?? "") }, areTrusted: false)
    }

    private mutating func judgeWitnesses(isEnd: Bool) {
        while let witness = witnesses.last, isEnd || witness.head.size <= audit.size {
            audit.judge(note: witness.note)
            witnesses.removeLast()
        }
    }

    private mutating func halt(_ problem: LedgerFinding.Problem) {
        stop = LedgerFinding(sequence: audit.size, problem)
    }
}
