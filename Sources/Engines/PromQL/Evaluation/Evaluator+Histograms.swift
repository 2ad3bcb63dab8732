import Series

// Quantiles and fractions of classic histograms, one for each set of series that differ in `le` alone, and of native ones, one
// for each series. Where both stand side by side under one name and set of labels, neither is looked at.

/// The buckets of one histogram: labels without `le`, and the column of each bucket.
private struct BucketSet {
    var labels: Labels
    var members: [(bound: Double, column: Int)] = []
    /// The column of the native histogram of the same labels.
    var native: Int?
    var dropsName: Bool
}

extension Evaluator {
    /// `histogram_avg`, `_count`, `_sum`, `_stddev` and `_stdvar`. Numbers are left out.
    func histogramStatistics(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        var results: [Column] = []
        for column in try vector(call.arguments[0], over: grid) where column.hasHistograms {
            var result = column.blank
            for step in 0..<grid.count {
                guard let histogram = column.histogram(step) else { continue }
                result.values[step] =
                    switch call.function {
                    case .histogramCount: histogram.count
                    case .histogramSum: histogram.sum
                    case .histogramAvg: histogram.sum / histogram.count
                    case .histogramStddev: histogram.variance.squareRoot()
                    default: histogram.variance
                    }
            }
            results.append(result)
        }
        return try withoutName(results, over: grid)
    }

    func histogram(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let arguments = call.arguments
        let place = call.function.signature.parameters.firstIndex(of: .instantVector)!
        let span = arguments[place].span
        let columns = try vector(arguments[place], over: grid)
        let sets = bucketSets(columns, span)
        let numbers = try arguments.filter { $0.type == .scalar }.map { try scalar($0, over: grid) }
        var results: [Column] = []
        switch call.function {
        case .histogramFraction:
            for set in sets {
                let name = set.labels.name
                let result = try column(set, columns, span, grid) { step, buckets in
                    bucketFraction(numbers[0][step], numbers[1][step], buckets)
                } native: { step, histogram in
                    if histogram.hasNaNObservations, !histogram.isCustom, histogram.count != 0 {
                        inform(
                            "input to histogram_fraction has NaN observations, which are excluded from all fractions"
                                + metricNote(name), span)
                    }
                    return histogram.fraction(numbers[0][step], numbers[1][step])
                }
                results.append(result)
            }
        case .histogramQuantile:
            results = try quantiles(sets, columns, numbers[0], arguments[0], span, grid)
        default:
            guard numbers.count <= 10 else {
                throw QueryFault(
                    .execution,
                    "expected at most 10 quantiles in call to \"histogram_quantiles\", got \(numbers.count)",
                    span: call.span)
            }
            let label = string(arguments[1])
            for (index, phi) in numbers.enumerated() {
                let quantiles = try quantiles(sets, columns, phi, arguments[index + 2], span, grid)
                results += try quantiles.flatMap { try labelled($0, label, phi) }
            }
            results = try merged(results, over: grid)
        }
        results = try withoutName(results.filter { !$0.isEmpty })
        // No series of several gives a histogram its place: an aggregation takes histograms in the order of their labels.
        guard grid.orderUse == .aggregation else { return results }
        for index in results.indices { results[index].ranks = [] }
        return results.sorted { $0.labels < $1.labels }
    }

    private func quantiles(
        _ sets: [BucketSet], _ columns: [Column], _ phi: [Double], _ parameter: Expression, _ span: SourceSpan,
        _ grid: StepGrid
    ) throws -> [Column] {
        warnOfQuantiles(phi, parameter.span)
        return try sets.map { set in
            try column(set, columns, span, grid) { step, buckets in
                let (value, wasForced) = bucketQuantile(phi[step], buckets)
                if wasForced { noteForced(set.labels.name, span) }
                return value
            } native: { step, histogram in
                let (value, note) = histogram.quantile(phi[step])
                let name = metricNote(set.labels.name)
                switch note {
                case .none: break
                case .resultIsNaN:
                    inform("input to histogram_quantile has NaN observations, result is NaN\(name)", span)
                case .skewedHigher:
                    inform("input to histogram_quantile has NaN observations, result is skewed higher\(name)", span)
                }
                return value
            }
        }
    }

    /// `column` with the quantile as a label, which may differ from step to step.
    private func labelled(_ column: Column, _ label: StringLiteral, _ phi: [Double]) throws -> [Column] {
        guard label.isUTF8, !label.bytes.isEmpty else {
            throw QueryFault(.execution, "invalid label name \(goQuoted(bytes: label.bytes))", span: label.span)
        }
        var parts: [String: Column] = [:]
        for step in column.values.indices where column.isPresent(step) {
            var text = goNumber(phi[step])
            if phi[step].isFinite, !text.contains(".") { text += ".0" }
            var part = parts[text] ?? mapped(column) { _, _ in absent }
            part.labels[label.value] = text
            part.values[step] = column.values[step]
            parts[text] = part
        }
        return Array(parts.values)
    }

    private func column(
        _ set: BucketSet, _ columns: [Column], _ span: SourceSpan, _ grid: StepGrid,
        _ classic: (Int, [Bucket]) -> Double, native: (Int, Histogram) -> Double
    ) throws -> Column {
        try count(grid.count)
        var values = [Double](repeating: absent, count: grid.count)
        for step in 0..<grid.count {
            let buckets = set.members.compactMap { member -> Bucket? in
                guard columns[member.column].isNumber(step) else { return nil }
                return Bucket(upperBound: member.bound, count: columns[member.column].values[step])
            }
            let histogram = set.native.flatMap { columns[$0].histogram(step) }
            if histogram != nil, !buckets.isEmpty {
                warn(
                    "vector contains a mix of classic and native histograms\(metricNote(set.labels.name))", span)
            } else if let histogram {
                values[step] = native(step, histogram)
            } else if !buckets.isEmpty {
                values[step] = classic(step, buckets)
            }
        }
        return Column(labels: set.labels, values: values, dropsName: set.dropsName)
    }

    private func bucketSets(_ columns: [Column], _ span: SourceSpan) -> [BucketSet] {
        var places: [Labels: Int] = [:]
        var sets: [BucketSet] = []
        func place(_ labels: Labels, _ dropsName: Bool) -> Int {
            if let place = places[labels] { return place }
            places[labels] = sets.count
            sets.append(BucketSet(labels: labels, dropsName: dropsName))
            return sets.count - 1
        }
        for (index, column) in columns.enumerated() {
            if column.hasHistograms { sets[place(column.labels, column.dropsName)].native = index }
            guard column.values.contains(where: { !$0.isStaleMarker }) else { continue }
            let text = column.labels["le"] ?? ""
            guard let bound = parsedBound(text) else {
                warn(
                    "bucket label \"le\" is missing or has a malformed value of \(goQuoted(text))"
                        + metricNote(column.labels.name), span)
                continue
            }
            sets[place(column.labels.dropping(["le"]), column.dropsName)].members.append((bound, index))
        }
        return sets
    }

    private func metricNote(_ name: String) -> String { name.isEmpty ? "" : " for metric name \(goQuoted(name))" }

    private func noteForced(_ name: String, _ span: SourceSpan) {
        inform(
            "input to histogram_quantile needed to be fixed for monotonicity (see "
                + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
                + metricNote(name), span)
    }
}

func parsedBound(_ text: String) -> Double? {
    switch text.lowercased() {
    case "+inf", "inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    case "": nil
    default: Double(text.hasPrefix(".") ? "0" + text : text.hasPrefix("-.") ? "-0" + text.dropFirst() : text)
    }
}
