import Series
import Units

// The evaluator walks the tree once, whatever the number of steps: each node takes columns (one value for each step) and
// gives columns. Labels are matched, grouped and rewritten once for each series instead of once for each step and series.

/// Computes one query over series that were read before.
final class Evaluator {
    let scope: QueryScope
    let series: [[LabelMatcher]: [SampleRow]]
    /// Of the selectors in `statisticsOnly`: the same series without buckets.
    var statistics: [[LabelMatcher]: [SampleRow]] = [:]
    /// The places of selectors whose histograms are only asked for count and sum.
    private(set) var statisticsOnly: Set<SourceSpan> = []
    var notes: Notes
    private let samplesMax: Int
    let limits: QueryLimits
    private(set) var samples = 0
    private var textBytes = 0

    /// What a histogram counts as, next to a number of 16 bytes with its time.
    static let samplesPerHistogram = 12
    /// What a computed value takes while it is made and handed on, with its time where it comes into the answer.
    static let bytesPerValue = 16

    private let deadline: QueryDeadline
    /// Counts until the clock is read again.
    private var looksLeft = 0

    private let memory: MemoryShare?

    /// - Parameter samplesRead: of `series`, whose memory is counted.
    init(
        scope: QueryScope, series: [[LabelMatcher]: [SampleRow]], limits: QueryLimits, memory: MemoryShare?,
        deadline: QueryDeadline, samplesRead: Int
    ) {
        self.memory = memory
        samples = samplesRead
        self.deadline = deadline
        self.scope = scope
        self.series = series
        self.limits = limits
        samplesMax = limits.samplesMax
        notes = Notes(max: limits.annotationsMax)
    }

    /// Takes `more` values into account, before they are computed.
    func count(_ more: Int) throws {
        let (total, overflow) = samples.addingReportingOverflow(more)
        samples = overflow ? .max : total
        guard samples <= samplesMax else {
            throw Self.tooManySamples(samples, samplesMax)
        }
        try memory?.take(more * Self.bytesPerValue)
        // Ten thousands of series are counted one by one, and reading the clock takes longer than that.
        looksLeft -= 1
        guard looksLeft < 0 else { return try Task.checkCancellation() }
        looksLeft = 15
        try checkTime()
    }

    /// - Throws: `CancellationError` when nobody waits for the answer any more.
    func checkTime() throws { try deadline.check() }

    /// Whether somebody still waits for the answer.
    var goesOn: Bool { !Task.isCancelled && !deadline.isOver }

    static func tooManySamples(_ count: Int, _ limit: Int) -> QueryFault {
        QueryFault(
            .tooManySamples,
            "query processing would load too many samples into memory in query execution: \(count), at most \(limit) are allowed"
        )
    }

    /// Takes the bytes of a text that the query makes into account.
    func count(text: String) throws {
        try checkTime()
        let length = text.utf8.count
        guard length <= limits.labelBytesMax else {
            throw QueryFault(
                .execution, "label value of \(length) bytes is too long, at most \(limits.labelBytesMax) are allowed")
        }
        textBytes += length
        try memory?.take(length)
        guard textBytes <= limits.textBytesMax else {
            throw QueryFault(
                .tooManySamples,
                "query would make more than \(textBytes) bytes of label values, at most \(limits.textBytesMax) are allowed"
            )
        }
    }

    // MARK: The answer

    func answer(_ expression: Expression, over grid: StepGrid) throws -> QueryResult.Value {
        let time = Timestamp(millisecondsSinceEpoch: grid.start)
        statisticsOnly = selectorsWithoutBuckets(expression)
        if expression.type == .rangeVector {
            let windowed = try self.windowed(expression, over: grid)
            return .matrix(try rawSamples(windowed))
        }
        switch try evaluate(expression, over: grid) {
        case .string(let literal):
            return .string(literal.value, at: time)
        case .scalar(let values):
            if scope.isInstant { return .scalar(values[0], at: time) }
            return .matrix([SeriesColumns(labels: [:], times: (0..<grid.count).map { grid[$0] }, values: values)])
        case .vector(let columns):
            let finished = try finish(columns)
            if scope.isInstant {
                return .vector(
                    finished.filter { $0.isPresent(0) }
                        .map { column in
                            QueryResult.Sample(
                                labels: column.labels, value: column.values[0], timestamp: time,
                                histogram: column.histogram(0)?.native)
                        })
            }
            let moments = (0..<grid.count).map { grid[$0] }
            let rows = finished.compactMap { column in self.points(column, moments) }
            return .matrix(rows.sorted { $0.labels < $1.labels })
        }
    }

    private func points(_ column: Column, _ moments: [Int64]) -> SeriesColumns? {
        if !column.hasHistograms, !hasStaleMarker(column.values) {
            // Nothing is missing: the times are the same for all of these.
            return moments.isEmpty
                ? nil : SeriesColumns(labels: column.labels, times: moments, values: column.values)
        }
        let present = column.values.indices.filter { column.isPresent($0) }
        guard !present.isEmpty else { return nil }
        return SampleRow(
            labels: column.labels, times: present.map { moments[$0] }, values: present.map { column.values[$0] },
            histograms: column.histograms.isEmpty ? [] : present.map { column.histograms[$0] }
        ).columns
    }

