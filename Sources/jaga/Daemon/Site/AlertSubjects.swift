import PromQL
import Rules
import Series

/// What the firing alerts are about, for the rows of the status.
///
/// Most carry the labels of what they are about. An aggregation takes labels away (`1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))`
/// has none): such an alert is about what its rule's metrics come from.
struct AlertSubjects {
    private let firing: [(alert: ActiveAlert, expression: String)]
    private let features: QueryFeatures

    init(_ groups: [RuleGroupStatus], _ options: QueryOptions) {
        firing = groups.flatMap(\.rules).flatMap { rule in
            rule.alerts.filter { $0.state == .firing }.map { ($0, rule.expression) }
        }
        features = options.features
    }

    /// - Parameters:
    ///   - labels: those of the samples.
    ///   - metrics: what the names of its metrics begin with.
    ///   - isOnlyOne: there is no other source of such metrics, so that an alert need not name it.
    func about(_ labels: Labels, metrics: String, isOnlyOne: Bool) -> [ActiveAlert] {
        firing.filter { alert, expression in
            let own = ["job", "instance", "host"].filter { alert.labels[$0] != nil }
            guard own.allSatisfy({ alert.labels[$0] == labels[$0] }) else { return false }
            if own.contains("job"), own.contains("instance") { return true }
            return (own.contains("instance") || isOnlyOne) && reads(only: metrics, expression)
        }.map(\.alert)
    }

    private func reads(only prefix: String, _ expression: String) -> Bool {
        // An expression of a rule that fires has been parsed before; one that does not parse any more says nothing.
        guard let parsed = try? Expression.parse(expression, features: features) else { return false }
        let names = parsed.selectors.map { selector in
            selector.matchers.first { $0.name == Labels.metricName && $0.op == .equal }?.value ?? ""
        }
        return !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) }
    }
}
