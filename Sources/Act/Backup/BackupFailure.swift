public import Diagnostics

/// Why a backup could not be made, trusted or restored.
public struct BackupFailure: Failure {
    public enum Code: String, Sendable {
        case unknownTarget = "unknown-target"
        case unknownBackup = "unknown-backup"
        case locked = "locked"
        case noProgram = "no-suitable-program"
        case dumpFailed = "dump-failed"
        case diskFull = "disk-full"
        case fileFailed = "file-failed"
        case damaged = "backup-damaged"
        case databaseExists = "database-exists"
        case invalidName = "invalid-name"
        case restoreFailed = "restore-failed"
        case drillFailed = "drill-failed"
    }

    public let code: Code
    /// The target, backup, file or database at fault.
    public let subject: String
    public let reason: String
    public let hint: String?
    public let cause: (any Error)?

    init(_ code: Code, _ subject: String, _ reason: String = "", hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.subject = subject
        self.reason = reason
        self.hint = hint
        self.cause = cause
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        switch code {
        case .unknownTarget: "there is no backup target '\(subject)'"
        case .unknownBackup: "there is no backup '\(subject)'"
        case .locked: "the target '\(subject)' is busy: \(reason)"
        case .noProgram: reason
        case .dumpFailed: "the backup of '\(subject)' failed: \(reason)"
        case .diskFull: "the disk is full: \(subject) could not be written"
        case .fileFailed: "\(subject): \(reason)"
        case .damaged: "the backup '\(subject)' is damaged: \(reason)"
        case .databaseExists: "the database '\(subject)' exists already"
        case .invalidName: "'\(subject)' cannot be the name of a database: \(reason)"
        case .restoreFailed: "the restore into '\(subject)' failed: \(reason)"
        case .drillFailed: "the drill of '\(subject)' failed: \(reason)"
        }
    }
}
