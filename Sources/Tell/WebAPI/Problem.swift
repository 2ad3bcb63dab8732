public import Diagnostics

/// A refusal or a failure as the API says it: the body of every answer of `/api/jaga/v1` with a status of 400 or more.
///
/// The service throws it too; the server turns it into the answer, the command line turns the answer back into it.
public struct Problem: Failure, Codable, Hashable {
    public enum Code: String, Sendable, Codable, CaseIterable {
        /// The request does not say what it should: a missing field, a bad expression, a name that breaks a rule.
        case invalid
        /// No valid session, token or password came with the request.
        case unauthenticated
        /// Known, but the role does not allow it; or a form came without its CSRF token.
        case forbidden
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        /// The state does not allow it: the job is running, the name is taken, the database exists.
        case conflict
        case tooLarge = "too-large"
        /// The request names another server.
        case misdirected
        /// Too many tries; `hint` says when to come back.
        case tooMany = "too-many"
        /// What is needed cannot be reached now, or is switched off.
        case unavailable
        case timeout
        /// The disk that holds the state is full, so nothing can be recorded.
        case diskFull = "disk-full"
        case `internal`
    }

    public let code: Code
    public let summary: String
    public let hint: String?

    public init(_ code: Code, _ summary: String, hint: String? = nil) {
        self.code = code
        self.summary = summary
        self.hint = hint
    }

    public var codeName: String { code.rawValue }

    public var httpStatus: Int {
        switch code {
        case .invalid: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .conflict: 409
        case .tooLarge: 413
        case .misdirected: 421
        case .tooMany: 429
        case .unavailable: 503
        case .timeout: 504
        case .diskFull: 507
        case .internal: 500
        }
    }
}
