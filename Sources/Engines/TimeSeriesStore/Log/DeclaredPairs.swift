import BinaryCoding
import Glibc
import Series

// The declarations of a segment repeat the same few pairs of name and value for every series of a target. Making texts of them, and looking these
// up again, was half of the time of a start. Here a pair that stood before in the segment is found by its bytes.

/// The pairs that the declarations of a segment have named so far, by their bytes, with their numbers in the head.
struct DeclaredPairs {
    private struct Entry {
        var start: Int
        var byteCount: Int
        var pair: UInt32
    }

    /// The bytes of all entries.
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Open addressing: indices into `entries`, or -1. At most half full.
    private var table = [Int32](repeating: -1, count: 1024)
    private var numbers: [UInt32] = []
    /// The names of the series before, which were in order, as numbers of texts: most series have the same.
    private var namesInOrder: [UInt32] = []
    private var names: [UInt32] = []
    /// Whether any pair so far had an empty value: this program writes none.
    private var hasEmptyValues = false

    /// Reads the labels of one series.
    /// - Returns: the number of the series in the head, made if missing.
    mutating func read(
        _ reader: inout ByteReader, _ payload: [UInt8], into head: inout Head
    ) throws(CodingError) -> Int {
        let count = try reader.count(limit: LogFormat.labelsByteCountMax)
        numbers.removeAll(keepingCapacity: true)
        var labels: [(String, String)] = []
        let begin = reader
        for _ in 0..<count {
            let start = reader.offset
            let nameByteCount = try reader.count()
            _ = try reader.raw(nameByteCount)
            let valueByteCount = try reader.count()
            _ = try reader.raw(valueByteCount)
            if let known = find(payload, start..<reader.offset) {
                numbers.append(known)
                continue
            }
            var texts = ByteReader(payload, in: start..<reader.offset)
            let (name, value) = (try texts.text(), try texts.text())
            if value.isEmpty { hasEmptyValues = true }
            let pair = head.table.number(name, value)
            insert(payload, start..<reader.offset, pair)
            numbers.append(pair)
        }
        if !hasEmptyValues, isInOrder(head.table) { return head.place(of: numbers) }
        // Never written by this program; put in order as any labels are.
        reader = begin
        for _ in 0..<count { labels.append((try reader.text(), try reader.text())) }
        return head.place(of: Labels(labels))
    }

    /// Whether the names of `numbers` rise.
    private mutating func isInOrder(_ table: PairTable) -> Bool {
        names.removeAll(keepingCapacity: true)
        for number in numbers { names.append(table.nameNumber(of: number)) }
        if names == namesInOrder { return true }
        for (left, right) in zip(numbers, numbers.dropFirst())
        where !precedes(table.name(of: left), table.name(of: right)) {
            return false
        }
        swap(&names, &namesInOrder)
        return true
    }

    private func find(_ payload: [UInt8], _ range: Range<Int>) -> UInt32? {
        payload.withUnsafeBytes { payload in
            let key = UnsafeRawBufferPointer(rebasing: payload[range])
            var place = Self.hash(key) & (table.count - 1)
            return bytes.withUnsafeBytes { bytes in
                while table[place] >= 0 {
                    let entry = entries[Int(table[place])]
                    if entry.byteCount == key.count,
                        memcmp(bytes.baseAddress! + entry.start, key.baseAddress!, key.count) == 0
                    {
                        return entry.pair
                    }
                    place = (place + 1) & (table.count - 1)
                }
                return nil
            }
        }
    }

    private mutating func insert(_ payload: [UInt8], _ range: Range<Int>, _ pair: UInt32) {
        if entries.count * 2 >= table.count {
            table = [Int32](repeating: -1, count: table.count * 2)
            for index in entries.indices { note(index) }
        }
        entries.append(Entry(start: bytes.count, byteCount: range.count, pair: pair))
        bytes.append(contentsOf: payload[range])
        note(entries.count - 1)
    }

    private mutating func note(_ index: Int) {
        let entry = entries[index]
        var place =
            bytes.withUnsafeBytes {
                Self.hash(UnsafeRawBufferPointer(rebasing: $0[entry.start..<entry.start + entry.byteCount]))
            } & (table.count - 1)
        while table[place] >= 0 { place = (place + 1) & (table.count - 1) }
        table[place] = Int32(index)
    }

    /// Swift's own hash, seeded for each process: no labels can be made to collide.
    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return hasher.finalize() & Int.max
    }
}
