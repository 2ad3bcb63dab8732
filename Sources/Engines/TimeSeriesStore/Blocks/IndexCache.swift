/// The indexes of the blocks that were read last. A page with six charts asks for the same blocks six times.
struct IndexCache: Sendable {
    /// Four blocks are eight hours at the usual span; more would hold memory for queries that are rare.
    private static let countMax = 4
    /// Longer indexes are read anew each time.
    private static let byteCountMax = 24 << 20

    /// The one used last stands last.
    private var entries: [(path: String, index: BlockIndex)] = []

    mutating func index(of path: String) -> BlockIndex? {
        guard let place = entries.firstIndex(where: { $0.path == path }) else { return nil }
        let entry = entries.remove(at: place)
        entries.append(entry)
        return entry.index
    }

    mutating func keep(_ index: BlockIndex, of path: String) {
        guard index.byteCount <= Self.byteCountMax, !entries.contains(where: { $0.path == path }) else { return }
        if entries.count == Self.countMax { entries.removeFirst() }
        entries.append((path, index))
    }

    mutating func forget(_ path: String) { entries.removeAll { $0.path == path } }
}
