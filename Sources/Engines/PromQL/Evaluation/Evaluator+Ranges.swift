import Series
import Units

extension Evaluator {
    func rangeCall(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let function = call.function
        let place = function.signature.parameters.firstIndex(of: .rangeVector)!
        let windowed = try windowed(call.arguments[place], over: grid)
        noteCoarseSamples(call, windowed)
        var columns: [Column]
        if let edges = windowed.edges {
            columns = try extendedCall(call, readingSteps(of: windowed, for: function), edges, grid)
        } else {
            let numbers = try call.arguments.enumerated().filter { $0.offset != place }
                .map { try scalar($0.element, over: grid) }
            columns = try overSteps(call, windowed, numbers, grid)
        }
        if function == .rate || function == .increase { noteGauges(columns, call) }
        if function == .lastOverTime || function == .firstOverTime { return columns }
        return try withoutName(columns, over: grid)
    }

    /// Says where windows are too short for samples that stand for a step each: most would hold too few, and an empty answer would look
    /// as if there had been nothing. And where a function would have had another answer from the samples that are gone.
    private func noteCoarseSamples(_ call: FunctionCall, _ windowed: WindowedSeries) {
        let needed: Int64 =
            switch call.function {
            case .rate, .increase, .delta, .irate, .idelta, .deriv, .predictLinear, .doubleExponentialSmoothing,
                .changes, .resets:
                2
            default: 1
            }
        let start = windowed.moments.first - windowed.rangeMs
        for row in windowed.rows where !row.coarse.isEmpty {
            guard let first = row.times.first, let stretch = row.coarse.first(where: { first < $0.before }),
                stretch.before > start
            else { continue }
            let step = Duration.milliseconds(stretch.step).prometheusText
            if call.function.needsEverySample(hasFigures: row.figures != nil) {
                inform(
                    "\(call.function.rawValue) sees one sample each \(step) where samples were downsampled: "
                        + goQuoted(row.labels.name), call.arguments[0].span)
            }
            guard windowed.rangeMs < needed * stretch.step else { continue }
            let range = Duration.milliseconds(windowed.rangeMs).prometheusText
            let enough = Duration.milliseconds(needed * stretch.step).prometheusText
            warn(
                "a range of \(range) is too short for samples that were downsampled to one each \(step), take at least "
                    + "\(enough): \(goQuoted(row.labels.name))", call.arguments[0].span)
        }
    }

    func overWindows(
        _ call: FunctionCall, _ windowed: WindowedSeries, _ numbers: [[Double]], _ grid: StepGrid
    ) throws -> [Column] {
        let function = call.function
        if windowed.moments.fixed == nil, windowed.rows.allSatisfy(\.histograms.isEmpty) {
            switch function {
            case .predictLinear: return try regressionColumns(windowed, grid, ahead: numbers[0])
            case .deriv: return try regressionColumns(windowed, grid, ahead: nil)
            case .quantileOverTime:
                warnOfQuantiles(numbers[0], call.arguments[0].span)
                let shares = numbers[0]
                return try eachWindow(windowed, grid) { window, step in
                    var values = Array(window.values[window.from..<window.to])
                    return quantile(shares[step], of: &values)
                }
            case .doubleExponentialSmoothing: break
            default:
                if let sliding = try slidingColumns(function, windowed, grid) { return sliding }
                let rangeMs = windowed.rangeMs
                return try eachWindow(windowed, grid) { window, _ in window.evaluate(function, rangeMs: rangeMs) }
            }
        }
        let body: (inout Window, Int) throws -> Double
        var isSteady = false
        switch function {
        case .quantileOverTime:
            warnOfQuantiles(numbers[0], call.arguments[0].span)
            body = { window, step in
                var values = Array(window.values[window.from..<window.to])
                return quantile(numbers[0][step], of: &values)
            }
        case .predictLinear:
            body = { window, step in
                guard window.count >= 2 else { return absent }
                let line = linearRegression(window.times, window.values, window.from, window.to, origin: window.now)
                return line.slope * numbers[0][step] + line.intercept
            }
        case .doubleExponentialSmoothing:
            body = { window, step in
                for (name, short, factor) in [
                    ("smoothing", "sf", numbers[0][step]), ("trend", "tf", numbers[1][step]),
                ] where factor <= 0 || factor >= 1 {
                    throw QueryFault(
                        .execution, "invalid \(name) factor. Expected: 0 < \(short) < 1, got: \(goFixed(factor))",
                        span: call.span)
                }
                return window.doubleExponentialSmoothing(numbers[0][step], numbers[1][step])
            }
        default:
            isSteady = true
            body = { window, _ in window.evaluate(function, rangeMs: windowed.rangeMs) }
        }
        var columns: [Column] = []
        for index in windowed.rows.indices {
            var one = windowed
            one.rows = [windowed.rows[index]]
            let name = one.rows[0].labels.name
            var notes: [WindowNote] = []
            let note: (WindowNote) -> Void = { if !notes.contains($0) { notes.append($0) } }
            columns += try overWindows(one, grid, isSteady: isSteady, body) { window, step in
                if isSteady { return window.evaluate(function, rangeMs: windowed.rangeMs, note) }
                var thrown: (any Error)?
                let value = window.numbersOnly(note) { numbers in
                    do {
                        return try body(&numbers, step)
                    } catch {
                        thrown = error
                        return absent
                    }
                }
                if let thrown { throw thrown }
                return value
            }
            for note in notes { tell(note, name, call.arguments[0].span) }
        }
        return columns
    }

    private func tell(_ note: WindowNote, _ metric: String, _ span: SourceSpan) {
        let name = goQuoted(metric)
        switch note {
        case .mixedWarning: warn("encountered a mix of histograms and floats for metric name \(name)", span)
        case .ignoredInfo:
            inform(
                "ignored histograms in a range containing both floats and histograms for metric name \(name)", span)
        case .notCounter: warn("this native histogram metric is not a counter: \(name)", span)
        case .notGauge: warn("this native histogram metric is not a gauge: \(name)", span)
        case .incompatibleSchemas:
            warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name \(name)",
                span)
        case .reconciledBounds(let operation):
            inform("mismatched custom buckets were reconciled during \(operation)", span)
        case .hintCollision: warn("conflicting counter resets during histogram aggregation", span)
        }
    }

    /// Says which metrics do not look like counters, of those that gave a number.
    private func noteGauges(_ columns: [Column], _ call: FunctionCall) {
        var told: Set<String> = []
        for column in columns {
            let name = column.labels.name
            guard !name.isEmpty else { continue }
            if scope.features.contains(.typeAndUnitLabels) {
                let type = column.labels["__type__"] ?? ""
                guard type != "counter", type != "histogram", told.insert(name + "\0" + type).inserted,
                    column.values.contains(where: { !$0.isStaleMarker })
                else { continue }
                inform(
                    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got "
                        + "\(goQuoted(type)): \(goQuoted(name))", call.arguments[0].span)
            } else {
                guard !["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix),
                    !told.contains(name), column.values.contains(where: { !$0.isStaleMarker })
                else { continue }
                told.insert(name)
                inform(
                    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \(goQuoted(name))",
                    call.arguments[0].span)
            }
        }
    }
}
