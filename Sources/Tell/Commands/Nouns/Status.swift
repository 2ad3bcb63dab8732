import ArgumentParser
import Units
import WebAPI

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Is everything all right?",
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
        let headline =
            switch summary.verdict {
            case .ok: "Everything is all right"
            case .warning: "Something needs attention"
            case .critical: "Something is broken"
            case .unknown: "Something could not be measured"
            }
        page.line(
            "\(page.styled(headline, summary.verdict.style)) on \(summary.host): "
                + "\(summary.firingCritical) critical, \(summary.firingWarning) warning, \(summary.pending) pending")
        page.line()
        page.table(
            ["", "STATE", "SINCE", ""],
            summary.areas.map { area in
                let name = area.name.isEmpty ? area.kind.rawValue : "\(area.kind.rawValue) \(area.name)"
                let since = area.since.map { (page.now - $0).briefText } ?? ""
                let figures = area.figures.filter { $0.value != nil }.map(\.text).joined(separator: ", ")
                let text = [area.reason, figures].filter { !$0.isEmpty }.joined(separator: "; ")
                return [Cell(name, .bold), Cell(area.verdict.mark, area.verdict.style), Cell(since, .dim), Cell(text)]
            })
    }
}

struct Alerts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Alerts and rules.", subcommands: [List.self, Rules.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show alerts; exits with 3 when one fires.")

        @Flag(name: .long, help: "Those resolved within the last day too.")
        var all = false

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let alerts: [AlertStatus] = try await daemon.connect().get(APIPath.alerts)
            let shown = all ? alerts : alerts.filter { $0.state != .resolved }
            try daemon.show(shown) { alerts, page in
                if alerts.isEmpty {
                    page.line("no alerts")
                    return
                }
                page.table(
                    ["ALERT", "STATE", "SEVERITY", "SINCE", "SUMMARY"],
                    alerts.map { alert in
                        [
                            Cell(alert.name, .bold),
                            Cell(alert.state.rawValue, alert.state == .firing ? .red : .yellow),
                            Cell(alert.severity), Cell(page.age(alert.activeAt), .dim),
                            Cell(alert.annotations["summary"] ?? alert.expression),
                        ]
                    })
            }
            if shown.contains(where: { $0.state == .firing }) { throw EndWith(.findings) }
        }
    }

    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the rules with their health.")

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let groups: [RuleGroupStatus] = try await daemon.connect().get(APIPath.rules)
            try daemon.show(groups) { groups, page in
                page.table(
                    ["GROUP", "RULE", "HEALTH", "STATE", ""],
                    groups.flatMap { group in
                        group.rules.map { rule in
                            [
                                Cell(group.name, .dim), Cell(rule.name),
                                Cell(rule.health.rawValue, rule.health == .ok ? .green : .red), Cell(rule.state ?? ""),
                                Cell(rule.lastError ?? "", .red),
                            ]
                        }
                    })
            }
            if groups.contains(where: { $0.rules.contains { $0.health == .err } }) { throw EndWith(.findings) }
        }
    }
}
