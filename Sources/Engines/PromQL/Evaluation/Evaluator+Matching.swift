import Series

// Arithmetic and comparisons between two vectors. One side is called "one": it may have one series for each signature.
// The other is "many", which also in one-to-one matching is the left side; there it too may have only one.

extension Evaluator {
    func joined(_ binary: BinaryExpression, _ left: [Column], _ right: [Column], _ grid: StepGrid) throws -> [Column] {
        let matching = binary.matching!
        let isSwapped = matching.cardinality == .oneToMany
        let (many, one) = isSwapped ? (right, left) : (left, right)
        let oneSignatures = try one.map { try signature($0.labels, matching) }
        let manySignatures = try many.map { try signature($0.labels, matching) }
        let oneBySignature = Dictionary(grouping: one.indices) { oneSignatures[$0] }
        for (signature, places) in oneBySignature where places.count > 1 {
            try checkUnique(places, signature, one, many, grid, side: isSwapped ? "left" : "right")
        }
        var seen: Set<Labels> = []
        let shared = Set(manySignatures.filter { !seen.insert($0).inserted })
        let isFilled = matching.leftFill != nil || matching.rightFill != nil
        // The order of the "many" side is kept, as a sort before the operator may have set it. Results stand in it by themselves unless
        // one result is of several series in turn, which is rare and turns out on the way.
        var output = JoinOutput(stepCount: grid.count, sharedSignatures: shared)
        if seesOrder(grid), many.areRanked || isFilled { output.ranks = [] }
        func joinAll() throws {
            for place in many.indices {
                let signature = manySignatures[place]
                guard let others = oneBySignature[signature] else { continue }
                try count(grid.count)
                for other in others {
                    try join(binary, many[place], one[other], signature, isSwapped, place, &output) {
                        many.rank(place, $0)
                    }
                }
            }
        }
        try joinAll()
        if seesOrder(grid), output.ranks == nil, output.hasTurns {
            output = JoinOutput(stepCount: grid.count, sharedSignatures: shared)
            output.ranks = []
            try joinAll()
        }
        if isFilled {
            try fill(binary, (many, manySignatures), (one, oneSignatures), grid, isSwapped, &output)
        }
        return output.ranks.map { output.columns.arranged(by: $0) } ?? output.columns
    }

    private typealias Side = (columns: [Column], signatures: [Labels])

    /// Joins what found no partner with the number that stands for a missing side. That side's labels are those that are matched.
    private func fill(
        _ binary: BinaryExpression, _ many: Side, _ one: Side, _ grid: StepGrid, _ isSwapped: Bool,
        _ output: inout JoinOutput
    ) throws {
        let matching = binary.matching!
        func stepsPresent(_ side: Side) -> [Labels: [Bool]] {
            var presence: [Labels: [Bool]] = [:]
            for (column, signature) in zip(side.columns, side.signatures) {
                for step in 0..<grid.count where column.isPresent(step) {
                    presence[signature, default: [Bool](repeating: false, count: grid.count)][step] = true
                }
            }
            return presence
        }
        func standIn(_ value: Double, _ signature: Labels, where isMissing: [Bool]?) -> Column {
            Column(
                labels: signature,
                values: (0..<grid.count).map { isMissing?[$0] == true ? absent : value })
        }
        if let value = isSwapped ? matching.leftFill : matching.rightFill {
            let present = stepsPresent(one)
            for (place, (column, signature)) in zip(many.columns, many.signatures).enumerated() {
                try count(2 * grid.count)
                let other = standIn(value, signature, where: present[signature])
                try join(binary, column, other, signature, isSwapped, place, &output) { many.columns.rank(place, $0) }
            }
        }
        if let value = isSwapped ? matching.rightFill : matching.leftFill {
            let present = stepsPresent(many)
            let end = many.columns.rankEnd
            for (place, (column, signature)) in zip(one.columns, one.signatures).enumerated() {
                try count(2 * grid.count)
                let other = standIn(value, signature, where: present[signature])
                try join(binary, other, column, signature, isSwapped, many.columns.count + place, &output) {
                    end + one.columns.rank(place, $0)
                }
            }
        }
    }

