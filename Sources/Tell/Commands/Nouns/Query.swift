import ArgumentParser
import Series
import Texts
import Units
import WebAPI

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Evaluate a PromQL expression.",
        discussion: """
            Prints one line a series; with --range one line for each sample, its time behind '@' in seconds since 1970 as --time \
            takes it, or a chart with --graph. Exits with 10 when nothing matches.
            """)

    @Argument(help: "The expression, as in 'rate(node_cpu_seconds_total[5m])'.")
    var expression: String

    @Option(
        name: .long, parsing: .unconditional,
        help: "The instant, or the end of the range: RFC 3339, seconds since 1970, or how long ago; without it, now.")
    var time: String?

    @Option(name: .long, parsing: .unconditional, help: "How far back from there, as in 6h.")
    var range: String?

    @Option(
        name: .long, parsing: .unconditional,
        help: "From step to step of the range, as in 1m; without it what fits the terminal.")
    var step: String?

    @Flag(name: .long, help: "Draw a chart; one hour when --range is not given.")
    var graph = false

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        _ = try time.map { try OptionValue.instant($0, "--time", now: Console.current.now()) }
        _ = try range.map { try OptionValue.span($0, "--range") }
        guard let step else { return }
        _ = try OptionValue.span(step, "--step")
        if range == nil, !graph { throw ValidationError("--step is for a range; give --range or --graph too.") }
    }

    func run() async throws {
        let console = Console.current!
        let span = try (range ?? (graph ? "1h" : nil)).map { try OptionValue.span($0, "--range") }
        // The expression goes in the body: it may be longer than an address may be.
        let end = try instant(console)
        let form = try span.map { try rangeForm($0, end, console) } ?? instantForm(end)
        let body = try await daemon.connect().raw(
            "POST", span == nil ? APIPath.query : APIPath.queryRange, body: APIBody(form: form))
        if daemon.output.json {
            console.output(String(decoding: body, as: UTF8.self))
            return
        }
        let reply = try APIJSON.decode(PrometheusReply<QueryResult>.self, from: body)
        let t = console.phrases
        for warning in reply.warnings ?? [] { console.notes(t(.queryWarning, ["text": warning])) }
        if graph, case .matrix(let series)? = reply.data, !series.isEmpty {
            var page = Page(console: console)
            let start = end - (span ?? .zero)
            Chart(
                Self.chartLines(series), over: start.millisecondsSinceEpoch...end.millisecondsSinceEpoch
            ).draw(on: &page, width: console.width)
            page.print()
            return
        }
        let lines = Self.lines(of: reply.data)
        if lines.isEmpty {
            console.notes(t[.queryEmpty])
            throw EndWith(.notFound)
        }
        console.output(lines.joined(separator: "\n"))
    }

    // MARK: Asking

    private func instantForm(_ end: Timestamp) -> [String: String] {
        var form = ["query": expression]
        // Without a time it is the daemon's now.
        if time != nil { form["time"] = Self.seconds(end) }
        return form
    }

    private func rangeForm(_ span: Duration, _ end: Timestamp, _ console: Console) throws -> [String: String] {
        let stepMs =
            try step.map { try OptionValue.span($0, "--step").wholeMilliseconds }
            ?? max(1000, span.wholeMilliseconds / Int64(max(20, 2 * console.width)) / 1000 * 1000)
        return [
            "query": expression, "start": Self.seconds(end - span), "end": Self.seconds(end),
            // Not in seconds: some fractions lie just below their decimal as binary numbers, and the API cuts them.
            "step": Duration.milliseconds(stepMs).prometheusText,
        ]
    }

    private func instant(_ console: Console) throws -> Timestamp {
        try time.map { try OptionValue.instant($0, "--time", now: console.now()) } ?? console.now()
    }

    private static func seconds(_ time: Timestamp) -> String {
        let ms = time.millisecondsSinceEpoch
        let fraction = String(ms.magnitude % 1000 + 1000).dropFirst()
        return "\(ms < 0 ? "-" : "")\(ms.magnitude / 1000).\(fraction)"
    }

    // MARK: Showing

    private static func lines(of result: QueryResult?) -> [String] {
        switch result {
        case .vector(let samples): samples.map { "\(name($0.labels))  \($0.text)" }
        case .matrix(let series):
            series.flatMap { columns in
                columns.times.indices.map { row in
                    "\(name(columns.labels))  \(PrometheusJSON.text(columns.values[row])) @\(PrometheusJSON.seconds(columns.times[row]))"
                }
                    + columns.histograms.map {
                        "\(name(columns.labels))  \($0.text) @\(PrometheusJSON.seconds($0.time))"
                    }
            }
        case .scalar(let value, _): [PrometheusJSON.text(value)]
        case .string(let text, _): [text]
        case nil: []
        }
    }

    /// Lines to draw. The labels that tell them apart come first, since a name is cut where the terminal ends.
    private static func chartLines(_ series: [QueryResult.Columns]) -> [Chart.Line] {
        let first = series.first?.labels ?? [:]
        var telling: Set<ByteText> = []
        for columns in series {
            for label in columns.labels.pairs + first.pairs {
                let (own, other) = (columns.labels[label.name], first[label.name])
                if own.map(ByteText.init) != other.map(ByteText.init) { telling.insert(ByteText(label.name)) }
            }
        }
        return series.map { columns in
            let name = name(columns.labels, first: telling)
            // Of a native histogram a line shows how many observations it counted.
            return columns.times.isEmpty && !columns.histograms.isEmpty
                ? Chart.Line(
                    name: "\(name) count", times: columns.histograms.map(\.time),
                    values: columns.histograms.map(\.count))
                : Chart.Line(name: name, times: columns.times, values: columns.values)
        }
    }

    /// A series as an expression has it, so that it can be asked for again: names that the older rules do not allow in quotation marks. One
    /// without labels is `{}`.
    private static func name(_ labels: Labels, first: Set<ByteText> = []) -> String {
        let metric = labels.name
        let isClassic = metric.isEmpty || Labels.isClassicName(metric, colons: true)
        let pairs = labels.dropping([Labels.metricName]).pairs
        let others =
            pairs.filter { first.contains(ByteText($0.name)) } + pairs.filter { !first.contains(ByteText($0.name)) }
        let inner =
            (isClassic ? [] : [PrometheusJSON.quoted(metric)])
            + others.map { "\(Labels.quotedIfNeeded($0.name))=\(PrometheusJSON.quoted($0.value))" }
        if isClassic, !metric.isEmpty, inner.isEmpty { return metric }
        return "\(isClassic ? metric : ""){\(inner.joined(separator: ", "))}"
    }
}
