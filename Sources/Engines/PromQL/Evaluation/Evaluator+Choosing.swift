import Series

// `topk`, `bottomk`, `limitk` and `limit_ratio`: aggregations that let some series through as they are.

extension Evaluator {
    func selected(_ aggregation: Aggregation, _ columns: [Column], _ groups: [[Int]], _ grid: StepGrid) throws
        -> [Column]
    {
        let parameters = try scalar(aggregation.parameter!, over: grid)
        if parameters.contains(where: \.isNaN) {
            throw QueryFault(.execution, "Parameter value is NaN", span: aggregation.span)
        }
        if let large = parameters.first(where: { $0 >= 9.223372036854775807e18 }) {
            throw QueryFault(.execution, "Scalar value \(large) overflows int64", span: aggregation.span)
        }
        if let small = parameters.first(where: { $0 <= -9.223372036854775808e18 }) {
            throw QueryFault(.execution, "Scalar value \(small) underflows int64", span: aggregation.span)
        }
        let (areRanked, needsRanks) = (columns.areRanked, seesOrder(grid))
        var results: [Column] = []
        // Of each result: which group it is of, and at each step its place in that group.
        var origins: [Int] = []
        var places: [[Int32]] = []
        for (group, members) in groups.enumerated() {
            var kept = members.map { columns[$0].blank }
            var keptPlaces: [Int: [Int32]] = [:]
            for step in 0..<grid.count {
                let limit = max(0, min(Double(members.count), parameters[step]))
                var candidates = members.indices.filter { columns[members[$0]].isPresent(step) }
                if areRanked {
                    candidates = stablySorted(candidates) {
                        columns.rank(members[$0], step) < columns.rank(members[$1], step)
                    }
                }
                if aggregation.op != .limitk, members.contains(where: { columns[$0].histogram(step) != nil }) {
                    noteIgnored(aggregation)
                    candidates = candidates.filter { columns[members[$0]].isNumber(step) }
                }
                let chosen: [Int]
                if aggregation.op == .limitk {
                    chosen = Array(candidates.prefix(Int(limit)))
                } else {
                    var best = RankedHeap(limit: Int(limit), wantsLargest: aggregation.op == .topk)
                    for index in candidates { best.offer(index, columns[members[index]].values[step]) }
                    chosen = needsRanks ? best.ranked : best.entries.map(\.index)
                }
                for (place, index) in chosen.enumerated() {
                    kept[index][step] = columns[members[index]][step]
                    guard needsRanks else { continue }
                    keptPlaces[index, default: [Int32](repeating: 0, count: grid.count)][step] =
                        Int32(truncatingIfNeeded: place)
                }
            }
            for (index, column) in kept.enumerated() where !column.isEmpty {
                results.append(column)
                origins.append(group)
                places.append(keptPlaces[index] ?? [])
            }
        }
        guard needsRanks else { return results }
        if groups.count > 1 { raise(&places, of: origins, groups, columns, grid) }
        return results.arranged(by: places)
    }

    /// Makes places in a group places among all: groups stand in the order of their first members.
    private func raise(
        _ places: inout [[Int32]], of origins: [Int], _ groups: [[Int]], _ columns: [Column], _ grid: StepGrid
    ) {
        let firsts = groups.map { firstRanks($0, columns, grid) }
        for step in 0..<grid.count {
            var offsets = [Int32](repeating: 0, count: groups.count)
            var offset: Int32 = 0
            for group in groups.indices.sorted(by: { (firsts[$0][step], $0) < (firsts[$1][step], $1) }) {
                offsets[group] = offset
                offset += Int32(truncatingIfNeeded: groups[group].count)
            }
            for (result, group) in origins.enumerated() { places[result][step] += offsets[group] }
        }
    }

    /// A share of the series, the same ones in every query, since their labels decide.
    func sampled(_ aggregation: Aggregation, _ columns: [Column], _ grid: StepGrid) throws -> [Column] {
        let ratios = try scalar(aggregation.parameter!, over: grid)
        if ratios.contains(where: \.isNaN) {
            throw QueryFault(.execution, "Ratio value is NaN", span: aggregation.span)
        }
        for ratio in ratios where ratio.magnitude > 1 {
            let capped = ratio < 0 ? -1.0 : 1.0
            warn(
                "ratio value should be between -1 and 1, got \(goGeneral(ratio)), capping to \(goGeneral(capped))",
                aggregation.parameter!.span)
        }
        return columns.map { column in
            let share = Double(labelHash(column.labels)) / Double(UInt64.max)
            var column = column
            for step in ratios.indices {
                let ratio = max(-1, min(1, ratios[step]))
                let isChosen = ratio >= 0 ? share < ratio : share >= 1 + ratio
                if !isChosen { column.clear(step) }
            }
            return column
        }.filter { !$0.isEmpty }
    }
}
