public import Diagnostics
import Glibc

/// Why a file operation failed: what was tried, on which path, and what the system said.
public struct FileError: Failure {
    public enum Code: String, Sendable {
        case notFound = "not-found"
        case exists = "exists"
        /// No space or no quota left (ENOSPC, EDQUOT).
        case noSpace = "no-space"
        case permission = "permission"
        case readOnly = "read-only"
        case inputOutput = "input-output"
        /// Another process holds the lock.
        case locked = "locked"
        case other = "other"
    }

    /// What was tried, as a verb for the message.
    public enum Operation: String, Sendable, CaseIterable {
        case open, read, write, sync, truncate, close, lock, list, rename, remove, link
        case createFolder = "create folder"
        case syncFolder = "sync folder"
        case status = "look at"
        case space = "read the free space of"
    }

    public let code: Code
    public let operation: Operation
    public let path: String
    /// The system's error number; 0 where the fault is not the system's.
    public let errorNumber: Int32
    /// The process that holds the lock, where `code` is `locked` and it wrote its number.
    public let holder: Int32?

    public init(_ operation: Operation, _ path: String, errorNumber: Int32) {
        self.operation = operation
        self.path = path
        self.errorNumber = errorNumber
        holder = nil
        code =
            switch errorNumber {
            case ENOENT, ENOTDIR: .notFound
            case EEXIST, ENOTEMPTY: .exists
            case ENOSPC, EDQUOT: .noSpace
            case EACCES, EPERM: .permission
            case EROFS: .readOnly
            case EIO: .inputOutput
            default: .other
            }
    }

    /// The path is locked by another process.
    public init(locked path: String, by holder: Int32?) {
        operation = .lock
        self.path = path
        errorNumber = EWOULDBLOCK
        self.holder = holder
        code = .locked
    }

    /// ENOSPC, for who finds a disk full without having written.
    public static var noSpaceNumber: Int32 { ENOSPC }

    /// Whether the disk is full, which passes when somebody makes room.
    public var isNoSpace: Bool { code == .noSpace }

    public var codeName: String { "file-\(code.rawValue)" }

    public var summary: String {
        if code == .locked {
            let who = holder.map { "process \($0)" } ?? "another process"
            return "'\(path)' is locked by \(who)"
        }
        return "cannot \(operation.rawValue) '\(path)': \(errorText(errorNumber))"
    }

    public var hint: String? {
        switch code {
        case .noSpace: "Make room on the file system that holds this path, or enlarge it."
        case .permission: "Give the user that runs the program access to this path."
        case .readOnly: "The file system is mounted read-only; look for disk errors in the kernel's log."
        case .inputOutput: "Look for disk errors in the kernel's log and check the disk."
        case .locked: "Only one daemon may use a data folder: stop the other one, or give this one a folder of its own."
        case .notFound, .exists, .other: nil
        }
    }
}

/// The system's words for an error number. `strerror_r`, since `strerror` shares one buffer among threads.
func errorText(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard strerror_r(number, buffer.baseAddress!, buffer.count) == 0 else { return "error \(number)" }
        return String(cString: buffer.baseAddress!)
    }
}
