import Diagnostics
import Logging
import Texts
import Units
import WebAPI

extension WebSite {
    /// The groups, with what each rule's selectors miss.
    func inspectedRuleGroups() async throws -> [RuleGroupStatus] {
        var groups = try await service.ruleGroups()
        let found: [String: [UnmatchedSelector]]
        do {
            found = try await service.unmatchedSelectors(of: Set(groups.flatMap(\.rules).map(\.expression)))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The store cannot be asked just now. Each rule says so itself; what matches nothing is not known, and not said.
            logger.warning("rules: what matches no series could not be looked up: \(describe(error))")
            return groups
        }
        for group in groups.indices {
            for rule in groups[group].rules.indices {
                groups[group].rules[rule].unmatched = found[groups[group].rules[rule].expression] ?? []
            }
        }
        return groups
    }

    static func rules(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let groups = try await site.inspectedRuleGroups()
        let layout = Layout(context: context, title: context.t[.rulesTitle], section: .alerts, live: [.alerts])
        return .html(
            layout.page(
                """
                <h1>\(context.t[.rulesTitle])</h1>
                \(context.part("rules", context.rulesWithoutSeries(groups) + context.ruleTables(groups)))
                """))
    }
}

extension PageContext {
    /// The rules that can never fire as things stand, above all others.
    fileprivate func rulesWithoutSeries(_ groups: [RuleGroupStatus]) -> Markup {
        let own = rulesWithoutSeries(groups.filter { !$0.isShipped }, t[.rulesWithoutSeries])
        let shipped = rulesWithoutSeries(groups.filter(\.isShipped), t[.rulesWithoutSeries])
        guard own.count + shipped.count > 0 else { return "" }
        // Those that come with the program mostly speak of what is not watched here: whoever looks for a slip of their own need not read them.
        let further: Markup =
            shipped.count == 0
            ? ""
            : """
            <details class="group"><summary>\(t(.shippedRuleCount, ["count": shipped.count]))</summary>\(shipped.table)</details>
            """
        return """
            <section><h2>\(t[.rulesWithoutSeries])</h2><p class="muted">\(t[.rulesWithoutSeriesExplained])</p>\(own.table)\(further)</section>
            """
    }

    private func rulesWithoutSeries(_ groups: [RuleGroupStatus], _ title: String) -> (count: Int, table: Markup) {
        let rows = groups.flatMap { group in
            group.rules.filter { $0.unmatched?.isEmpty == false }.map { rule in
                """
                <tr><td>\(group.name)</td><td>\(rule.name)</td><td>\(missing(rule))</td></tr>
                """ as Markup
            }
        }
        guard !rows.isEmpty else { return (0, "") }
        return (rows.count, table(title, [t[.columnGroup], t[.columnRule], t[.columnMissing]], rows, empty: ""))
    }

    private func missing(_ rule: RuleStatus) -> Markup {
        (rule.unmatched ?? []).map { selector in
            let reason: String =
                switch (selector.isNameUnknown, selector.nearestName) {
                case (true, let nearest?): t(.noMetricButNearest, ["name": nearest])
                case (true, nil): t[.noMetric]
                case (false, _): t[.noSeriesWithLabels]
                }
            return "<div><code>\(selector.selector)</code> <span class=\"muted\">\(reason)</span></div>" as Markup
        }.joined()
    }

    fileprivate func ruleTables(_ groups: [RuleGroupStatus]) -> Markup {
        guard !groups.isEmpty else { return "<p class=\"empty\">\(t[.noRules])</p>" }
        return groups.map { group in
            let missed: Markup =
                (group.missedEvaluations ?? 0) > 0
                ? " · \(t(.missedEvaluations, ["count": group.missedEvaluations ?? 0]))" : ""
            let note: Markup = group.note.map { "<p class=\"fault\">\($0)</p>" } ?? ""
            let columns = [
                t[.columnState], t[.columnRule], t[.columnExpression], t[.columnHold], t[.columnResults],
                t[.columnTook],
                t[.columnLastEvaluation],
            ]
            return """
                <section><h2>\(group.name)</h2><p class="muted">\(group.file) · \
                \(t(.ruleCount, ["count": group.rules.count])) · \(t[.everySpan]) \(span(ms: group.intervalMs)) · \
                \(t[.columnTook]) \(group.lastDurationMs.map(Format.milliseconds) ?? "–")\(missed)</p>\(note)\
                \(table(group.name, columns, group.rules.map(row), empty: t[.noRules]))</section>
                """ as Markup
        }.joined()
    }

    private func row(_ rule: RuleStatus) -> Markup {
        let error: Markup = rule.lastError.map { "<span class=\"sub fault\">\($0)</span>" } ?? ""
        let missed: Markup = rule.unmatched?.isEmpty == false ? "<span class=\"sub\">\(missing(rule))</span>" : ""
        return """
            <tr><td>\(ruleState(rule))</td><td>\(rule.name)<span class="sub">\(labels(rule.labels))</span>\(error)</td>\
            <td><a class="code" href="\(link: "/query?expr=\(APIPath.escaped(rule.expression))")">\(rule.expression)</a>\(missed)</td>\
            <td>\(rule.holdMs > 0 ? span(ms: rule.holdMs) : "–")</td>\
            <td class="num">\(rule.lastResultCount.map { "\($0)" } ?? "–")</td>\
            <td class="num">\(rule.lastDurationMs.map(Format.milliseconds) ?? "–")</td>\
            <td>\(ago(rule.lastEvaluationAt))</td></tr>
            """
    }
}