    private func join(
        _ binary: BinaryExpression, _ many: Column, _ one: Column, _ signature: Labels, _ isSwapped: Bool,
        _ source: Int, _ output: inout JoinOutput, rank: (Int) -> Int32
    ) throws {
        let matching = binary.matching!
        let isFilter = binary.op.isComparison && !binary.returnsBool
        var place: Int?
        let isShared = output.sharedSignatures.contains(signature)
        let isPlain =
            !many.hasHistograms && !one.hasHistograms && binary.op != .trimUpper && binary.op != .trimLower
        if isPlain, !isFilter, !isShared || matching.cardinality != .oneToOne,
            let values = numbers(binary.op, many.values, one.values, isSwapped)
        {
            let target = output.place(
                for: resultLabels(binary, many.labels, one.labels), of: source,
                dropsName: binary.returnsBool && scope.delaysNameRemoval || many.dropsName)
            if output.takesAll(values, at: target) {
                if output.ranks != nil { output.ranks![target] = values.indices.map(rank) }
                return
            }
        }
        for step in many.values.indices where many.isPresent(step) && one.isPresent(step) {
            var number = absent
            var result: SampleValue?
            if isPlain {
                let (a, b) =
                    isSwapped ? (one.values[step], many.values[step]) : (many.values[step], one.values[step])
                if isFilter && !binary.op.holds(a, b) { continue }
                number = isFilter ? a : binary.op.apply(a, b)
            } else {
                let (a, b) = isSwapped ? (one[step]!, many[step]!) : (many[step]!, one[step]!)
                switch element(binary, a, b) {
                case .none: continue
                case .value(let value): result = value
                case .holds(let holds):
                    guard binary.returnsBool || holds else { continue }
                    result = binary.returnsBool ? .number(holds ? 1 : 0) : a
                }
            }
            let target: Int
            if let place {
                target = place
            } else {
                target = output.place(
                    for: resultLabels(binary, many.labels, one.labels), of: source,
                    dropsName: binary.returnsBool && scope.delaysNameRemoval || many.dropsName)
                place = target
            }
            let fault = output.claim(
                target, step, signature: isShared ? signature : nil,
                isOneToOne: matching.cardinality == .oneToOne)
            if let fault { throw QueryFault(.execution, fault, span: binary.span) }
            output.ranks?[target][step] = rank(step)
            if let result {
                output.columns[target][step] = result
            } else {
                output.columns[target].values[step] = number
            }
        }
    }

    /// The operator at each step where both sides have a number; nil where there is none such.
    private func numbers(_ op: BinaryOperator, _ many: [Double], _ one: [Double], _ isSwapped: Bool) -> [Double]? {
        var any = false
        let (left, right) = isSwapped ? (one, many) : (many, one)
        let values = [Double](unsafeUninitializedCapacity: left.count) { buffer, count in
            count = left.count
            for step in 0..<count {
                let (a, b) = (left[step], right[step])
                let isPresent = !a.isStaleMarker && !b.isStaleMarker
                any = any || isPresent
                buffer.initializeElement(at: step, to: isPresent ? op.apply(a, b) : absent)
            }
        }
        return any ? values : nil
    }

    private func resultLabels(_ binary: BinaryExpression, _ many: Labels, _ one: Labels) -> Labels {
        let matching = binary.matching!
        var labels = many
        if !binary.op.isComparison || (binary.returnsBool && !scope.delaysNameRemoval) {
            labels = labels.dropping(reservedLabels)
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
                "found duplicate series for the match group \(signature.referenceText) on the \(side) hand-side of the operation: "
                    + "[\(one[present[1]].labels.referenceText), \(one[present[0]].labels.referenceText)];"
                    + "many-to-many matching not allowed: matching labels must be unique on one side")
        }
    }
}

extension Labels {
    /// All labels between braces, the metric's name among them, as the reference prints them in messages.
    var referenceText: String {
        "{\(pairs.map { "\(Self.quotedIfNeeded($0.name))=\(goQuoted($0.value))" }.joined(separator: ", "))}"
    }
}

/// Collects results and watches that none is written twice.
private struct JoinOutput {
    let stepCount: Int
    var columns: [Column] = []
    /// Where each result stands at each step; nil where nobody needs to know.
    var ranks: [[Int32]]?
    /// Whether a result is of several series of the "many" side, in turn.
    private(set) var hasTurns = false
    /// Of each result the first of these series.
    private var sources: [Int] = []
    /// Of each column, whether something was put down.
    private var isWritten: [Bool] = []
    private var places: [Labels: Int] = [:]
    /// For each signature, the steps that have a result already (one-to-one only).
    private var taken: [Labels: Set<Int>] = [:]
    /// Signatures that more than one series of the "many" side has: only there can two results meet.
    let sharedSignatures: Set<Labels>

    init(stepCount: Int, sharedSignatures: Set<Labels>) {
        self.stepCount = stepCount
        self.sharedSignatures = sharedSignatures
    }

    /// - Parameter source: which series of the "many" side it is of.
    mutating func place(for labels: Labels, of source: Int, dropsName: Bool) -> Int {
        if let place = places[labels] {
            hasTurns = hasTurns || sources[place] != source
            return place
        }
        sources.append(source)
        places[labels] = columns.count
        isWritten.append(false)
        columns.append(
            Column(labels: labels, values: [Double](repeating: absent, count: stepCount), dropsName: dropsName))
        ranks?.append([Int32](repeating: 0, count: stepCount))
        return columns.count - 1
    }

    /// Puts all values down where nothing stands yet.
    /// - Returns: whether it did.
    mutating func takesAll(_ values: [Double], at place: Int) -> Bool {
        guard !isWritten[place] else { return false }
        columns[place].values = values
        isWritten[place] = true
        return true
    }

    /// Whether a result may be written there.
    /// - Returns: what is wrong, or nil.
    mutating func claim(_ place: Int, _ step: Int, signature: Labels?, isOneToOne: Bool) -> String? {
        isWritten[place] = true
        if isOneToOne, let signature {
            if !taken[signature, default: []].insert(step).inserted {
                return "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            }
        }
        if columns[place].isPresent(step) {
            return isOneToOne
                ? "vector cannot contain metrics with the same labelset"
                : "multiple matches for labels: grouping labels must ensure unique matches"
        }
        return nil
    }
}
