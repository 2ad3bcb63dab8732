public import Diagnostics
import GoTemplates
public import PromQL
import Series
import Units

/// Expands the templates of labels and annotations with the Go template language.
///
/// A template is parsed for each expansion: an alert's texts are expanded some times a minute, and parsing one costs microseconds.
public struct AnnotationTemplates: TemplateExpanding {
    /// Answers `query` in a template, at the time of the evaluation; without it the function fails.
    private let queries: QueryEngine?
    private let externalURL: String

    /// - Parameter externalURL: where people reach the pages; empty where nobody knows.
    public init(queries: QueryEngine? = nil, externalURL: String = "") {
        self.queries = queries
        self.externalURL = externalURL
    }

    public func check(_ template: String) throws {
        _ = try Template(template)
    }

    public func position(of error: any Error) -> SourcePosition? { (error as? TemplateFault)?.position }

    public func expand(_ template: String, _ data: AlertTemplateData) async throws -> String {
        var templateData = TemplateData(
            labels: data.labels, value: data.value, externalLabels: data.externalLabels, externalURL: externalURL,
            time: data.time.secondsSinceEpoch)
        if let queries {
            templateData.query = { expression in
                let result = try await queries.instant(expression, at: data.time)
                return (result.samples ?? []).map { sample in
                    TemplateSample(
                        labels: Dictionary(sample.labels.pairs.map { ($0.name, $0.value) }) { first, _ in first },
                        value: sample.value)
                }
            }
        }
        templateData.match = { pattern, text in try SearchPattern(pattern).isFound(in: text) }
        templateData.replaceAll = { pattern, replacement, text in
            try SearchPattern(pattern).replacingAll(in: text, with: replacement)
        }
        return try await Template(template).render(templateData)
    }
}
