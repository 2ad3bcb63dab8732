import Series
import Units

// The evaluator walks the tree once, whatever the number of steps: each node takes columns (one value for each step) and
// gives columns. Labels are matched, grouped and rewritten once for each series instead of once for each step and series.

/// Computes one query over series that were read before.
final class Evaluator {
    let scope: QueryScope
    let series: [[LabelMatcher]: [SeriesColumns]]
    var notes = Notes()
    private let samplesMax: Int
    private var samples = 0

    init(scope: QueryScope, series: [[LabelMatcher]: [SeriesColumns]], samplesMax: Int) {
        self.scope = scope
        self.series = series
        self.samplesMax = samplesMax
    }

    /// Takes `more` values into account.
    func count(_ more: Int) throws {
        samples += more
        guard samples <= samplesMax else {
            throw QueryFault(
                .tooManySamples,
                "query processing would load too many samples into memory in query execution: \(samples), at most \(samplesMax) are allowed"
            )
        }
        try Task.checkCancellation()
    }

    // MARK: The answer

    func answer(_ expression: Expression, over grid: StepGrid) throws -> QueryResult.Value {
        let time = Timestamp(millisecondsSinceEpoch: grid.start)
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
                        .map { QueryResult.Sample(labels: $0.labels, value: $0.values[0], timestamp: time) })
            }
            let rows = finished.compactMap { column in self.points(column, grid) }
            return .matrix(rows.sorted { $0.labels < $1.labels })
        }
    }

    private func points(_ column: Column, _ grid: StepGrid) -> SeriesColumns? {
        let present = column.values.indices.filter { column.isPresent($0) }
        guard !present.isEmpty else { return nil }
        return SeriesColumns(
            labels: column.labels, times: present.map { grid[$0] }, values: present.map { column.values[$0] })
    }

    private func rawSamples(_ windowed: WindowedSeries) throws -> [SeriesColumns] {
        let end = windowed.moments[0]
        let rows = windowed.rows.compactMap { row -> SeriesColumns? in
            let kept = row.times.indices.filter { row.times[$0] > end - windowed.rangeMs && row.times[$0] <= end }
            guard !kept.isEmpty else { return nil }
            let labels = row.dropsName ? row.labels.dropping([Labels.metricName]) : row.labels
            return SeriesColumns(labels: labels, times: kept.map { row.times[$0] }, values: kept.map { row.values[$0] })
        }
        return rows.sorted { $0.labels < $1.labels }
    }

    private func finish(_ columns: [Column]) throws -> [Column] {
        guard columns.contains(where: \.dropsName) else { return columns }
        return try merged(
            columns.map { column in
                var column = column
                if column.dropsName { column.labels[Labels.metricName] = nil }
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
        for index in columns.indices { columns[index].labels[Labels.metricName] = nil }
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
                result[place].values[step] = column.values[step]
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
            return .vector(try latest(selector, over: grid) { _, value in value })
        case .signed(let signed):
            let inner = try evaluate(signed.inner, over: grid)
            guard signed.isNegative else { return inner }
            return try map(inner) { -$0 }
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

    /// Every value changed by `change`, names dropped.
    func map(_ values: StepValues, _ change: (Double) -> Double) throws -> StepValues {
        switch values {
        case .scalar(let numbers): return .scalar(numbers.map(change))
        case .vector(let columns): return .vector(try withoutName(columns.map { mapped($0) { change($1) } }))
        case .string: preconditionFailure("a string has no arithmetic")
        }
    }

    func mapped(_ column: Column, _ change: (Int, Double) -> Double) -> Column {
        var column = column
        for step in column.values.indices where column.isPresent(step) {
            column.values[step] = change(step, column.values[step])
        }
        return column
    }
}
