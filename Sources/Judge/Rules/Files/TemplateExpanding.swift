public import Diagnostics
public import Units

/// Expands the templates of labels and annotations (`{{ $value }}`, `{{ $labels.instance }}`).
public protocol TemplateExpanding: Sendable {
    /// - Throws: what is wrong with the template's syntax.
    func check(_ template: String) throws
    /// Where in the template `check` found its fault; nil where that is not known.
    func position(of error: any Error) -> SourcePosition?
    /// - Throws: why the template cannot be expanded with `data`.
    func expand(_ template: String, _ data: AlertTemplateData) async throws -> String
}

extension TemplateExpanding {
    public func position(of error: any Error) -> SourcePosition? { nil }
}

/// What a template of an alert can speak of.
public struct AlertTemplateData: Sendable {
    /// `$labels`: those of the element, the metric's name included where the expression keeps it.
    public var labels: [String: String]
    /// `$value`
    public var value: Double
    /// `$externalLabels`
    public var externalLabels: [String: String]
    /// The time of the evaluation, at which `query` asks.
    public var time: Timestamp

    public init(
        labels: [String: String], value: Double, externalLabels: [String: String] = [:],
        time: Timestamp = Timestamp(millisecondsSinceEpoch: 0)
    ) {
        self.labels = labels
        self.value = value
        self.externalLabels = externalLabels
        self.time = time
    }
}
