import ArgumentParser
import Diagnostics
import Texts
import TimeSeriesStore
import Units
import WebAPI

extension RulesCommand {
    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say when alerting rules would have been pending or fired on the stored history.",
            discussion: """
                Asks the daemon for each rule's expression over the time, and lets hold times count as they do live. Where an \
                alert reads what the file itself records, that is worked out first. With --offline the data folder is read \
                without a daemon; ends with 11 while one uses it.
                """)

        @Argument(help: "A Prometheus rule file.")
        var file: String

        @Option(name: .long, help: "The begin: RFC 3339, seconds since 1970, or how long ago, as in 6h.")
        var from: String

        @Option(name: .long, help: "The end, written like the begin; without it, now.")
        var to: String?

        @Option(name: .long, help: "The time between evaluations; without it, each group's interval.")
        var step: String?

        @Flag(name: .long, help: "Read the samples in the data folder itself.")
        var offline = false

        @OptionGroup var language: LanguageOptions
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let console = Console.current!
            let end = try to.map { try instant($0, "--to") } ?? console.now()
            let start = try instant(from, "--from")
            guard start < end else {
                throw PlainFailure("usage", "the begin is not before the end", hint: "Write --from 6h, for instance.")
            }
            let request = BacktestRequest(
                file: file, start: start, end: end, step: try step.map(span), features: language.features)
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

        private func instant(_ text: String, _ option: String) throws -> Timestamp {
            if let time = Timestamp(rfc3339: text) { return time }
            if let span = Duration(prometheusText: text) { return Console.current.now() - span }
            if let seconds = Double(text), seconds.magnitude < 9e12 { return Timestamp(secondsSinceEpoch: seconds) }
            throw PlainFailure(
                "usage", "\(option) '\(text)' is no time",
                hint: "Write it like 2026-01-31T12:00:00Z, or 6h for six hours ago.")
        }

        private func span(_ text: String) throws -> Duration {
            guard let span = Duration(prometheusText: text), span > .zero else {
                throw PlainFailure("usage", "--step '\(text)' is no duration", hint: "Write it like 15s or 1m.")
            }
            return span
        }
    }
}
