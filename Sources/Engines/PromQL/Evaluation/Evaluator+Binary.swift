import Series

extension Evaluator {
    func binary(_ binary: BinaryExpression, over grid: StepGrid) throws -> StepValues {
        let left = try evaluate(binary.left, over: grid)
        let right = try evaluate(binary.right, over: grid)
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)):
            return .scalar(zip(a, b).map { binary.op.apply($0, $1) })
        case (.vector(let columns), .scalar(let numbers)):
            return .vector(try withScalar(binary, columns, numbers, scalarIsLeft: false))
        case (.scalar(let numbers), .vector(let columns)):
            return .vector(try withScalar(binary, columns, numbers, scalarIsLeft: true))
        case (.vector(let a), .vector(let b)):
            if binary.op.isSetOperator { return .vector(try setOperation(binary, a, b, grid)) }
            return .vector(try joined(binary, a, b, grid))
        default:
            preconditionFailure("operator on a string: \(binary)")
        }
    }

    private func withScalar(
        _ binary: BinaryExpression, _ columns: [Column], _ numbers: [Double], scalarIsLeft: Bool
    ) throws -> [Column] {
        let isFilter = binary.op.isComparison && !binary.returnsBool
        let results = columns.map { column in
            mapped(column) { step, value in
                let (a, b) = scalarIsLeft ? (numbers[step], value) : (value, numbers[step])
                // A comparison keeps the vector's value, on whichever side it stands.
                if isFilter { return binary.op.holds(a, b) ? value : absent }
                return binary.op.apply(a, b)
            }
        }
        return isFilter ? results : try withoutName(results)
    }

    // MARK: Set operators

    private func setOperation(_ binary: BinaryExpression, _ left: [Column], _ right: [Column], _ grid: StepGrid) throws
        -> [Column]
    {
        let matching = binary.matching!
        let rightPresence = presence(right, matching, grid)
        switch binary.op {
        case .and, .unless:
            return left.compactMap { column in
                let other = rightPresence[signature(column.labels, matching)]
                var column = column
                for step in column.values.indices where (other?[step] ?? false) != (binary.op == .and) {
                    column.values[step] = absent
                }
                return column.values.contains { !$0.isStaleMarker } ? column : nil
            }
        default:
            let leftPresence = presence(left, matching, grid)
            let added = right.compactMap { column -> Column? in
                guard let other = leftPresence[signature(column.labels, matching)] else { return column }
                var column = column
                for step in column.values.indices where other[step] { column.values[step] = absent }
                return column.values.contains { !$0.isStaleMarker } ? column : nil
            }
            return try merged(left + added)
        }
    }

    /// For each signature, at which steps some series has a value.
    private func presence(_ columns: [Column], _ matching: VectorMatching, _ grid: StepGrid) -> [Labels: [Bool]] {
        var result: [Labels: [Bool]] = [:]
        for column in columns {
            var steps = result[signature(column.labels, matching)] ?? [Bool](repeating: false, count: grid.count)
            for step in column.values.indices where column.isPresent(step) { steps[step] = true }
            result[signature(column.labels, matching)] = steps
        }
        return result
    }

    /// The labels by which two series find each other.
    func signature(_ labels: Labels, _ matching: VectorMatching) -> Labels {
        if matching.isOn { return labels.keeping(matching.labels) }
        return labels.dropping(matching.labels + [Labels.metricName])
    }
}
