/// Expands the templates of labels and annotations (`{{ $value }}`, `{{ $labels.instance }}`).
public protocol TemplateExpanding: Sendable {
    /// - Throws: what is wrong with the template's syntax.
    func check(_ template: String) throws
    /// - Throws: why the template cannot be expanded with `data`.
    func expand(_ template: String, _ data: AlertTemplateData) async throws -> String
}

/// What a template of an alert can speak of.
public struct AlertTemplateData: Sendable {
    /// `$labels`: those of the element, without the metric's name.
    public var labels: [String: String]
    /// `$value`
    public var value: Double
    /// `$externalLabels`
    public var externalLabels: [String: String]

    public init(labels: [String: String], value: Double, externalLabels: [String: String] = [:]) {
        self.labels = labels
        self.value = value
        self.externalLabels = externalLabels
    }
}
