import Synchronization
import PromQL
import Rules
import Series
import Units
import WebAPI

extension LiveSite {
    func ruleGroups() async throws -> [WebAPI.RuleGroupStatus] {
        // Whoever looks for a rule of their own should not have to pass by those that came with the program.
        let groups = await parts.rules.snapshot.map { group in
            WebAPI.RuleGroupStatus(
                name: group.name, file: group.file, intervalMs: group.interval.wholeMilliseconds,
                lastEvaluationAt: group.lastEvaluation, lastDurationMs: group.lastDuration.map { $0.inSeconds * 1000 },
                limit: group.limit > 0 ? group.limit : nil,
                queryOffsetMs: group.queryOffset > .zero ? group.queryOffset.wholeMilliseconds : nil,
                missedEvaluations: group.missedEvaluations, note: group.note, rules: group.rules.map(status))
        }
        return groups.filter { !$0.isShipped } + groups.filter(\.isShipped)
    }

    private func status(of rule: Rules.RuleStatus) -> WebAPI.RuleStatus {
        WebAPI.RuleStatus(
            name: rule.name, kind: rule.kind == .alerting ? .alerting : .recording, expression: rule.expression,
            printedExpression: rule.printedExpression == rule.expression ? nil : rule.printedExpression,
            holdMs: rule.hold.wholeMilliseconds, keepFiringMs: rule.keepFiring.wholeMilliseconds, labels: rule.labels,
            annotations: rule.annotations, health: .init(rawValue: rule.health.rawValue) ?? .unknown,
            lastError: rule.lastError, lastEvaluationAt: rule.lastEvaluation,
            lastDurationMs: rule.lastDuration.map { $0.inSeconds * 1000 },
            lastResultCount: rule.lastEvaluation == nil ? nil : rule.lastElementCount,
            state: rule.kind == .alerting ? rule.state : nil, alerts: rule.alerts.map { status(of: $0, rule) })
    }

    func matcher(of selector: String) throws -> @Sendable ([String: String]) -> Bool {
        do {
            let matchers = try Expression.parseSelector(selector)
            return { labels in matchers.allSatisfy { $0.matches(labels[$0.name] ?? "") } }
        } catch {
            throw WebAPI.QueryFault(.badData, "invalid parameter \"match[]\": \(error.summary)")
        }
    }

    func unmatchedSelectors(of expressions: Set<String>) async throws -> [String: [UnmatchedSelector]] {
        let now = parts.clock.now
        if let last = parts.unmatched.withLock({ $0 }), last.expressions == expressions, now >= last.at,
            now - last.at < SiteParts.UnmatchedLook.lifetime
        {
            return last.found
        }
        let found = try await SelectorInspector(parts.reading).unmatched(expressions, at: now).mapValues { selectors in
            selectors.map {
                UnmatchedSelector(selector: $0.selector, isNameUnknown: $0.isNameUnknown, nearestName: $0.nearestName)
            }
        }
        parts.unmatched.withLock { $0 = .init(at: now, expressions: expressions, found: found) }
        return found
    }
}
