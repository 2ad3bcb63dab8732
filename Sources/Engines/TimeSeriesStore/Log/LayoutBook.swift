import BinaryCoding

/// The layouts of the segment that is written to, with what was written of each last.
struct LayoutBook {
    private var layouts: [(hash: UInt64, model: ColumnModel)] = []
    private var byHash: [UInt64: Int] = [:]
    private var numberCount = 0
    private var segment: UInt64 = 0
    private var mustForget = false

    /// Past this many series in all layouts all are forgotten: 64 bytes each would else grow without end where every reading has
    /// other series.
    static let numberCountMax = 1 << 18

    enum Flag {
        /// The list of series follows.
        static let declares: UInt8 = 1
        /// All series begin anew.
        static let begins: UInt8 = 2
        /// Layouts before this record are not used any more.
        static let forgets: UInt8 = 4
    }

    /// Adds the records of one reading.
    mutating func write(
        _ numbers: [UInt32], _ time: Int64, _ values: [Double], in segment: UInt64, to records: inout ByteWriter
    ) {
        if self.segment != segment {
            forgetAll()
            mustForget = false
            self.segment = segment
        }
        for start in stride(from: 0, to: numbers.count, by: LogFormat.columnCountMax) {
            let end = min(numbers.count, start + LogFormat.columnCountMax)
            if end - start == numbers.count {
                writePart(numbers, time, values[...], to: &records)
            } else {
                writePart(Array(numbers[start..<end]), time, values[start..<end], to: &records)
            }
        }
    }

    private mutating func writePart(
        _ numbers: [UInt32], _ time: Int64, _ values: ArraySlice<Double>, to records: inout ByteWriter
    ) {
        let hash = Self.hash(numbers)
        var flags: UInt8 = 0
        let place: Int
        if let known = byHash[hash], layouts[known].model.numbers == numbers {
            place = known
        } else {
            if numberCount + numbers.count > Self.numberCountMax {
                forgetAll()
                mustForget = true
            }
            if mustForget { flags |= Flag.forgets }
            mustForget = false
            flags |= Flag.declares
            place = layouts.count
            layouts.append((hash, ColumnModel(numbers)))
            byHash[hash] = place
            numberCount += numbers.count
        }
        if layouts[place].model.chain == 0 || layouts[place].model.chain >= LogFormat.chainLengthMax
            || numbers.count < LogFormat.chainedCountMin
        {
            flags |= Flag.begins
            layouts[place].model.beginAnew()
        }
        records.record(.columns) { writer in
            writer.byte(flags)
            writer.varint(place)
            writer.zigzag(time)
            if flags & Flag.begins == 0 { writer.varint(layouts[place].model.chain) }
            if flags & Flag.declares != 0 {
                writer.varint(numbers.count)
                var last: Int64 = 0
                for number in numbers {
                    writer.zigzag(Int64(number) - last)
                    last = Int64(number)
                }
            }
            var sink = BitSink()
            layouts[place].model.encode(values, into: &sink)
            writer.raw(sink.finish())
        }
        layouts[place].model.chain += 1
    }

    /// To be called when records made here were not written: what follows must not lean on them.
    mutating func takeBack() {
        forgetAll()
        mustForget = true
    }

    private mutating func forgetAll() {
        layouts = []
        byHash = [:]
        numberCount = 0
    }

    private static func hash(_ numbers: [UInt32]) -> UInt64 {
        var hash = UInt64(numbers.count)
        for number in numbers { hash = (hash ^ UInt64(number)) &* 0x9E37_79B9_7F4A_7C15 ^ hash >> 31 }
        return hash
    }
}

/// The layouts of a segment while it is read.
struct LayoutReader {
    /// A layout with the places of its series in the head; -1 for a series that is not known.
    private struct Layout {
        var model: ColumnModel
        var places: [Int32] = []
        /// When the places were looked up; nothing was declared since while it is `declarations`.
        var lookedUpAt = -1
        var march: March?
    }

    /// What became of a record.
    struct Reading {
        var time: Int64
        var storedCount: Int
        /// Samples of series that are not known.
        var unknownCount: Int
    }

    private var layouts: [Int: Layout] = [:]
    /// The layout whose march each series of the head belongs to, plus one, perhaps a march that has ended; 0 for none.
    private var owners: [Int32] = []
    /// Records that cannot be read because one before them is missing.
    private(set) var sampleCountLost: Int64 = 0
    private var declarations = 0

    /// Series were declared: a number may stand for another series now than when a layout with it was read.
    mutating func noteDeclarations() { declarations += 1 }

