// `topk` and `bottomk` say nothing of series with equal values, yet which of them stay shows on every dashboard of a quiet system. The
// reference keeps the chosen in a binary heap with the weakest on top, and a newcomer that is better than the weakest takes its place. Doing
// the same, step by step, chooses the same series.

/// The best `limit` of the numbers that were offered.
struct RankedHeap {
    private let limit: Int
    private let wantsLargest: Bool
    /// The weakest first, in the order of a heap.
    private(set) var entries: [(index: Int, value: Double)] = []

    init(limit: Int, wantsLargest: Bool) {
        self.limit = limit
        self.wantsLargest = wantsLargest
    }

    mutating func offer(_ index: Int, _ value: Double) {
        guard limit > 0 else { return }
        if entries.count < limit {
            entries.append((index, value))
            rise()
        } else if isWeaker(entries[0].value, value) || (entries[0].value.isNaN && !value.isNaN) {
            entries[0] = (index, value)
            sink()
        }
    }

    private func isWeaker(_ left: Double, _ right: Double) -> Bool { wantsLargest ? left < right : left > right }

    /// NaN stands below everything, another NaN too.
    private func comesFirst(_ left: Int, _ right: Int) -> Bool {
        entries[left].value.isNaN || isWeaker(entries[left].value, entries[right].value)
    }

    private mutating func rise() {
        var place = entries.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard comesFirst(place, parent) else { return }
            entries.swapAt(parent, place)
            place = parent
        }
    }

    private mutating func sink() {
        var place = 0
        while true {
            let left = 2 * place + 1
            guard left < entries.count else { return }
            let child = left + 1 < entries.count && comesFirst(left + 1, left) ? left + 1 : left
            guard comesFirst(child, place) else { return }
            entries.swapAt(place, child)
            place = child
        }
    }

    /// The best first.
    var ranked: [Int] {
        stablySorted(entries) { ranksBefore($0.value, $1.value, wantsLargest ? (>) : (<)) }.map(\.index)
    }
}
