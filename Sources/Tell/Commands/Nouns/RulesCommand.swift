import ArgumentParser
import Diagnostics
import Texts
import Units
import WebAPI

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Rules: list, check, test and try them on the past.",
        subcommands: [List.self, CheckFiles.self, TestFiles.self, Backtest.self], defaultSubcommand: List.self)

    struct LanguageOptions: ParsableArguments {
        @Option(
            name: .long,
            help: ArgumentHelp(
                "A part of the language that the daemon's setting queries.features allows; may be repeated.",
                valueName: "feature"))
        var enableFeature: [String] = []

        /// promtool takes several names between commas.
        var features: [String] { enableFeature.flatMap { $0.split(separator: ",").map(String.init) } }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the rules with their last evaluation, and those that match no series.",
            discussion: "Exits with 3 when a rule cannot be evaluated.")

        @Flag(name: .long, help: "Only rules that fail or that match no series.")
        var problems = false

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            var groups: [RuleGroupStatus] = try await daemon.connect().get(APIPath.rules)
            if problems {
                for index in groups.indices {
                    groups[index].rules.removeAll { $0.health != .err && $0.unmatched?.isEmpty != false }
                }
                groups.removeAll { $0.rules.isEmpty }
            }
            try daemon.show(groups) { groups, page in
                let rows: [[Cell]] = groups.flatMap { group in group.rules.map { rule in row(group, rule, page) } }
                page.table(
                    [
                        .columnGroup, .columnRule, .columnHealth, .columnState, .columnResults, .columnTook,
                        .columnLast, nil,
                    ], rows)
                let unmatched: [[Cell]] = groups.flatMap { group in group.rules.flatMap { missing($0, page.t) } }
                guard !unmatched.isEmpty else { return }
                page.line()
                page.table([.columnRule, .columnSelector, nil], unmatched)
            }
            if groups.contains(where: { $0.rules.contains { $0.health == .err } }) { throw EndWith(.findings) }
        }

        private func row(_ group: RuleGroupStatus, _ rule: RuleStatus, _ page: Page) -> [Cell] {
            [
                Cell(group.name, .dim), Cell(rule.name),
                Cell(page.states[rule.health.word], rule.health == .ok ? .green : .red),
                Cell(
                    rule.stateWord.map { page.states[$0] } ?? "", rule.stateWord == .alertFiring ? .red : .plain),
                Cell(rule.lastResultCount.map { "\($0)" } ?? ""),
                Cell(rule.lastDurationMs.map { "\($0.shortText(significantDigits: 3)) ms" } ?? ""),
                Cell(rule.lastEvaluationAt.map { page.age($0) } ?? "", .dim), Cell(rule.lastError ?? "", .red),
            ]
        }

        private func missing(_ rule: RuleStatus, _ t: Phrases<CommandText>) -> [[Cell]] {
            (rule.unmatched ?? []).map { selector in
                let reason: String =
                    switch (selector.isNameUnknown, selector.nearestName) {
                    case (true, let nearest?): t(.selectorNearest, ["name": nearest])
                    case (true, nil): t[.selectorNameUnknown]
                    case (false, _): t[.selectorUnmatched]
                    }
                return [Cell(rule.name), Cell(selector.selector), Cell(reason, .yellow)]
            }
        }
    }

    struct CheckFiles: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Say whether the daemon would take rule files.",
            discussion: "Exits with 78 when one is invalid, with 3 when one has something that is likely a mistake.")

        @Argument(help: "Prometheus rule files.")
        var files: [String]

        @OptionGroup var language: LanguageOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console.current!
            let reports = try await console.program.rules.check(files, features: language.features)
            if output.json {
                console.output(String(decoding: try APIJSON.encode(reports), as: UTF8.self))
            } else {
                for report in reports { show(report, console) }
            }
            if reports.contains(where: { !$0.faults.isEmpty }) { throw EndWith(.configurationInvalid) }
            if reports.contains(where: { !$0.findings.isEmpty }) { throw EndWith(.findings) }
        }

        /// As promtool says it.
        private func show(_ report: RuleFileReport, _ console: Console) {
            console.output("Checking \(report.file)")
            if report.faults.isEmpty {
                let count = report.alertingCount + report.recordingCount
                console.output("  SUCCESS: \(count) rules found")
            } else {
                console.notes("  FAILED:")
                for fault in report.faults { console.notes(fault) }
            }
            for finding in report.findings { console.output("  \(finding)") }
            console.output("")
        }
    }

    struct TestFiles: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Run unit tests of rules.",
            discussion: """
                The files are those of 'promtool test rules'. Exits with 1 when a test fails, with 78 when a file is invalid.
                """)

        @Argument(help: "Files of unit tests.")
        var files: [String]

        @OptionGroup var language: LanguageOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console.current!
            let reports = try await console.program.rules.test(files, features: language.features)
            if output.json {
                console.output(String(decoding: try APIJSON.encode(reports), as: UTF8.self))
            } else {
                for report in reports { show(report, console) }
            }
            if reports.contains(where: \.isInvalid) { throw EndWith(.configurationInvalid) }
            if reports.contains(where: { !$0.failures.isEmpty }) { throw EndWith(.failed) }
        }

        private func show(_ report: RuleTestReport, _ console: Console) {
            console.output("Unit Testing:  \(report.file)")
            for warning in report.warnings { console.notes("  WARNING: \(warning)") }
            if report.failures.isEmpty {
                console.output("  SUCCESS")
            } else {
                console.notes("  FAILED:")
                for failure in report.failures { console.notes("\(failure)\n") }
            }
            console.output("")
        }
    }
}
