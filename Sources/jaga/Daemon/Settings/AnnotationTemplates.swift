import GoTemplates
import PromQL
import Rules
import Series
import Units

/// Expands the templates of labels and annotations with the Go template language.
///
/// A template is parsed for each expansion: an alert's texts are expanded some times a minute, and parsing one costs microseconds.
struct AnnotationTemplates: TemplateExpanding {
    /// Answers `query` in a template; without it the function fails.
    var queries: QueryEngine?
    var clock: (any WallClock)?
    var externalURL = ""

    func check(_ template: String) throws {
        _ = try Template(template)
    }

    func expand(_ template: String, _ data: AlertTemplateData) async throws -> String {
        var templateData = TemplateData(
            labels: data.labels, value: data.value, externalLabels: data.externalLabels, externalURL: externalURL)
        if let queries, let clock {
            templateData.query = { expression in
                let result = try await queries.instant(expression, at: clock.now)
                return (result.samples ?? []).map { TemplateSample(labels: dictionary($0.labels), value: $0.value) }
            }
        }
        // Anchored at both ends, as everywhere else in Jaga: `.*` on either side looks anywhere.
        templateData.match = { pattern, text in try AnchoredPattern(".*(?:\(pattern)).*").matches(text) }
        return try await Template(template).render(templateData)
    }
}
