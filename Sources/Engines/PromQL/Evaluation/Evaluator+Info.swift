import Series

// `info(v, {…})` gives the elements of `v` the labels of info series, `target_info` unless the selector names others: those of
// the same `job` and `instance`. Of two info series for one element the newer one counts, so that a label that changed does not
// make two series collide while the old one is not yet stale.
// <https://prometheus.io/docs/prometheus/latest/querying/functions/#info>

private let identifyingLabels = ["instance", "job"]

/// What selects the info series of a call.
func infoMatchers(_ call: FunctionCall) -> [LabelMatcher] {
    guard call.arguments.count > 1, case .vector(let selector) = call.arguments[1] else {
        return [LabelMatcher(Labels.metricName, equals: "target_info")]
    }
    let names = selector.matchers.filter { $0.name == Labels.metricName }
    if names.isEmpty { return [LabelMatcher(Labels.metricName, equals: "target_info")] + selector.matchers }
    // What only says which metrics are not meant names none: all that are called info are.
    if names.allSatisfy({ $0.op == .notEqual || $0.op == .doesNotMatch }),
        let every = try? LabelMatcher(Labels.metricName, .matches, ".+_info")
    {
        return [every] + selector.matchers
    }
    return selector.matchers
}

extension Evaluator {
    func info(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let base = try vector(call.arguments[0], over: grid)
        let matchers = infoMatchers(call)
        let nameMatchers = matchers.filter { $0.name == Labels.metricName }
        var wanted: [LabelMatcher] = []
        if call.arguments.count > 1, case .vector(let selector) = call.arguments[1] {
            wanted = selector.matchers.filter { $0.name != Labels.metricName }
        }
        let join = InfoJoin(
            wanted: wanted, rows: series[matchers] ?? [], grid: grid, lookbackMs: scope.lookbackMs)
        var results: [Column] = []
        for column in base {
            if nameMatchers.allSatisfy({ $0.matches(column.labels.name) }) {
                results.append(column)
                continue
            }
            try count(grid.count)
            results += try join.enriched(column)
        }
        return try merged(results, over: grid)
    }
}

private struct InfoJoin {
    let wanted: [LabelMatcher]
    let grid: StepGrid
    let lookbackMs: Int64
    private let namesWanted: Set<String>
    /// The info series by the labels that identify what they speak of.
    private var rows: [Labels: [SampleRow]] = [:]

    init(wanted: [LabelMatcher], rows: [SampleRow], grid: StepGrid, lookbackMs: Int64) {
        self.wanted = wanted
        self.grid = grid
        self.lookbackMs = lookbackMs
        namesWanted = Set(wanted.map(\.name))
        for row in rows { self.rows[row.labels.keeping(identifyingLabels), default: []].append(row) }
    }

    /// One column for each set of labels that the info series gave over the steps.
    func enriched(_ column: Column) throws -> [Column] {
        let identity = column.labels.keeping(identifyingLabels)
        let candidates = identity.isEmpty ? [] : rows[identity] ?? []
        let mayStayBare = wanted.allSatisfy { $0.matches("") }
        var parts: [Column] = []
        var places: [Labels: Int] = [:]
        var cursors = [Int](repeating: 0, count: candidates.count)
        for step in 0..<grid.count {
            let newest = try newest(candidates, &cursors, at: grid[step])
            guard column.isPresent(step), !newest.isEmpty || mayStayBare else { continue }
            let labels = try extended(column.labels, newest)
            let place = places[labels] ?? parts.count
            if place == parts.count {
                places[labels] = place
                var part = column.blank
                part.labels = labels
                parts.append(part)
            }
            parts[place][step] = column[step]
        }
        return parts
    }

    /// For each info metric the labels of its newest series at `moment`.
    private func newest(_ candidates: [SampleRow], _ cursors: inout [Int], at moment: Int64) throws -> [Labels] {
        var best: [String: (time: Int64, labels: Labels)] = [:]
        for (index, row) in candidates.enumerated() {
            while cursors[index] < row.times.count, row.times[cursors[index]] <= moment { cursors[index] += 1 }
            let place = cursors[index] - 1
            guard place >= 0, row.isRecent(place, at: moment, lookbackMs: lookbackMs), row.isPresent(place) else {
                continue
            }
            guard row.histograms.isEmpty || row.histograms[place] == nil else {
                throw QueryFault(.execution, "info sample should be float")
            }
            let name = row.labels.name
            guard let known = best[name] else {
                best[name] = (row.times[place], row.labels)
                continue
            }
            if known.time == row.times[place] {
                throw QueryFault(
                    .execution,
                    "found duplicate series for info metric: existing \(known.labels) @ \(known.time), "
                        + "new \(row.labels) @ \(row.times[place])")
            }
            if known.time < row.times[place] { best[name] = (row.times[place], row.labels) }
        }
        return best.sorted { $0.key < $1.key }.map(\.value.labels)
    }

    private func extended(_ base: Labels, _ infos: [Labels]) throws -> Labels {
        var added: Labels = [:]
        for info in infos {
            for pair in info.pairs where pair.name != Labels.metricName {
                guard namesWanted.isEmpty || namesWanted.contains(pair.name) else { continue }
                if let other = added[pair.name], other != pair.value {
                    throw QueryFault(.execution, "conflicting label: \(pair.name)")
                }
                if base[pair.name] == nil { added[pair.name] = pair.value }
            }
        }
        return base.merging(added)
    }
}
