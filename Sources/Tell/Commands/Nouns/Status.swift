import ArgumentParser
import Texts
import Units
import WebAPI

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Is everything all right?",
        discussion: """
            Exits with 0 when it is, 1 when something needs attention or could not be measured, 2 when something is critical, \
            and 69 when the daemon does not answer.
            """)

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let summary: StatusSummary = try await daemon.connect().get(APIPath.status)
        try daemon.show(summary, Self.render)
        switch summary.verdict {
        case .ok: return
        case .warning, .unknown: throw EndWith(.failed)
        case .critical: throw EndWith(.critical)
        }
    }

    static func render(_ summary: StatusSummary, to page: inout Page) {
        let t = page.t
        let headline: CommandText =
            switch summary.verdict {
            case .ok: .headlineOK
            case .warning: .headlineWarning
            case .critical: .headlineCritical
            case .unknown: .headlineUnknown
            }
        // The rows below are what is counted: an alert is one of several reasons why a row is not well.
        func count(_ verdict: Verdict) -> Int { summary.areas.count { $0.verdict == verdict } }
        let counts = t(
            .statusRows,
            [
                "critical": count(.critical), "warning": count(.warning), "unknown": count(.unknown),
                "count": summary.areas.count,
            ])
        let alerts = t(
            .statusAlerts,
            ["firing": summary.firingCritical + summary.firingWarning, "pending": summary.pending])
        page.line(
            t(
                .statusLine,
                [
                    "headline": page.styled(t[headline], summary.verdict.style), "host": summary.host,
                    "counts": counts, "alerts": alerts,
                ]))
        page.line()
        page.table(
            [nil, .columnState, .columnSince, nil],
            summary.areas.map { area in
                let name = area.name.isEmpty ? area.kind.rawValue : "\(area.kind.rawValue) \(area.name)"
                let since = area.since.map { (page.now - $0).briefText } ?? ""
                let figures = area.figures.filter { $0.value != nil }.map { $0.text(t) }.joined(separator: ", ")
                let text = [area.reason, figures].filter { !$0.isEmpty }.joined(separator: "; ")
                return [Cell(name, .bold), page.cell(area.verdict), Cell(since, .dim), Cell(text)]
            })
    }
}

struct Alerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Alerts and rules.", subcommands: [List.self, Rules.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show alerts; exits with 3 when one fires.")

        @Flag(name: .long, help: "Those resolved within the last day too.")
        var all = false

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let alerts: [AlertStatus] = try await daemon.connect().get(APIPath.alerts)
            let shown = all ? alerts : alerts.filter { $0.state != .resolved }
            try daemon.show(shown) { alerts, page in
                if alerts.isEmpty {
                    page.line(page.t[.alertsNone])
                    return
                }
                page.table(
                    [.columnAlert, .columnState, .columnSeverity, .columnSince, .columnSummary],
                    alerts.map { alert in
                        [
                            Cell(alert.name, .bold),
                            Cell(page.states[alert.state.word], alert.state == .firing ? .red : .yellow),
                            Cell(alert.severity), Cell(page.age(alert.since), .dim), Cell(Self.text(alert, page)),
                        ]
                    })
            }
            if shown.contains(where: { $0.state == .firing }) { throw EndWith(.findings) }
        }

        /// The summary; of a pending one also what is left of its hold time.
        private static func text(_ alert: AlertStatus, _ page: Page) -> String {
            let summary = alert.annotations["summary"] ?? alert.expression
            return alert.firesIn(at: page.now).map {
                page.t.of(SiteText.self)(.alertFiresIn, ["summary": summary, "span": $0.briefText])
            } ?? summary
        }
    }

    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rules", abstract: "Show the rules with their health.")

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let groups: [RuleGroupStatus] = try await daemon.connect().get(APIPath.rules)
            try daemon.show(groups) { groups, page in
                page.table(
                    [.columnGroup, .columnRule, .columnHealth, .columnState, nil],
                    groups.flatMap { group in
                        group.rules.map { rule in
                            [
                                Cell(group.name, .dim), Cell(rule.name),
                                Cell(page.states[rule.health.word], rule.health == .ok ? .green : .red),
                                Cell(rule.stateWord.map { page.states[$0] } ?? ""),
                                Cell(rule.lastError ?? "", .red),
                            ]
                        }
                    })
            }
            if groups.contains(where: { $0.rules.contains { $0.health == .err } }) { throw EndWith(.findings) }
        }
    }
}
