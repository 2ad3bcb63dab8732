/// Finds lines by the bytes in front of their values. Made only when a page's layout differs from the last one's.
struct PrefixIndex {
    struct Entry {
        /// Place of the line in its page.
        var start: Int
        var byteCount: Int
        var slot: UInt32
        /// Number of the line in the old page; -1 for one of the new page.
        var line: Int32
        var spelling: UInt8
    }

    private var entries: [Entry] = []
    /// Open addressing: indices into `entries`, or -1. At most half full.
    private var table: [Int32]

    init(capacity: Int) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        table = [Int32](repeating: -1, count: size)
        entries.reserveCapacity(capacity)
    }

    func find(
        _ key: UnsafeRawBufferPointer, spelling: UInt8, old: UnsafeRawBufferPointer, new: UnsafeRawBufferPointer
    ) -> Entry? {
        var place = Self.hash(key) & (table.count - 1)
        while table[place] >= 0 {
            let entry = entries[Int(table[place])]
            let page = entry.line < 0 ? new : old
            if entry.byteCount == key.count, entry.spelling == spelling,
                UnsafeRawBufferPointer(rebasing: page[entry.start..<entry.start + entry.byteCount]).elementsEqual(key)
            {
                return entry
            }
            place = (place + 1) & (table.count - 1)
        }
        return nil
    }

    mutating func insert(_ entry: Entry, key: UnsafeRawBufferPointer) {
        precondition(entries.count * 2 < table.count, "the index was made for \(table.count / 2) lines")
        var place = Self.hash(key) & (table.count - 1)
        while table[place] >= 0 { place = (place + 1) & (table.count - 1) }
        table[place] = Int32(entries.count)
        entries.append(entry)
    }

    /// Swift's own hash, seeded for each process: no page can be made to collide.
    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return hasher.finalize() & Int.max
    }
}
