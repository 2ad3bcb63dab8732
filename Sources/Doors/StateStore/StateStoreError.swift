public import Diagnostics
package import GRDB

/// Why the state file could not be opened, read or written.
public struct StateStoreError: Failure {
    public enum Code: Sendable, Hashable {
        case missing, unreachable, notADatabase, damaged, diskFull, readOnly, busy, inputOutput
        case migrationFailed(String)
    }

    public let code: Code
    public let path: String
    public let cause: (any Error)?

    init(_ code: Code, path: String, cause: (any Error)? = nil) {
        self.code = code
        self.path = path
        self.cause = cause
    }

    init(_ error: DatabaseError, path: String) {
        self.init(Self.code(of: error) ?? .inputOutput, path: path, cause: error)
    }

    /// Faults of the file become a `StateStoreError`; those of a statement (a broken constraint) stay as they are, since the
    /// caller knows what they mean.
    static func wrapping(_ error: DatabaseError, path: String) -> any Error {
        code(of: error).map { StateStoreError($0, path: path, cause: error) } ?? error
    }

    /// Whether the file is at fault rather than the statement.
    package static func isFault(_ error: DatabaseError) -> Bool { code(of: error) != nil }

    private static func code(of error: DatabaseError) -> Code? {
        switch error.resultCode {
        case .SQLITE_FULL: .diskFull
        case .SQLITE_CORRUPT: .damaged
        case .SQLITE_NOTADB: .notADatabase
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .unreachable
        case .SQLITE_READONLY: .readOnly
        case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
        case .SQLITE_IOERR: .inputOutput
        default: nil
        }
    }
}

extension StateStoreError {
    public var codeName: String {
        switch code {
        case .missing: "state-missing"
        case .unreachable: "state-unreachable"
        case .notADatabase: "state-not-a-database"
        case .damaged: "state-damaged"
        case .diskFull: "disk-full"
        case .readOnly: "state-read-only"
        case .busy: "state-busy"
        case .inputOutput: "state-input-output"
        case .migrationFailed: "state-migration-failed"
        }
    }

    public var summary: String {
        switch code {
        case .missing: "there is no state file at '\(path)'"
        case .unreachable: "the state file '\(path)' cannot be opened"
        case .notADatabase: "'\(path)' is not a SQLite database"
        case .damaged: "the state file '\(path)' is damaged"
        case .diskFull: "the disk that holds '\(path)' is full"
        case .readOnly: "the state file '\(path)' cannot be written"
        case .busy: "another process holds a lock on '\(path)'"
        case .inputOutput: "reading or writing '\(path)' failed"
        case .migrationFailed(let name): "step '\(name)' of bringing '\(path)' up to date failed"
        }
    }

    public var hint: String? {
        switch code {
        case .missing: "Check the data folder; the daemon creates the file at its first start."
        case .unreachable, .readOnly: "Check that the data folder exists and belongs to the user that runs Jaga."
        case .notADatabase: "Move the file away and put back the copy from the last backup."
        case .damaged: "Stop Jaga, copy the file, and put back the copy from the last backup."
        case .diskFull: "Free some space; what was acknowledged is safe, and writing goes on when there is room."
        case .busy: "Close the other program that has the file open."
        case .inputOutput: "Look at the kernel's log for faults of the disk."
        case .migrationFailed: "The file was left as it was; run the release that wrote it, and report the message."
        }
    }
}
