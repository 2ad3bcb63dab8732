public import Diagnostics

/// Why a job could not be run.
public struct JobFailure: Failure {
    public enum Code: String, Sendable {
        case unknownJob = "unknown-job"
        /// A lock that the run needs is held by another run.
        case locked = "locked"
        case shuttingDown = "shutting-down"
    }

    public let code: Code
    public let job: String
    public let detail: String

    init(_ code: Code, job: String, _ detail: String = "") {
        self.code = code
        self.job = job
        self.detail = detail
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        switch code {
        case .unknownJob: "there is no job '\(job)'"
        case .locked: "the job '\(job)' cannot start: \(detail)"
        case .shuttingDown: "the job '\(job)' was not started: Jaga is shutting down"
        }
    }

    public var hint: String? {
        switch code {
        case .unknownJob: detail.isEmpty ? "List the jobs with 'jaga jobs list'." : "Did you mean '\(detail)'?"
        case .locked: "Wait until that run has ended, or look at it with 'jaga jobs list'."
        case .shuttingDown: nil
        }
    }
}
