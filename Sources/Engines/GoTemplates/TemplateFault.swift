public import Diagnostics

/// Why a template cannot be read or rendered.
public struct TemplateFault: Failure {
    public enum Stage: Sendable, Hashable {
        case parsing, rendering
    }

    public let stage: Stage
    /// Where in the template; the file is the template's name.
    public let position: SourcePosition
    public let reason: String
    public let cause: (any Error)?

    init(_ stage: Stage, at position: SourcePosition, _ reason: String, cause: (any Error)? = nil) {
        self.stage = stage
        self.position = position
        self.reason = reason
        self.cause = cause
    }

    public var codeName: String { stage == .parsing ? "template-invalid" : "template-failed" }
    public var summary: String { "template \(position): \(reason)" }
}
