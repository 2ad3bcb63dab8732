public import Diagnostics
import DurableFiles
import Units

/// Why the store could not do what was asked.
public struct StoreError: Failure {
    public enum Code: String, Sendable {
        /// The batch was not taken, because the log cannot be written.
        case ingestionStopped = "ingestion-stopped"
        /// A file holds other bytes than were written.
        case damaged = "damaged"
        case fileFailed = "file-failed"
        /// A snapshot's folder must be new.
        case snapshotExists = "snapshot-exists"
    }

    public let code: Code
    /// The file or the series at fault.
    public let subject: String
    /// Where in the file, for `damaged`.
    public let byteOffset: Int64?
    public let cause: (any Error)?

    init(_ code: Code, _ subject: String, at byteOffset: Int64? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.subject = subject
        self.byteOffset = byteOffset
        self.cause = cause
    }

    public var codeName: String { "series-\(code.rawValue)" }

    public var summary: String {
        switch code {
        case .ingestionStopped: "no samples are stored: the log in '\(subject)' cannot be written"
        case .damaged where PageFile.isPath(subject):
            "the newest hours are damaged at byte \(byteOffset ?? 0) of '\(subject)'; the next start reads them from the log"
        case .damaged: "'\(subject)' is damaged at byte \(byteOffset ?? 0)"
        case .snapshotExists: "'\(subject)' exists already"
        case .fileFailed: "the series store cannot use '\(subject)'"
        }
    }

    public var hint: String? {
        switch code {
        case .ingestionStopped:
            (cause as? FileError)?.isNoSpace == true
                ? "Make room on that file system; storing goes on by itself with the next reading."
                : "Queries go on. Look for disk errors in the kernel's log; storing is tried again with each reading."
        case .damaged where PageFile.isPath(subject):
            "Look for disk errors in the kernel's log, and restart Jaga: a start reads these samples from the write-ahead log."
        case .damaged: "Look for disk errors in the kernel's log. Other spans of time stay readable."
        case .snapshotExists: "Name a folder that does not exist yet."
        case .fileFailed: (cause as? any Failure)?.hint
        }
    }
}

/// Damage that was found, or remains that were cut off. Shown until the next start; that of a block only as long as the block is used.
public struct StoreProblem: Sendable, Hashable {
    public enum Kind: String, Sendable {
        /// The end of the newest segment was no whole record and was cut off.
        case tailCutOff = "tail-cut-off"
        /// Bytes inside the log were unreadable; a copy was set aside.
        case logDamaged = "log-damaged"
        /// A file of the log is not there, or has not even a whole header, though files before and after it are there.
        case segmentMissing = "segment-missing"
        /// Samples of series whose declaration was lost.
        case samplesOrphaned = "samples-orphaned"
        /// A block was unreadable and was set aside.
        case blockDamaged = "block-damaged"
        /// A block that was set aside by a start before, and whose samples no block in use has.
        case blockSetAside = "block-set-aside"
        /// Such a block that can be read after all.
        case blockReadable = "block-readable"
        /// The same, in use again.
        case blockPutBack = "block-put-back"
        /// A block that is in use is not there any more.
        case blockMissing = "block-missing"
        /// The disk does not give the bytes of a block.
        case blockUnreadable = "block-unreadable"
        /// What the newest hours were written to so that they take no memory cannot be read; the log has all of it.
        case headPageDamaged = "head-page-damaged"
        /// The list of what was deleted was unreadable and was set aside: deleted samples are seen again.
        case tombstonesDamaged = "tombstones-damaged"
        /// A file is of a version that this program does not know; it was left alone.
        case versionUnknown = "version-unknown"
    }

    public var kind: Kind
    public var file: String
    public var byteOffset: Int64
    /// Bytes concerned; samples for `samplesOrphaned`, files for `segmentMissing`.
    public var count: Int64
    /// Where the bytes are now, where they were set aside.
    public var setAsideAs: String?
}

extension StoreProblem {
    /// Whether something is wrong with what was stored. An unfinished record at the end of the log is what the end of a process leaves;
    /// nobody was told that it is stored.
    public var isDamage: Bool { kind != .tailCutOff }
}

extension StoreProblem: CustomStringConvertible {
    public var description: String {
        let copy = setAsideAs.map { "; the bytes are in '\($0)'" } ?? ""
        return switch kind {
        case .tailCutOff:
            setAsideAs == nil
                ? "'\(file)' ended in \(count) bytes that are no whole record, from byte \(byteOffset) on"
                : "'\(file)' ended in \(count) bytes that are no whole record, cut off at byte \(byteOffset)\(copy)"
        case .logDamaged: "'\(file)' is damaged at byte \(byteOffset) for \(count) bytes\(copy)"
        case .segmentMissing:
            count == 1
                ? "'\(file)' is missing: what it held of the newest hours is lost"
                : "'\(file)' and \(count - 1) files after it are missing: what they held of the newest hours is lost"
        case .samplesOrphaned:
            "at least \(count) samples in '\(file)' cannot be read because records before them are damaged\(copy)"
        case .blockSetAside:
            """
            '\(file)' was set aside, \(count) bytes, and nothing of it can be read: samples\(blockSpan) may be missing. Put the same \
            block from a snapshot into '\(joined(parentFolder(of: parentFolder(of: file)), "blocks"))', or remove the file if there is none
            """
        case .blockReadable:
            """
            '\(file)' was set aside, \(count) bytes, but can be read: samples\(blockSpan) may be missing until 'jaga series repair' \
            puts it back, which it does when the log has no samples of that time
            """
        case .blockPutBack: "'\(file)' can be read, \(count) bytes, and is in use again: samples\(blockSpan)"
        case .blockMissing: "'\(file)' is missing: its samples are lost"
        case .blockUnreadable: "'\(file)' cannot be read: the disk reports an error"
        case .headPageDamaged:
            "the newest hours are damaged at byte \(byteOffset) of '\(file)'; the next start reads them from the log"
        case .blockDamaged, .tombstonesDamaged: "'\(file)' is damaged at byte \(byteOffset)\(copy)"
        case .versionUnknown: "'\(file)' is of a version that this program does not read; it was left alone"
        }
    }
}

extension StoreProblem {
    /// The span in the name of the block, behind a blank; empty for other files.
    private var blockSpan: String {
        guard let name = SetAsideBlock.name(of: String(file.split(separator: "/").last ?? "")) else { return "" }
        let (start, end) = (Timestamp(millisecondsSinceEpoch: name.start), Timestamp(millisecondsSinceEpoch: name.end))
        return " from \(start.rfc3339) to \(end.rfc3339)"
    }
}
