import Series

// Arithmetic and comparisons between two vectors. One side is called "one": it may have one series for each signature.
// The other is "many", which also in one-to-one matching is the left side; there it too may have only one.

extension Evaluator {
    func joined(_ binary: BinaryExpression, _ left: [Column], _ right: [Column], _ grid: StepGrid) throws -> [Column] {
        let matching = binary.matching!
        let isSwapped = matching.cardinality == .oneToMany
        let (many, one) = isSwapped ? (right, left) : (left, right)
        let oneBySignature = Dictionary(grouping: one.indices) { signature(one[$0].labels, matching) }
        for (signature, places) in oneBySignature where places.count > 1 {
            try checkUnique(places, signature, one, many, grid, side: isSwapped ? "left" : "right")
        }
        var output = JoinOutput(stepCount: grid.count)
        // The order of the "many" side is kept, as a sort before the operator may have set it.
        for place in many.indices {
            let signature = signature(many[place].labels, matching)
            guard let others = oneBySignature[signature] else { continue }
            try count(grid.count)
            for other in others {
                try join(binary, many[place], one[other], signature, isSwapped, &output)
            }
        }
        return output.columns
    }

    private func join(
        _ binary: BinaryExpression, _ many: Column, _ one: Column, _ signature: Labels, _ isSwapped: Bool,
        _ output: inout JoinOutput
    ) throws {
        let matching = binary.matching!
        let isFilter = binary.op.isComparison && !binary.returnsBool
        var place: Int?
        for step in many.values.indices where many.isPresent(step) && one.isPresent(step) {
            let (a, b) =
                isSwapped ? (one.values[step], many.values[step]) : (many.values[step], one.values[step])
            let result: Double
            if isFilter {
                guard binary.op.holds(a, b) else { continue }
                result = a
            } else {
                result = binary.op.apply(a, b)
            }
            let target: Int
            if let place {
                target = place
            } else {
                target = output.place(
                    for: resultLabels(binary, many.labels, one.labels),
                    dropsName: binary.returnsBool && scope.delaysNameRemoval || many.dropsName)
                place = target
            }
            let fault = output.put(
                result, at: target, step, signature: signature, isOneToOne: matching.cardinality == .oneToOne)
            if let fault { throw QueryFault(.execution, fault, span: binary.span) }
        }
    }

    private func resultLabels(_ binary: BinaryExpression, _ many: Labels, _ one: Labels) -> Labels {
        let matching = binary.matching!
        var labels = many
        if !binary.op.isComparison || (binary.returnsBool && !scope.delaysNameRemoval) {
            labels[Labels.metricName] = nil
        }
        if matching.cardinality == .oneToOne {
            labels = matching.isOn ? labels.keeping(matching.labels) : labels.dropping(matching.labels)
        }
        for name in matching.included { labels[name] = one[name] }
        return labels
    }

    /// Two series of one signature on the "one" side may not have a value at the same step, unless the other side has none.
    private func checkUnique(
        _ places: [Int], _ signature: Labels, _ one: [Column], _ many: [Column], _ grid: StepGrid, side: String
    ) throws {
        for step in 0..<grid.count {
            let present = places.filter { one[$0].isPresent(step) }
            guard present.count > 1, many.contains(where: { $0.isPresent(step) }) else { continue }
            throw QueryFault(
                .execution,
                "found duplicate series for the match group \(signature) on the \(side) hand-side of the operation: "
                    + "[\(one[present[1]].labels), \(one[present[0]].labels)];"
                    + "many-to-many matching not allowed: matching labels must be unique on one side")
        }
    }
}

/// Collects results and watches that none is written twice.
private struct JoinOutput {
    let stepCount: Int
    private(set) var columns: [Column] = []
    private var places: [Labels: Int] = [:]
    /// For each signature, the steps that have a result already (one-to-one only).
    private var taken: [Labels: Set<Int>] = [:]

    init(stepCount: Int) {
        self.stepCount = stepCount
    }

    mutating func place(for labels: Labels, dropsName: Bool) -> Int {
        if let place = places[labels] { return place }
        places[labels] = columns.count
        columns.append(
            Column(labels: labels, values: [Double](repeating: absent, count: stepCount), dropsName: dropsName))
        return columns.count - 1
    }

    /// - Returns: what is wrong, or nil.
    mutating func put(_ value: Double, at place: Int, _ step: Int, signature: Labels, isOneToOne: Bool) -> String? {
        if isOneToOne {
            if !taken[signature, default: []].insert(step).inserted {
                return "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            }
        }
        if columns[place].isPresent(step) {
            return isOneToOne
                ? "vector cannot contain metrics with the same labelset"
                : "multiple matches for labels: grouping labels must ensure unique matches"
        }
        columns[place].values[step] = value
        return nil
    }
}
