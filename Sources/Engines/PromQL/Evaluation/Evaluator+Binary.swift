import Series

extension Evaluator {
    func binary(_ binary: BinaryExpression, over grid: StepGrid) throws -> StepValues {
        let left = try evaluate(binary.left, over: grid)
        let right = try evaluate(binary.right, over: grid)
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)):
            return .scalar(zip(a, b).map { binary.op.apply($0, $1) })
        case (.vector(let columns), .scalar(let numbers)):
            return .vector(try withScalar(binary, columns, numbers, scalarIsLeft: false, grid))
        case (.scalar(let numbers), .vector(let columns)):
            return .vector(try withScalar(binary, columns, numbers, scalarIsLeft: true, grid))
        case (.vector(let a), .vector(let b)):
            if binary.op.isSetOperator { return .vector(try setOperation(binary, a, b, grid)) }
            return .vector(try joined(binary, a, b, grid))
        default:
            preconditionFailure("operator on a string: \(binary)")
        }
    }

    private func withScalar(
        _ binary: BinaryExpression, _ columns: [Column], _ numbers: [Double], scalarIsLeft: Bool, _ grid: StepGrid
    ) throws -> [Column] {
        let isFilter = binary.op.isComparison && !binary.returnsBool
        let isTrim = binary.op == .trimUpper || binary.op == .trimLower
        let results = columns.map { column in
            if column.hasHistograms || isTrim {
                return withScalar(binary, column, numbers, scalarIsLeft: scalarIsLeft)
            }
            return mapped(column) { step, value in
                let (a, b) = scalarIsLeft ? (numbers[step], value) : (value, numbers[step])
                // A comparison keeps the vector's value, on whichever side it stands.
                if isFilter { return binary.op.holds(a, b) ? value : absent }
                return binary.op.apply(a, b)
            }
        }
        return isFilter ? results : try withoutName(results, over: grid)
    }

    /// A series that has histograms, step by step.
    private func withScalar(
        _ binary: BinaryExpression, _ column: Column, _ numbers: [Double], scalarIsLeft: Bool
    ) -> Column {
        var result = column.blank
        for step in numbers.indices {
            guard let value = column[step] else { continue }
            let number = SampleValue.number(numbers[step])
            let (a, b) = scalarIsLeft ? (number, value) : (value, number)
            switch element(binary, a, b) {
            case .value(let value): result[step] = value
            case .holds(let holds):
                if binary.returnsBool { result.values[step] = holds ? 1 : 0 } else if holds { result[step] = value }
            case .none: break
            }
        }
        return result
    }

    // MARK: One element

    enum ElementResult {
        /// The operator has no meaning for these two; a note says so.
        case none
        case value(SampleValue)
        /// Of a comparison.
        case holds(Bool)
    }

    /// The operator on two samples, either of which may be a histogram.
    func element(_ binary: BinaryExpression, _ left: SampleValue, _ right: SampleValue) -> ElementResult {
        let op = binary.op
        switch (left, right) {
        case (.number(let a), .number(let b)) where op != .trimUpper && op != .trimLower:
            return op.isComparison ? .holds(op.holds(a, b)) : .value(.number(op.apply(a, b)))
        case (.histogram(let a), .number(let b)):
            switch op {
            case .multiply: return .value(.histogram(a.multiplied(by: b)))
            case .divide: return .value(.histogram(a.divided(by: b)))
            case .trimUpper, .trimLower: return .value(.histogram(a.trimmed(at: b, keepsBelow: op == .trimUpper)))
            default: break
            }
        case (.number(let a), .histogram(let b)) where op == .multiply:
            return .value(.histogram(b.multiplied(by: a)))
        case (.histogram(let a), .histogram(let b)):
            switch op {
            case .add, .subtract: return combined(binary, a, b)
            case .equal: return .holds(a == b)
            case .notEqual: return .holds(a != b)
            default: break
            }
        default: break
        }
        func kind(_ value: SampleValue) -> String { if case .number = value { "float" } else { "histogram" } }
        inform(
            "incompatible sample types encountered for binary operator \(goQuoted(op.rawValue)): "
                + "\(kind(left)) \(op.rawValue) \(kind(right))", binary.span)
        return .none
    }

    private func combined(_ binary: BinaryExpression, _ left: Histogram, _ right: Histogram) -> ElementResult {
        let isSum = binary.op == .add
        let operation = isSum ? "addition" : "subtraction"
        do throws(IncompatibleSchemas) {
            var result = left
            let notes = isSum ? try result.add(right) : try result.subtract(right)
            if notes.hasHintCollision { warn("conflicting counter resets during histogram \(operation)", binary.span) }
            if notes.hasReconciledBounds {
                inform("mismatched custom buckets were reconciled during \(operation)", binary.span)
            }
            if !isSum { result.hint = .gauge }
            result.compact()
            return .value(.histogram(result))
        } catch {
            warn("incompatible bucket layout encountered for binary operator \(binary.op.rawValue)", binary.span)
            return .none
        }
    }

    // MARK: Set operators

    private func setOperation(_ binary: BinaryExpression, _ left: [Column], _ right: [Column], _ grid: StepGrid) throws
        -> [Column]
    {
        let matching = binary.matching!
        let rightPresence = try presence(right, matching, grid)
        switch binary.op {
        case .and, .unless:
            return try left.compactMap { column in
                let other = rightPresence[try signature(column.labels, matching)]
                var column = column
                for step in column.values.indices where (other?[step] ?? false) != (binary.op == .and) {
                    column.clear(step)
                }
                return column.isEmpty ? nil : column
            }
        default:
            let leftPresence = try presence(left, matching, grid)
            let added = try right.compactMap { column -> Column? in
                guard let other = leftPresence[try signature(column.labels, matching)] else { return column }
                var column = column
                for step in column.values.indices where other[step] { column.clear(step) }
                return column.isEmpty ? nil : column
            }
            return try merged(left.followed(by: added), over: grid)
        }
    }

    /// For each signature, at which steps some series has a value.
    private func presence(_ columns: [Column], _ matching: VectorMatching, _ grid: StepGrid) throws
        -> [Labels: [Bool]]
    {
        var result: [Labels: [Bool]] = [:]
        for column in columns {
            let signature = try signature(column.labels, matching)
            var steps = result[signature] ?? [Bool](repeating: false, count: grid.count)
            for step in column.values.indices where column.isPresent(step) { steps[step] = true }
            result[signature] = steps
        }
        return result
    }

    /// The labels by which two series find each other.
    /// - Throws: `CancellationError`: there may be as many labels to match as fit into a query.
    func signature(_ labels: Labels, _ matching: VectorMatching) throws -> Labels {
        try checkTime()
        if matching.isOn { return labels.keeping(matching.labels) }
        return labels.dropping(matching.labels + [Labels.metricName])
    }
}
