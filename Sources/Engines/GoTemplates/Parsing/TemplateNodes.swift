import Diagnostics

/// A piece of a parsed template.
indirect enum TemplateNode: Sendable {
    case text(String)
    case output(Pipeline)
    case condition(Pipeline, [TemplateNode], otherwise: [TemplateNode])
    case with(Pipeline, [TemplateNode], otherwise: [TemplateNode])
    case range(Pipeline, [TemplateNode], otherwise: [TemplateNode])
    case call(name: String, Pipeline?, SourcePosition)
    case breakLoop
    case continueLoop
}

/// `$a := first | second`
struct Pipeline: Sendable {
    var position: SourcePosition
    var variables: [String] = []
    /// `=` rather than `:=`.
    var assigns = false
    var commands: [Command] = []
}

/// An operand alone, or a function with its arguments.
struct Command: Sendable {
    var position: SourcePosition
    var operands: [Operand] = []
}

/// `$labels.job`: what it begins with, and the fields to follow.
struct Operand: Sendable {
    enum Base: Sendable {
        case dot
        case variable(String)
        case literal(TemplateValue)
        case function(String)
        case pipeline(Pipeline)
    }

    var position: SourcePosition
    var base: Base
    var fields: [String] = []
}
