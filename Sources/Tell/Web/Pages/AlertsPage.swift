import Texts
import Units
import WebAPI

extension WebSite {
    static func alerts(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        async let groups = site.service.ruleGroups()
        let alerts = try await site.service.alerts()
        let layout = Layout(context: context, title: context.t[.navAlerts], section: .alerts, live: [.alerts])
        let t = context.t
        func list(_ state: AlertStatus.State, _ title: String, _ empty: String) -> Markup {
            let rows = alerts.filter { $0.state == state }.sorted(by: AlertOrder.isBefore).map(context.alertRow)
            return """
                <section><h2>\(title)</h2>\(context.table(
                    title, [t[.columnSeverity], t[.columnAlert], t[.columnSince], t[.columnValue]], rows, empty: empty))</section>
                """
        }
        let lists =
            list(.firing, t[.firingTitle], t[.noneFiring]) + list(.pending, t[.pendingTitle], t[.nonePending])
            + list(.resolved, t[.resolvedTitle], t[.noneResolved])
        return .html(
            layout.page(
                """
                <h1>\(t[.navAlerts])</h1>
                \(context.part("alerts", lists))
                <section><h2><a href="/rules">\(t[.rulesTitle])</a></h2>\(context.ruleGroups(try await groups))</section>
                """))
    }
}

extension PageContext {
    func severity(_ severity: String) -> Markup {
        switch AlertOrder.weight(severity) {
        case 2: Self.badge("critical", "✕", severity)
        case 1: Self.badge("warning", "▲", severity)
        default: Self.badge("unknown", "•", severity.isEmpty ? t[.noSeverity] : severity)
        }
    }

    func alertRow(_ alert: AlertStatus) -> Markup {
        var text = alert.annotations["summary"] ?? alert.annotations["description"] ?? ""
        if let span = alert.firesIn(at: now) {
            let summary = text.isEmpty ? alert.expression : text
            text = t.of(SiteText.self)(.alertFiresIn, ["summary": summary, "span": span.briefText])
        }
        let more: Markup =
            alert.annotations["summary"] == nil
            ? "" : alert.annotations["description"].map { "<span class=\"sub\">\($0)</span>" } ?? ""
        let runbook: Markup =
            alert.annotations["runbook_url"].map { " <a href=\"\(link: $0)\" rel=\"noreferrer\">\(t[.runbook])</a>" }
            ?? ""
        let ended: Markup =
            alert.state == .resolved ? "<span class=\"sub\">\(t[.resolvedWord]) \(ago(alert.resolvedAt))</span>" : ""
        return """
            <tr><td>\(severity(alert.severity))</td>\
            <td><b>\(alert.name)</b>\(runbook)<br>\(text)\(more)<span class="sub">\(labels(alert.labels))</span></td>\
            <td>\(ago(alert.since))\(ended)</td>\
            <td class="num">\(measured(alert.value, .none, query: alert.expression))</td></tr>
            """
    }

    fileprivate func ruleGroups(_ groups: [RuleGroupStatus]) -> Markup {
        guard !groups.isEmpty else { return "<p class=\"empty\">\(t[.noRules])</p>" }
        return groups.map { group in
            let hasFault = group.rules.contains { $0.health == .err }
            let isActive = group.rules.contains { $0.state == "firing" || $0.state == "pending" }
            let open: Markup = hasFault || isActive ? " open" : ""
            let rows = group.rules.map(ruleRow)
            let columns = [t[.columnState], t[.columnRule], t[.columnExpression], t[.columnHold]]
            return """
                <details class="group"\(open)><summary><b>\(group.name)</b> <span class="muted">\(group.file) · \
                \(t(.ruleCount, ["count": group.rules.count])) · \(t[.everySpan]) \(span(ms: group.intervalMs)) · \
                \(t[.lastRead]) \(ago(group.lastEvaluationAt))</span></summary>
                \(table(group.name, columns, rows, empty: t[.noRules]))</details>
                """ as Markup
        }.joined()
    }

    func ruleState(_ rule: RuleStatus) -> Markup {
        switch (rule.health, rule.state) {
        case (.err, _): Self.badge("unknown", "?", t[.ruleFailing])
        case (.unknown, _): verdict(.unknown)
        case (_, "firing"): Self.badge("critical", "✕", t[.stateFiring])
        case (_, "pending"): Self.badge("warning", "▲", t[.statePending])
        case (_, nil): Self.badge("quiet", "•", t[.stateRecording])
        default: Self.badge("ok", "✓", t[.stateInactive])
        }
    }

    private func ruleRow(_ rule: RuleStatus) -> Markup {
        let error: Markup = rule.lastError.map { "<span class=\"sub fault\">\($0)</span>" } ?? ""
        return """
            <tr><td>\(ruleState(rule))</td><td>\(rule.name)\(error)</td>\
            <td><a class="code" href="\(link: "/query?expr=\(APIPath.escaped(rule.expression))")">\(rule.expression)</a></td>\
            <td>\(rule.holdMs > 0 ? span(ms: rule.holdMs) : "–")</td></tr>
            """
    }
}
