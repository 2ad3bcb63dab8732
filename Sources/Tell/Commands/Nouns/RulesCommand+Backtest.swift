import ArgumentParser
import Diagnostics
import Texts
import TimeSeriesStore
import Units
import WebAPI

extension RulesCommand {
    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backtest",
            abstract: "Say when alerting rules would have been pending or fired on the stored history.",
            discussion: """
                Asks the daemon for each rule's expression over the time, and lets hold times count as they do live. Where an \
                alert reads what the file itself records, that is worked out first. With --offline the data folder is read \
                without a daemon; ends with 11 while one uses it.
                """)

        @Argument(help: "A Prometheus rule file.")
        var file: String

        @Option(
            name: .long, parsing: .unconditional,
            help: "The begin: RFC 3339, seconds since 1970, or how long ago, as in 6h.")
        var from: String

        @Option(
            name: .long, parsing: .unconditional, help: "The end, written like the begin; without it, now.")
        var to: String?

        @Option(
            name: .long, parsing: .unconditional,
            help: "The time between evaluations; without it, each group's interval.")
        var step: String?

        @Flag(name: .long, help: "Read the samples in the data folder itself.")
        var offline = false

        @OptionGroup var language: LanguageOptions
        @OptionGroup var daemon: DaemonOptions

        func validate() throws { _ = try request() }

        private func request() throws -> BacktestRequest {
            let now = Console.current.now()
            let start = try OptionValue.instant(from, "--from", now: now)
            let end = try to.map { try OptionValue.instant($0, "--to", now: now) } ?? now
            guard start < end else {
                throw ValidationError("The begin is not before the end; write --from 6h, for instance.")
            }
            return BacktestRequest(
                file: file, start: start, end: end, step: try step.map { try OptionValue.span($0, "--step") },
                features: language.features)
        }

        func run() async throws {
            let console = Console.current!
            let request = try request()
            let reports =
                if offline {
                    try await withLockedFolder(dataFolder(daemon.data, console)) { folder in
                        let store = try TimeSeriesStore.open(folder: "\(folder)/series")
                        return try await console.program.rules.backtest(request, on: .store(store))
                    }
                } else {
                    try await console.program.rules.backtest(request, on: try askDaemon())
                }
            try daemon.show(reports) { reports, page in show(reports, &page) }
            if reports.contains(where: { $0.failure != nil }) { throw EndWith(.findings) }
        }

        private func askDaemon() throws -> BacktestPast {
            let connection = try daemon.connect()
            let ask: @Sendable (String) async throws -> [QueryResult.Columns] = { path in
                let body = try await connection.raw("GET", path, body: nil)
                guard
                    case .matrix(let columns)? = try APIJSON.decode(PrometheusReply<QueryResult>.self, from: body).data
                else { return [] }
                return columns
            }
            return .daemon(
                range: { expression, start, end, step in
                    try await ask(
                        "\(APIPath.queryRange)?query=\(APIPath.escaped(expression))&start=\(start.rfc3339)"
                            + "&end=\(end.rfc3339)&step=\(Double(step.wholeMilliseconds) / 1000)")
                },
                samples: { selector, start, end in
                    // A range is open on the left.
                    let length = (end - start).wholeMilliseconds + 1
                    return try await ask(
                        "\(APIPath.query)?query=\(APIPath.escaped("\(selector)[\(length)ms]"))&time=\(end.rfc3339)")
                })
        }

        private func show(_ reports: [BacktestReport], _ page: inout Page) {
            let t = page.t
            let rows: [[Cell]] = reports.flatMap { report in
                report.episodes.map { episode -> [Cell] in
                    let labels = episode.labels.filter { $0.key != "alertname" }.sorted { $0.key < $1.key }
                        .map { "\($0.key)=\($0.value)" }.joined(separator: ",")
                    let lasted = episode.firingMs.map { Duration.milliseconds($0).briefText } ?? ""
                    return [
                        Cell(report.rule, .bold), Cell(episode.pendingAt.rfc3339),
                        Cell(episode.firedAt?.rfc3339 ?? t[.backtestNotFired], episode.firedAt == nil ? .yellow : .red),
                        Cell(episode.endedAt?.rfc3339 ?? t[.backtestOpen]), Cell(lasted), Cell(episode.value),
                        Cell(labels, .dim), Cell(episode.annotations["summary"] ?? ""),
                    ]
                }
            }
            if rows.isEmpty {
                page.line(t[.backtestNone])
            } else {
                page.table(
                    [
                        .columnRule, .columnPending, .columnFired, .columnEnded, .columnFiredFor, .columnValue,
                        .columnLabels, nil,
                    ], rows)
            }
            for report in reports {
                if let failure = report.failure { page.line("\(report.rule): \(failure)", .red) }
            }
        }
    }
}
