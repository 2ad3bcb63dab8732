public import Diagnostics

/// Why a text is not a schedule, or bytes are not a time zone.
public struct ScheduleFailure: Failure {
    public enum Code: String, Sendable {
        case invalidExpression = "invalid-schedule"
        case neverRuns = "schedule-never-runs"
        case invalidTimeZone = "invalid-time-zone"
    }

    public let code: Code
    /// The text or the zone's name at fault.
    public let input: String
    /// Where in `input` the fault is: the first character is 1. Nil when it is the whole of it.
    public let column: Int?
    public let reason: String
    public let hint: String?

    init(_ code: Code, _ input: String, column: Int? = nil, _ reason: String, hint: String? = nil) {
        self.code = code
        self.input = input
        self.column = column
        self.reason = reason
        self.hint = hint
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        let place = column.map { " at character \($0)" } ?? ""
        return switch code {
        case .invalidExpression: "'\(input)' is not a schedule\(place): \(reason)"
        case .neverRuns: "the schedule '\(input)' never comes: \(reason)"
        case .invalidTimeZone: "the time zone '\(input)' cannot be read: \(reason)"
        }
    }
}

extension ScheduleFailure {
    /// For loaders that do not find a zone.
    public static func unknownTimeZone(_ name: String) -> ScheduleFailure {
        ScheduleFailure(
            .invalidTimeZone, name, "there is no such zone",
            hint: "Write a name of the time zone database, as in Europe/Berlin or Asia/Jakarta, or UTC.")
    }
}
