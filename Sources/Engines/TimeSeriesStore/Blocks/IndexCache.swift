/// The indexes of the blocks that were read last. A page with six charts asks for the same blocks six times, and reading an index takes longer
/// than most queries do: a day is five blocks or more, so they are bounded by their bytes and not by their number.
struct IndexCache: Sendable {
    /// Of all together, as `BlockIndex.byteCount` has it.
    private let byteCountMax: Int
    /// Rounds of maintenance after which one that nobody has asked for goes.
    private static let ageMax = 5

    private struct Entry {
        var path: String
        var index: BlockIndex
        var byteCount: Int
        /// Rounds since it was asked for.
        var age = 0
    }

    /// The one used last stands last.
    private var entries: [Entry] = []

    /// - Parameter byteCountMax: the default holds a day of 50,000 series. An index that is longer alone is read anew each time.
    init(byteCountMax: Int = 32 << 20) { self.byteCountMax = byteCountMax }

    var count: Int { entries.count }

    mutating func index(of path: String) -> BlockIndex? {
        guard let place = entries.firstIndex(where: { $0.path == path }) else { return nil }
        var entry = entries.remove(at: place)
        entry.age = 0
        entries.append(entry)
        return entry.index
    }

    mutating func keep(_ index: BlockIndex, of path: String) {
        let byteCount = index.byteCount
        guard byteCount <= byteCountMax, !entries.contains(where: { $0.path == path }) else { return }
        var total = entries.reduce(byteCount) { $0 + $1.byteCount }
        while total > byteCountMax { total -= entries.removeFirst().byteCount }
        entries.append(Entry(path: path, index: index, byteCount: byteCount))
    }

    mutating func forget(_ path: String) { entries.removeAll { $0.path == path } }

    /// A round of maintenance has passed.
    mutating func grow() {
        for place in entries.indices { entries[place].age += 1 }
        entries.removeAll { $0.age > Self.ageMax }
    }
}
