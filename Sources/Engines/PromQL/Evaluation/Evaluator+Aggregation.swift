import Series

extension Evaluator {
    func aggregate(_ aggregation: Aggregation, over grid: StepGrid) throws -> [Column] {
        var innerGrid = grid
        if aggregation.op.looksAtOrder { innerGrid.orderUse = .aggregation }
        let columns = try vector(aggregation.inner, over: innerGrid)
        var groups: [[Int]] = []
        var keys: [Labels] = []
        var places: [Labels: Int] = [:]
        if aggregation.labels.isEmpty, !aggregation.isWithout, !columns.isEmpty {
            groups = [Array(columns.indices)]
            keys = [groupLabels(columns[0].labels, aggregation)]
        } else {
            for (index, column) in columns.enumerated() {
                // There may be as many labels to group by as fit into a query.
                try checkTime()
                let key = groupLabels(column.labels, aggregation)
                if let place = places[key] {
                    groups[place].append(index)
                } else {
                    places[key] = groups.count
                    groups.append([index])
                    keys.append(key)
                }
            }
        }
        try count(groups.count * grid.count)
        switch aggregation.op {
        case .topk, .bottomk, .limitk:
            return try selected(aggregation, columns, groups, grid)
        case .limitRatio:
            return try sampled(aggregation, columns, grid)
        case .countValues:
            return try valueCounts(aggregation, columns, keys, groups, grid)
        default:
            let phi = try quantileParameter(aggregation, grid)
            var ranks: [[Int32]] = []
            // Groups stand in the order of their first columns, which is that of every step where these have a number.
            let needsRanks =
                groups.count > 1 && seesOrder(grid)
                && (columns.areRanked || groups.contains { hasStaleMarker(columns[$0[0]].values) })
            let results = zip(keys, groups).map { key, members -> Column in
                if needsRanks { ranks.append(firstRanks(members, columns, grid)) }
                // A name that is only waiting to be dropped stays so, whatever grouping kept it.
                let dropsName = members.contains { columns[$0].dropsName } && key[Labels.metricName] != nil
                if members.contains(where: { columns[$0].hasHistograms }) {
                    return reducedWithHistograms(aggregation, key, members, columns, phi, grid)
                }
                let values = reduced(aggregation.op, members, columns, phi, grid)
                return Column(labels: key, values: values, dropsName: dropsName)
            }
            return needsRanks ? results.arranged(by: ranks) : results
        }
    }

    /// At each step where the group's first member stands.
    func firstRanks(_ members: [Int], _ columns: [Column], _ grid: StepGrid) -> [Int32] {
        let areRanked = columns.areRanked
        return (0..<grid.count).map { step in
            if !areRanked {
                return members.first { columns[$0].isPresent(step) }.map { Int32(truncatingIfNeeded: $0) } ?? 0
            }
            return members.lazy.filter { columns[$0].isPresent(step) }.map { columns.rank($0, step) }.min() ?? 0
        }
    }

    /// Those of `members` that are there at `step`, in the order of that step.
    func inOrder(_ members: [Int], _ columns: [Column], at step: Int) -> [Int] {
        let present = members.filter { columns[$0].isPresent(step) }
        return columns.areRanked ? stablySorted(present) { columns.rank($0, step) < columns.rank($1, step) } : present
    }

    // MARK: Histograms among the series

