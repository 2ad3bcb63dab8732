import ArgumentParser
import Diagnostics
import Outbound
import Synchronization
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
            let connection = offline ? nil : LastingConnection(try daemon.connect())
            let reports =
                if let connection {
                    try await console.program.rules.backtest(request, on: past(of: connection))
                } else {
                    try await withLockedFolder(dataFolder(daemon.data, console)) { folder in
                        let store = try TimeSeriesStore.openForReading(folder: "\(folder)/series")
                        return try await console.program.rules.backtest(request, on: .store(store))
                    }
                }
            // Where nothing could be looked at there is nothing to show but why.
            if let failure = connection?.failure, reports.allSatisfy({ $0.failure != nil }) { throw failure }
            try daemon.show(reports) { reports, page in show(reports, &page) }
            if let failure = connection?.failure { throw failure }
            if reports.contains(where: { $0.failure != nil }) { throw EndWith(.findings) }
        }

        private func past(of connection: LastingConnection) -> BacktestPast {
            let ask: @Sendable (String) async throws -> [QueryResult.Columns] = { path in
                let body = try await connection.get(path)
                guard
                    case .matrix(let columns)? = try APIJSON.decode(PrometheusReply<QueryResult>.self, from: body).data
                else { return [] }
                return columns
            }
            return .daemon(
                range: { expression, start, end, step in
                    try await ask(
                        "\(APIPath.queryRange)?query=\(APIPath.escaped(expression))&start=\(start.rfc3339)"
                            + "&end=\(end.rfc3339)&step=\(step.prometheusText)")
                },
                samples: { selector, start, end in
                    // A range is open on the left.
                    let length = (end - start).wholeMilliseconds + 1
                    return try await ask(
                        "\(APIPath.query)?query=\(APIPath.escaped("\(selector)[\(length)ms]"))&time=\(end.rfc3339)")
                })
        }

        private static func nothingPending(_ reports: [BacktestReport]) -> CommandText? {
            let failed = reports.count { $0.failure != nil }
            return failed == 0 ? .backtestNone : failed < reports.count ? .backtestNoneOther : nil
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
                // What could not be looked at may well have been pending.
                if let text = Self.nothingPending(reports) { page.line(t[text]) }
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

/// Asks until the daemon is gone or lets nobody in; then it says the same to every further question.
private final class LastingConnection: Sendable {
    private let connection: any APIConnection
    private let end = Mutex<(any Failure)?>(nil)

    init(_ connection: any APIConnection) { self.connection = connection }

    /// Why nothing more can be asked; nil while it can be.
    var failure: (any Failure)? { end.withLock { $0 } }

    func get(_ path: String) async throws -> [UInt8] {
        if let failure { throw failure }
        do {
            return try await connection.raw("GET", path, body: nil)
        } catch let failure as any Failure {
            if Self.isLasting(failure) { end.withLock { $0 = $0 ?? failure } }
            throw failure
        }
    }

    /// Whether the failure is one of the way to the daemon, and not of what was asked.
    private static func isLasting(_ failure: any Failure) -> Bool {
        switch failure {
        case is DaemonUnreachable: true
        case let problem as Problem: problem.code == .unauthenticated || problem.code == .forbidden
        case let error as OutboundError: error.code != .bodyTooLarge
        default: false
        }
    }
}
