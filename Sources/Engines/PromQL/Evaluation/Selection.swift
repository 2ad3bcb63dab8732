// The element that would stand at a place if all were sorted, without sorting them: Hoare's "Find" (Communications of the ACM 4, 1961) with a
// pivot out of a small sample, taken on the side that leaves less (Floyd and Rivest, "Expected time bounds for selection", 1975). Each
// round moves elements without a branch, since which way one goes cannot be foretold. Some one and a half looks at each element on average;
// input made to spoil the choice of pivots ends in a sort after a bounded number of rounds.

/// Reorders `values`, which hold no NaN, so that those before `place` are not greater than the one at it and those after it not smaller.
/// Zeros of both signs count as equal.
func select(_ place: Int, in values: UnsafeMutableBufferPointer<Double>) {
    precondition(place >= 0 && place < values.count, "place \(place) of \(values.count)")
    let base = values.baseAddress!
    var (low, high) = (0, values.count)
    var rounds = 0
    while high - low > 16 {
        rounds += 1
        guard rounds <= 48 else {
            var rest = UnsafeMutableBufferPointer(rebasing: values[low..<high])
            rest.sort()
            return
        }
        let pivot = pivot(for: place, base, low, high)
        let equal = partition(base, low, high) { $0 < pivot }
        if place < equal {
            high = equal
            continue
        }
        let greater = partition(base, equal, high) { $0 <= pivot }
        if place < greater { return }
        low = greater
    }
    insertionSort(base, low, high)
}

/// Moves the elements of `low..<high` that go first to the front.
/// - Returns: where the others begin.
@inline(__always)
private func partition(_ base: UnsafeMutablePointer<Double>, _ low: Int, _ high: Int, _ goesFirst: (Double) -> Bool)
    -> Int
{
    var border = low
    for index in low..<high {
        let value = base[index]
        base[index] = base[border]
        base[border] = value
        border += goesFirst(value) ? 1 : 0
    }
    return border
}

private func insertionSort(_ base: UnsafeMutablePointer<Double>, _ low: Int, _ high: Int) {
    guard high - low > 1 else { return }
    for index in (low + 1)..<high {
        let value = base[index]
        var place = index
        while place > low, base[place - 1] > value {
            base[place] = base[place - 1]
            place -= 1
        }
        base[place] = value
    }
}

/// An element of `low..<high`, probably a little beyond `place` on the side towards the middle, so that most of the others fall away.
private func pivot(for place: Int, _ base: UnsafeMutablePointer<Double>, _ low: Int, _ high: Int) -> Double {
    let count = high - low
    let sampleCount = count >= 600 ? 31 : count >= 100 ? 7 : 3
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: sampleCount) { sample in
        for index in 0..<sampleCount {
            sample.initializeElement(at: index, to: base[low + (2 * index + 1) * count / (2 * sampleCount)])
        }
        insertionSort(sample.baseAddress!, 0, sampleCount)
        var chosen = (place - low) * sampleCount / count
        if sampleCount == 31 { chosen += (place - low) * 2 > count ? -2 : 2 }
        return sample[max(0, min(sampleCount - 1, chosen))]
    }
}