    private func rawSamples(_ windowed: WindowedSeries) throws -> [SeriesColumns] {
        let end = windowed.moments[0]
        let rows = windowed.rows.compactMap { row -> SeriesColumns? in
            let start = end - windowed.rangeMs
            if let edges = windowed.edges {
                return ExtendedWindow(row, edges, start: start, end: end, lookbackMs: scope.lookbackMs).map { window in
                    let (times, values) = window.points
                    return SeriesColumns(labels: row.labels, times: times, values: values)
                }
            }
            let kept = row.times.indices.filter { row.times[$0] > start && row.times[$0] <= end }
            guard !kept.isEmpty else { return nil }
            var part = row.keeping(kept)
            if row.dropsName { part.labels = row.labels.dropping(reservedLabels) }
            return part.columns
        }
        return rows.sorted { $0.labels < $1.labels }
    }

    private func finish(_ columns: [Column]) throws -> [Column] {
        guard columns.contains(where: \.dropsName) else { return columns }
        return try merged(
            columns.map { column in
                var column = column
                if column.dropsName { column.labels = column.labels.dropping(reservedLabels) }
                return column
            })
    }

    // MARK: Names

    /// `columns` without the metric's name: at once, or marked to lose it at the end of the query.
    func withoutName(_ columns: [Column]) throws -> [Column] {
        var columns = columns
        if scope.delaysNameRemoval {
            for index in columns.indices { columns[index].dropsName = true }
            return columns
        }
        let names = Set(columns.map(\.labels.name))
        for index in columns.indices { columns[index].labels = columns[index].labels.dropping(reservedLabels) }
        // Series of one name differ in another label, so that losing the name cannot make two of them equal.
        return names.count > 1 ? try merged(columns) : columns
    }

    /// Joins columns of equal labels. They may take turns over time but not stand side by side.
    func merged(_ columns: [Column]) throws -> [Column] {
        var result: [Column] = []
        var places: [Labels: Int] = [:]
        for column in columns {
            guard let place = places[column.labels] else {
                places[column.labels] = result.count
                result.append(column)
                continue
            }
            for step in column.values.indices where column.isPresent(step) {
                guard !result[place].isPresent(step) else {
                    throw QueryFault(.execution, "vector cannot contain metrics with the same labelset")
                }
                result[place][step] = column[step]
            }
        }
        return result
    }

    // MARK: Dispatch

    func evaluate(_ expression: Expression, over grid: StepGrid) throws -> StepValues {
        try count(grid.count)
        switch expression {
        case .number(let literal):
            return .scalar([Double](repeating: literal.value, count: grid.count))
        case .string(let literal):
            return .string(literal)
        case .parenthesised(let inner, _):
            return try evaluate(inner, over: grid)
        case .vector(let selector):
            return .vector(try latest(selector, over: grid))
        case .signed(let signed):
            let inner = try evaluate(signed.inner, over: grid)
            return signed.isNegative ? try negated(inner, over: grid) : inner
        case .binary(let binary):
            return try self.binary(binary, over: grid)
        case .aggregation(let aggregation):
            return .vector(try aggregate(aggregation, over: grid))
        case .call(let call):
            return try self.call(call, over: grid)
        case .matrix, .subquery:
            preconditionFailure("a range vector has no value for each step: \(expression)")
        }
    }

    func vector(_ expression: Expression, over grid: StepGrid) throws -> [Column] {
        guard case .vector(let columns) = try evaluate(expression, over: grid) else {
            preconditionFailure("no instant vector: \(expression)")
        }
        return columns
    }

    func scalar(_ expression: Expression, over grid: StepGrid) throws -> [Double] {
        guard case .scalar(let values) = try evaluate(expression, over: grid) else {
            preconditionFailure("no scalar: \(expression)")
        }
        return values
    }

    func string(_ expression: Expression) -> StringLiteral {
        guard case .string(let literal) = expression.bare else { preconditionFailure("no string: \(expression)") }
        return literal
    }

    private func negated(_ values: StepValues, over grid: StepGrid) throws -> StepValues {
        switch values {
        case .scalar(let numbers): return .scalar(numbers.map { -$0 })
        case .vector(let columns):
            return .vector(
                try withoutName(
                    columns.map { column in
                        var negated = mapped(column) { -$1 }
                        if column.hasHistograms {
                            negated.histograms = column.histograms.map { $0?.multiplied(by: -1) }
                        }
                        return negated
                    }, over: grid))
        case .string: preconditionFailure("a string has no arithmetic")
        }
    }

    /// The numbers changed by `change`; histograms are left out.
    func mapped(_ column: Column, _ change: (Int, Double) -> Double) -> Column {
        var column = column
        column.histograms = []
        for step in column.values.indices where column.isNumber(step) {
            column.values[step] = change(step, column.values[step])
        }
        return column
    }
}

/// Labels that say what a metric is rather than which of its series: functions that make another quantity drop them.
let reservedLabels = [Labels.metricName, "__type__", "__unit__"]

/// The selectors whose histograms are only asked for count and sum, so that buckets need not be carried along: those below
/// `histogram_count` and its like with neither an operator nor a subquery between, and no function of buckets above.
private func selectorsWithoutBuckets(_ root: Expression) -> Set<SourceSpan> {
    var found: Set<SourceSpan> = []
    func walk(_ expression: Expression, _ skips: Bool?) {
        var skips = skips
        switch expression {
        case .vector(let selector): if skips == true { found.insert(selector.span) }
        case .matrix(let matrix): if skips == true { found.insert(matrix.selector.span) }
        case .binary: skips = nil
        case .subquery: skips = false
        case .call(let call):
            switch call.function {
            case .histogramCount, .histogramSum, .histogramAvg: skips = skips ?? true
            case .histogramQuantile, .histogramQuantiles, .histogramFraction: skips = false
            default: break
            }
        default: break
        }
        for child in expression.children { walk(child, skips) }
    }
    walk(root, nil)
    return found
}
