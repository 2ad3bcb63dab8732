/// What the program says to its caller. Documented in the user guide, and only added to; scripts take an unknown one as
/// a failure.
public enum ProgramStatus: Int32, Sendable, CaseIterable {
    case done = 0
    case failed = 1
    /// `jaga status` only: something is critical.
    case critical = 2
    /// Done in part, or the command found something.
    case findings = 3
    case notFound = 10
    /// Another run holds the lock.
    case locked = 11
    /// A key, a password or a role was refused.
    case refused = 12
    case usage = 64
    case daemonUnreachable = 69
    case configurationInvalid = 78
    case interrupted = 130
}

extension ProgramStatus {
    /// The status that goes with a failure's name; nil for one that has none of its own.
    init?(codeName: String) {
        switch codeName {
        case "daemon-unreachable": self = .daemonUnreachable
        case "invalid-input": self = .configurationInvalid
        case "locked", "file-locked": self = .locked
        case "not-found": self = .notFound
        // "bad_data": what the Prometheus API calls an expression that cannot be read, or a parameter of the wrong form.
        case "usage", "bad_data": self = .usage
        default: return nil
        }
    }
}

/// Ends a command with a status once it has printed what it has to say.
struct EndWith: Error {
    let status: ProgramStatus

    init(_ status: ProgramStatus) {
        self.status = status
    }
}
