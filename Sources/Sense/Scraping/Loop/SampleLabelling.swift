import Relabelling
import Series

/// What the labels of a page's sample become before they are stored. Runs once for a new series.
struct SampleLabelling: Sendable {
    let job: ScrapeJob
    let target: Labels
    /// The series that the scrape itself writes; a target's own of the same labels would stand in for them.
    let reserved: Set<Labels>

    init(_ job: ScrapeJob, target: Labels) {
        self.job = job
        self.target = target
        reserved = Set(
            ScrapeReport.names.map { name in
                var labels = target
                labels[Labels.metricName] = name
                return labels
            })
    }

    /// - Returns: nil when a rule drops the sample.
    /// - Throws: `ScrapingError` when the result is no series or is over a limit; the scrape then fails as a whole.
    func labels(of own: Labels) throws(ScrapingError) -> Labels? {
        let joined = job.honorsLabels ? target.merging(own) : renamed(own)
        guard let labels = job.metricRelabelRules.relabelled(joined), !labels.isEmpty else { return nil }
        try check(labels)
        return reserved.contains(labels) ? nil : labels
    }

    /// The target's labels win; the page's of the same name is kept as `exported_<name>`, with as many prefixes as it takes.
    private func renamed(_ own: Labels) -> Labels {
        var labels = own
        var clashes: [(name: String, value: String)] = []
        for pair in target.pairs {
            if let value = labels[pair.name] { clashes.append((pair.name, value)) }
            labels[pair.name] = pair.value
        }
        for clash in clashes.sorted(by: { $0.name.utf8.count < $1.name.utf8.count }) {
            var name = clash.name
            repeat { name = "exported_\(name)" } while labels[name] != nil
            labels[name] = clash.value
        }
        return labels
    }

    private func check(_ labels: Labels) throws(ScrapingError) {
        let metric = labels.name
        guard !metric.isEmpty else {
            throw ScrapingError(.limitExceeded, "a sample has no metric name after relabelling: \(labels)")
        }
        guard job.nameScheme.allows(metric: metric) else {
            throw ScrapingError(.limitExceeded, "'\(metric)' is not a metric's name under the scheme 'legacy'")
        }
        let limits = job.limits
        // The metric's name counts, as in the reference.
        if let most = limits.labels, labels.pairs.count > most {
            throw ScrapingError(
                .limitExceeded,
                "label_limit exceeded (metric: \(metric.prefix(50)), number of labels: \(labels.pairs.count), limit: \(most))"
            )
        }
        for pair in labels.pairs {
            guard pair.name == Labels.metricName || job.nameScheme.allows(label: pair.name) else {
                throw ScrapingError(.limitExceeded, "'\(pair.name)' of \(metric) is not a label's name")
            }
            if let most = limits.labelNameBytes, pair.name.utf8.count > most {
                throw ScrapingError(
                    .limitExceeded,
                    "label_name_length_limit exceeded (metric: \(metric.prefix(50)), label name: \(pair.name.prefix(50)), length: \(pair.name.utf8.count), limit: \(most))"
                )
            }
            if let most = limits.labelValueBytes, pair.value.utf8.count > most {
                throw ScrapingError(
                    .limitExceeded,
                    "label_value_length_limit exceeded (metric: \(metric.prefix(50)), label name: \(pair.name.prefix(50)), value: \(pair.value.prefix(50)), length: \(pair.value.utf8.count), limit: \(most))"
                )
            }
        }
    }
}
