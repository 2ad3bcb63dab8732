/// The known name that `name` was probably meant to be, for "did you mean".
/// - Returns: the closest of `candidates` by edits (insert, delete, replace, swap neighbours), or nil when none is close:
///   more than a third of the longer name, and at least two edits, would have to change.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(Array(name.lowercased()), Array(candidate.lowercased()))
        let limit = max(2, max(name.count, candidate.count) / 3)
        guard distance <= limit, distance < candidate.count, distance < (best?.distance ?? .max) else { continue }
        best = (candidate, distance)
    }
    return best?.name
}

/// Optimal string alignment distance: Levenshtein's with swaps of neighbours. O(n·m) time, three rows of memory.
func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var twoBack: [Int] = []
    var previous = Array(0...right.count)
    for i in 1...left.count {
        var row = [i]
        row.reserveCapacity(right.count + 1)
        for j in 1...right.count {
            let replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
            var least = min(previous[j] + 1, row[j - 1] + 1, replaced)
            if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                least = min(least, twoBack[j - 2] + 1)
            }
            row.append(least)
        }
        (twoBack, previous) = (previous, row)
    }
    return previous[right.count]
}
