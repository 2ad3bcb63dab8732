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
