import Series

// Answers are in the order of labels. Comparing texts for each step of a sort would cost more than reading the samples, so the pairs of name
// and value that occur are sorted once, thousands where there are ten thousands of series, and series are compared by the ranks of their pairs.

extension SampleGatherer {
    /// All slots with their labels, in the order of these.
    /// - Parameter withLabels: false for the order alone.
    func ordered(withLabels: Bool = true) -> [(slot: Int, labels: Labels)] {
        let (keys, starts) = rankedPairs()
        let slots = keys.withUnsafeBufferPointer { keys in
            starts.withUnsafeBufferPointer { starts in
                func precedes(_ left: Int, _ right: Int) -> Bool {
                    var mine = starts[left]
                    var other = starts[right]
                    let (end, otherEnd) = (starts[left + 1], starts[right + 1])
                    while mine < end, other < otherEnd {
                        if keys[mine] != keys[other] { return keys[mine] < keys[other] }
                        mine += 1
                        other += 1
                    }
                    return mine == end && other < otherEnd
                }
                let asTheyCame = 0..<slotCount
                let isSorted = zip(asTheyCame, asTheyCame.dropFirst()).allSatisfy { !precedes($1, $0) }
                return isSorted ? Array(asTheyCame) : asTheyCame.sorted(by: precedes)
            }
        }
        return slots.map { (slot: $0, labels: withLabels ? labels(of: $0) : Labels()) }
    }

    /// The slots whose labels come first, in the order of these.
    /// - Throws: `CancellationError` when `stop` is set.
    func firstSlots(_ limit: Int, _ stop: StopFlag) throws -> [Int] {
        // To rank the pairs of all pays off where all are wanted.
        guard limit < slotCount / 8 else { return ordered(withLabels: false).prefix(limit).map(\.slot) }
        guard limit > 0 else { return [] }
        var first: [Int] = []
        var isCut = false
        func cut() {
            first.sort(by: labelsPrecede)
            isCut = isCut || first.count >= limit
            first.removeSubrange(min(limit, first.count)...)
        }
        for slot in 0..<slotCount {
            if slot % (1 << 16) == 0, stop.isSet { throw CancellationError() }
            // The last of those that were cut bounds what can still be among the first.
            if isCut, !labelsPrecede(slot, first[limit - 1]) { continue }
            first.append(slot)
            if first.count >= 2 * limit + 64 { cut() }
        }
        cut()
        return first
    }

    private func labelsPrecede(_ left: Int, _ right: Int) -> Bool {
        let (source, otherSource) = (source(of: left), source(of: right))
        let (mine, others) = (pairs(of: left), pairs(of: right))
        for (pair, other) in zip(mine, others) where source != otherSource || pair != other {
            let (one, two) = (texts(of: pair, source), texts(of: other, otherSource))
            let byName = order(one.name, two.name)
            if byName != 0 { return byName < 0 }
            let byValue = order(one.value, two.value)
            if byValue != 0 { return byValue < 0 }
        }
        return mine.count < others.count
    }

    /// For each slot the ranks of its pairs among all that occur: those of slot `n` are `keys[starts[n]..<starts[n + 1]]`.
    private func rankedPairs() -> (keys: [UInt32], starts: [Int]) {
        struct Pair {
            var name: String
            var value: String
            var source: Int
            var number: UInt32
        }
        var found: [Pair] = []
        // By source and number of the pair.
        var ranks = [[UInt32]](repeating: [], count: sourceCount)
        for slot in 0..<slotCount {
            let source = source(of: slot)
            if ranks[source].isEmpty { ranks[source] = [UInt32](repeating: .max, count: pairCount(of: source)) }
            for number in pairs(of: slot) where ranks[source][Int(number)] == .max {
                ranks[source][Int(number)] = 0
                let (name, value) = texts(of: number, source)
                found.append(Pair(name: name, value: value, source: source, number: number))
            }
        }
        found.sort {
            let byName = order($0.name, $1.name)
            return byName != 0 ? byName < 0 : order($0.value, $1.value) < 0
        }
        var rank: UInt32 = 0
        for (place, pair) in found.enumerated() {
            // One pair in several sources has one rank.
            if place > 0, order(found[place - 1].name, pair.name) != 0 || order(found[place - 1].value, pair.value) != 0
            {
                rank += 1
            }
            ranks[pair.source][Int(pair.number)] = rank
        }
        var keys: [UInt32] = []
        var starts = [0]
        starts.reserveCapacity(slotCount + 1)
        for slot in 0..<slotCount {
            let source = source(of: slot)
            for number in pairs(of: slot) { keys.append(ranks[source][Int(number)]) }
            starts.append(keys.count)
        }
        return (keys, starts)
    }
}