    private func reducedWithHistograms(
        _ aggregation: Aggregation, _ key: Labels, _ members: [Int], _ columns: [Column], _ phi: [Double],
        _ grid: StepGrid
    ) -> Column {
        let op = aggregation.op
        var result = Column(labels: key, values: [Double](repeating: absent, count: grid.count))
        result.dropsName = members.contains { columns[$0].dropsName } && key[Labels.metricName] != nil
        for step in 0..<grid.count {
            var numbers: [Double] = []
            var histograms: [Histogram] = []
            var metric = ""
            for member in inOrder(members, columns, at: step) {
                switch columns[member][step] {
                case .number(let number): numbers.append(number)
                case .histogram(let histogram):
                    histograms.append(histogram)
                    metric = columns[member].labels.name
                case nil: break
                }
            }
            guard !numbers.isEmpty || !histograms.isEmpty else { continue }
            switch op {
            case .count: result.values[step] = Double(numbers.count + histograms.count)
            case .group: result.values[step] = 1
            case .sum, .avg:
                if histograms.isEmpty {
                    result.values[step] = reduce(op, &numbers, phi: 0)
                } else if !numbers.isEmpty {
                    warn("encountered a mix of histograms and floats for aggregation", aggregation.inner.span)
                } else {
                    result[step] = combined(aggregation, histograms, metric).map { .histogram($0) }
                }
            default:
                if !histograms.isEmpty { noteIgnored(aggregation) }
                if !numbers.isEmpty {
                    result.values[step] = reduce(op, &numbers, phi: op == .quantile ? phi[step] : 0)
                }
            }
        }
        return result
    }

    func noteIgnored(_ aggregation: Aggregation) {
        inform("ignored histogram in \(aggregation.op.rawValue) aggregation", aggregation.inner.span)
    }

