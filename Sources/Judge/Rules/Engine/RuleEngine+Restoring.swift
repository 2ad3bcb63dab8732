import Diagnostics
import Logging
import Series
import Units

extension RuleEngine {
    private struct Remembered {
        /// The value of the sample: when the condition began.
        var since: Timestamp
        /// The time of the sample.
        var lastSeen: Timestamp
    }

    /// Lets the hold times of an earlier run go on; `HoldRestoration` says how.
    func recall(_ state: inout RuleGroupState, at now: Timestamp) async {
        guard let history else {
            state.isToBeRestored = false
            return
        }
        for (index, rule) in state.group.rules.enumerated() where rule.kind == .alerting && rule.hold > .zero {
            let found: [Labels: Remembered]
            do {
                found = try await remembered(rule, history, at: now)
            } catch is CancellationError {
                return
            } catch {
                // The ledger's times stand; the next evaluation looks again.
                logger.warning(
                    "hold times of an earlier run cannot be read",
                    metadata: ["rule": "\(rule.name)", "error": "\(describe(error))"])
                return
            }
            for alert in state.rules[index].alerts.sorted where alert.state == .pending {
                let since = found[alert.labels].map {
                    // The series is of whole seconds, but knows of an earlier absence that moved the begin; the ledger does not.
                    HoldRestoration.activeAt(
                        since: max(alert.activeAt, $0.since), lastSeen: $0.lastSeen, hold: rule.hold, now: now)
                }
                state.rules[index].alerts.hold(alert.labels, since: since ?? now)
            }
            state.rules[index].alerts.recalled = found.mapValues {
                HoldRestoration.activeAt(since: $0.since, lastSeen: $0.lastSeen, hold: rule.hold, now: now)
            }
        }
        state.isToBeRestored = false
    }

    /// The newest samples of `ALERTS_FOR_STATE`, without those that a stale marker ended.
    private func remembered(_ rule: Rule, _ history: any SeriesReading, at now: Timestamp) async throws
        -> [Labels: Remembered]
    {
        let matchers = [
            LabelMatcher(Labels.metricName, equals: "ALERTS_FOR_STATE"), LabelMatcher("alertname", equals: rule.name),
        ]
        var found: [Labels: Remembered] = [:]
        for column in try await history.select(matchers, from: now - HoldRestoration.outageMax, through: now) {
            guard let time = column.times.last, let value = column.values.last, value.isFinite else { continue }
            found[column.labels.dropping([Labels.metricName])] = Remembered(
                since: Timestamp(secondsSinceEpoch: value), lastSeen: Timestamp(millisecondsSinceEpoch: time))
        }
        return found
    }
}
