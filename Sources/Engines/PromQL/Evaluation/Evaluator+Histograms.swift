import Series

// Quantiles and fractions of classic histograms, one for each set of series that differ in `le` alone.

/// The buckets of one histogram: labels without `le`, and the column of each bucket.
private struct BucketSet {
    var labels: Labels
    var members: [(bound: Double, column: Int)] = []
}

extension Evaluator {
    func histogram(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let arguments = call.arguments
        let place = call.function.signature.parameters.firstIndex(of: .instantVector)!
        let columns = try vector(arguments[place], over: grid)
        let sets = bucketSets(columns, arguments[place].span)
        let numbers = try arguments.filter { $0.type == .scalar }.map { try scalar($0, over: grid) }
        var results: [Column] = []
        switch call.function {
        case .histogramFraction:
            for set in sets {
                results.append(
                    try column(set, columns, grid) { bucketFraction(numbers[0][$0], numbers[1][$0], $1) })
            }
        case .histogramQuantile:
            results = try quantiles(sets, columns, numbers[0], arguments[0], arguments[place], grid)
        default:
            let label = string(arguments[1])
            for (index, phi) in numbers.enumerated() {
                let quantiles = try quantiles(sets, columns, phi, arguments[index + 2], arguments[place], grid)
                results += try quantiles.flatMap { try labelled($0, label, phi) }
            }
            results = try merged(results)
        }
        return try withoutName(results)
    }

    private func quantiles(
        _ sets: [BucketSet], _ columns: [Column], _ phi: [Double], _ parameter: Expression, _ vector: Expression,
        _ grid: StepGrid
    ) throws -> [Column] {
        warnOfQuantiles(phi, parameter.span)
        return try sets.map { set in
            try column(set, columns, grid) { step, buckets in
                let (value, wasForced) = bucketQuantile(phi[step], buckets)
                if wasForced { noteForced(set.labels.name, vector.span) }
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
        _ set: BucketSet, _ columns: [Column], _ grid: StepGrid, _ body: (Int, [Bucket]) -> Double
    ) throws -> Column {
        try count(grid.count)
        var values = [Double](repeating: absent, count: grid.count)
        for step in 0..<grid.count {
            let buckets = set.members.compactMap { member -> Bucket? in
                guard columns[member.column].isPresent(step) else { return nil }
                return Bucket(upperBound: member.bound, count: columns[member.column].values[step])
            }
            if !buckets.isEmpty { values[step] = body(step, buckets) }
        }
        return Column(labels: set.labels, values: values)
    }

    private func bucketSets(_ columns: [Column], _ span: SourceSpan) -> [BucketSet] {
        var places: [Labels: Int] = [:]
        var sets: [BucketSet] = []
        for (index, column) in columns.enumerated() {
            let text = column.labels["le"] ?? ""
            guard let bound = parsedBound(text) else {
                warn(
                    "bucket label \"le\" is missing or has a malformed value of \(goQuoted(text))"
                        + metricNote(column.labels.name), span)
                continue
            }
            let labels = column.labels.dropping(["le"])
            let place = places[labels] ?? sets.count
            if place == sets.count {
                places[labels] = place
                sets.append(BucketSet(labels: labels))
            }
            sets[place].members.append((bound, index))
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

private func parsedBound(_ text: String) -> Double? {
    switch text.lowercased() {
    case "+inf", "inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    case "": nil
    default: Double(text.hasPrefix(".") ? "0" + text : text.hasPrefix("-.") ? "-0" + text.dropFirst() : text)
    }
}