    private func combined(_ aggregation: Aggregation, _ histograms: [Histogram], _ metric: String) -> Histogram? {
        let span = aggregation.inner.span
        do throws(IncompatibleSchemas) {
            var sum = HistogramSum(histograms[0])
            for histogram in histograms.dropFirst() { try sum.add(histogram) }
            if sum.hasHintCollision { warn("conflicting counter resets during histogram aggregation", span) }
            if sum.notes.hasReconciledBounds {
                inform("mismatched custom buckets were reconciled during aggregation", span)
            }
            if aggregation.op == .sum { return sum.sum }
            if let mean = sum.mean { return mean }
            return try HistogramSum.runningMean(histograms)
        } catch {
            warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                    + goQuoted(metric), span)
            return nil
        }
    }

    private func groupLabels(_ labels: Labels, _ aggregation: Aggregation) -> Labels {
        if aggregation.isWithout { return labels.dropping(aggregation.labels + [Labels.metricName]) }
        return aggregation.labels.isEmpty ? [:] : labels.keeping(aggregation.labels)
    }

    private func quantileParameter(_ aggregation: Aggregation, _ grid: StepGrid) throws -> [Double] {
        guard aggregation.op == .quantile, let parameter = aggregation.parameter else { return [] }
        let values = try scalar(parameter, over: grid)
        warnOfQuantiles(values, parameter.span)
        return values
    }

    func warnOfQuantiles(_ values: [Double], _ span: SourceSpan) {
        for value in values where value.isNaN || value < 0 || value > 1 {
            warn("quantile value should be between 0 and 1, got \(goGeneral(value))", span)
        }
    }

    private func reduced(_ op: Aggregator, _ members: [Int], _ columns: [Column], _ phi: [Double], _ grid: StepGrid)
        -> [Double]
    {
        if columns.areRanked {
            return (0..<grid.count).map { step in
                var numbers = inOrder(members, columns, at: step).map { columns[$0].values[step] }
                return numbers.isEmpty ? absent : reduce(op, &numbers, phi: op == .quantile ? phi[step] : 0)
            }
        }
        if GroupAccumulation.takes(op) {
            var group = GroupAccumulation(op, stepCount: grid.count)
            for member in members { group.add(columns[member].values) }
            return group.result
        }
        var values = [Double](repeating: absent, count: grid.count)
        // Some steps at a time: neighbours in a column lie in the same line of the processor's cache.
        let tile = 8
        var present = Array(repeating: [Double](), count: tile)
        for start in stride(from: 0, to: grid.count, by: tile) {
            let end = min(start + tile, grid.count)
            for place in present.indices {
                present[place].removeAll(keepingCapacity: true)
                present[place].reserveCapacity(members.count)
            }
            for member in members {
                columns[member].values.withUnsafeBufferPointer { column in
                    for step in start..<end where !column[step].isStaleMarker {
                        present[step - start].append(column[step])
                    }
                }
            }
            for step in start..<end where !present[step - start].isEmpty {
                values[step] = reduce(op, &present[step - start], phi: op == .quantile ? phi[step] : 0)
            }
        }
        return values
    }

    /// One number of many; `values` is not empty and may be reordered.
    private func reduce(_ op: Aggregator, _ values: inout [Double], phi: Double) -> Double {
        switch op {
        case .sum:
            var sum = CompensatedSum(values[0])
            for value in values.dropFirst() { sum.add(value) }
            return sum.value
        case .avg:
            var mean = Mean(values[0])
            for value in values.dropFirst() { mean.add(value) }
            return mean.value
        case .min: return values.reduce(.nan) { $0.isNaN || $1 < $0 ? $1 : $0 }
        case .max: return values.reduce(.nan) { $0.isNaN || $1 > $0 ? $1 : $0 }
        case .count: return Double(values.count)
        case .group: return 1
        case .stddev, .stdvar:
            var variance = Variance()
            for value in values { variance.add(value) }
            return op == .stddev ? variance.value.squareRoot() : variance.value
        case .quantile: return quantile(phi, of: &values)
        case .topk, .bottomk, .limitk, .limitRatio, .countValues:
            preconditionFailure("\(op.rawValue) gives more than one number")
        }
    }

    // MARK: Counting values

    private func valueCounts(
        _ aggregation: Aggregation, _ columns: [Column], _ keys: [Labels], _ groups: [[Int]], _ grid: StepGrid
    ) throws -> [Column] {
        let literal = string(aggregation.parameter!)
        guard literal.isUTF8, !literal.bytes.isEmpty else {
            throw QueryFault(
                .execution, "invalid label name \(goQuoted(bytes: literal.bytes))", span: aggregation.span)
        }
        let name = literal.value
        var results: [Column] = []
        var ranks: [[Int32]] = []
        let needsRanks = seesOrder(grid)
        var places: [Labels: Int] = [:]
        for (key, members) in zip(keys, groups) {
            for member in members {
                for step in 0..<grid.count {
                    let text: String
                    switch columns[member][step] {
                    case .number(let number): text = goNumber(number)
                    case .histogram(let histogram): text = histogram.text
                    case nil: continue
                    }
                    var labels = key
                    try count(text: text)
                    labels[name] = text
                    let place = places[labels] ?? results.count
                    if place == results.count {
                        places[labels] = place
                        try count(grid.count)
                        let empty = [Double](repeating: absent, count: grid.count)
                        results.append(Column(labels: labels, values: empty))
                        if needsRanks { ranks.append([Int32](repeating: 0, count: grid.count)) }
                    }
                    if needsRanks {
                        let rank = columns.rank(member, step)
                        ranks[place][step] = results[place].isPresent(step) ? min(ranks[place][step], rank) : rank
                    }
                    let old = results[place].isPresent(step) ? results[place].values[step] : 0
                    results[place].values[step] = old + 1
                }
            }
        }
        return needsRanks ? results.arranged(by: ranks) : results
    }
}

/// NaN ranks last, whichever way the order goes.
func ranksBefore(_ left: Double, _ right: Double, _ isBefore: (Double, Double) -> Bool) -> Bool {
    if left.isNaN { return false }
    return right.isNaN || isBefore(left, right)
}

/// Keeps the order of elements that rank the same.
func stablySorted<Element>(_ elements: [Element], _ isBefore: (Element, Element) -> Bool) -> [Element] {
    elements.enumerated().sorted { left, right in
        if isBefore(left.element, right.element) { return true }
        if isBefore(right.element, left.element) { return false }
        return left.offset < right.offset
    }.map(\.element)
}