    /// Reads the next record into the head.
    /// - Parameter place: where the series of a number in the segment stands; -1 for nowhere.
    /// - Returns: nil for a record that cannot be read because one before it is missing.
    mutating func read(
        _ payload: [UInt8], into head: inout Head, place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        let result = payload.withUnsafeBytes { bytes -> Result<Reading?, CodingError> in
            do throws(CodingError) {
                var source = ByteSource(bytes)
                return .success(try read(&source, &head, place))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func read(
        _ source: inout ByteSource, _ head: inout Head, _ place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        let flags = try source.byte()
        if flags & LayoutBook.Flag.forgets != 0 {
            halt(&head)
            layouts = [:]
        }
        let key = try source.count(limit: LayoutBook.numberCountMax)
        let time = try source.zigzag()
        let begins = flags & LayoutBook.Flag.begins != 0
        let chain = begins ? 0 : try source.count(limit: LogFormat.chainLengthMax)
        if flags & LayoutBook.Flag.declares != 0 {
            let numbers = try Self.numbers(&source)
            halt(key, &head)
            layouts[key] = Layout(model: ColumnModel(numbers))
        }
        // Out of the dictionary and back, so that its arrays are changed in place.
        guard var layout = layouts.removeValue(forKey: key) else {
            // Its declaration was in damaged bytes; how many samples there were is not known.
            sampleCountLost += 1
            return nil
        }
        if begins || layout.lookedUpAt != declarations { head.halt(&layout.march) }
        if begins { layout.model.beginAnew() }
        guard begins || layout.model.chain == chain, begins || chain > 0 else {
            head.halt(&layout.march)
            sampleCountLost += Int64(layout.model.numbers.count)
            layout.model.chain = 0
            layouts[key] = layout
            return nil
        }
        var bits = source.bits()
        do throws(CodingError) {
            try layout.model.decode(&bits)
        } catch {
            head.halt(&layout.march)
            throw error
        }
        if layout.lookedUpAt != declarations {
            layout.places = layout.model.numbers.map(place)
            layout.lookedUpAt = declarations
        }
        let reading = take(&layout, key, time, &head)
        layout.model.chain += 1
        layouts[key] = layout
        return reading
    }

    private mutating func take(_ layout: inout Layout, _ key: Int, _ time: Int64, _ head: inout Head) -> Reading {
        if layout.march != nil, head.advance(&layout.march!, to: time, layout.model.changed, layout.model.bits) {
            return Reading(time: time, storedCount: layout.places.count, unknownCount: 0)
        }
        if layout.march != nil {
            head.halt(&layout.march)
            head.sealTogether(layout.places, before: time)
        }
        let isOwn = claim(layout.places, for: key, &head)
        let (stored, unknown) = head.replay(layout.places, time, layout.model.bits)
        if isOwn, stored == layout.places.count { layout.march = head.march(layout.places) }
        return Reading(time: time, storedCount: stored, unknownCount: unknown)
    }

    /// Ends the marches of other layouts that the series belong to.
    /// - Returns: whether the series can march: all are known, and none comes twice.
    private mutating func claim(_ places: [Int32], for key: Int, _ head: inout Head) -> Bool {
        if owners.count < head.series.count {
            owners += [Int32](repeating: 0, count: max(head.series.count - owners.count, owners.count))
        }
        let own = Int32(key + 1)
        var isOwn = true
        for place in places {
            guard place >= 0 else {
                isOwn = false
                continue
            }
            let owner = owners[Int(place)]
            if owner > 0, owner != own { halt(Int(owner) - 1, &head) }
            // Twice in one reading: it is its own owner already.
            if owner == -own { isOwn = false }
            owners[Int(place)] = -own
        }
        for place in places where place >= 0 { owners[Int(place)] = own }
        return isOwn
    }

    private mutating func halt(_ key: Int, _ head: inout Head) {
        guard layouts[key]?.march != nil else { return }
        head.halt(&layouts[key]!.march)
    }

    /// Ends all marches: to be called before anything else looks at the head's samples or adds some.
    mutating func halt(_ head: inout Head) {
        for key in layouts.keys.sorted() { halt(key, &head) }
    }

    static func numbers(_ source: inout ByteSource) throws(CodingError) -> [UInt32] {
        let count = try source.count(limit: min(LogFormat.columnCountMax, source.remaining))
        var numbers: [UInt32] = []
        numbers.reserveCapacity(count)
        var last: Int64 = 0
        for _ in 0..<count {
            last &+= try source.zigzag()
            guard let number = UInt32(exactly: last) else { throw CodingError(.invalid, at: source.offset) }
            numbers.append(number)
        }
        return numbers
    }
}
