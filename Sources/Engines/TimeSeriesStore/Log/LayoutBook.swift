import BinaryCoding

/// The layouts of the segment that is written to, with what was written of each last.
struct LayoutBook {
    private struct Layout {
        var hash: UInt64
        var model: ColumnModel
        var run: Run?
    }

    /// Readings since the head began a chunk with one.
    private struct Run {
        var stretch: Stretch
        var times: [Int64]
    }

    private var layouts: [Layout] = []
    /// Layouts whose series have come to the end of their chunks with the last reading.
    private var complete: [Int] = []
    private var byHash: [UInt64: Int] = [:]
    private var numberCount = 0
    private var segment: UInt64 = 0
    /// Where the next records will stand in the segment.
    var segmentEnd: Int64 = 0
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
    /// - Parameter beginsChunk: whether the head begins a chunk of these series with this reading, as far as the first of them tells.
    mutating func write(
        _ numbers: [UInt32], _ time: Int64, _ values: [Double], in segment: UInt64, to records: inout ByteWriter,
        beginsChunk: Bool = false
    ) {
        if self.segment != segment {
            forgetAll()
            mustForget = false
            self.segment = segment
        }
        for first in stride(from: 0, to: numbers.count, by: LogFormat.columnCountMax) {
            let end = min(numbers.count, first + LogFormat.columnCountMax)
            if end - first == numbers.count {
                let record = records.count
                let isLong = numbers.count >= Head.stretchSeriesCountMin
                let place = writePart(numbers, time, values[...], beginsAnew: isLong && beginsChunk, to: &records)
                if isLong { note(place, time, record, beginsChunk, records) }
            } else {
                writePart(Array(numbers[first..<end]), time, values[first..<end], beginsAnew: false, to: &records)
            }
        }
    }

    /// Notes the record of a reading for the stretch that it may become a part of.
    private mutating func note(
        _ place: Int, _ time: Int64, _ record: Int, _ beginsChunk: Bool, _ records: ByteWriter
    ) {
        let offset = segmentEnd + Int64(record)
        if beginsChunk {
            let stretch = Stretch(firstRecord: offset, lastRecord: offset, lastChecksum: 0, recordCount: 0)
            layouts[place].run = Run(stretch: stretch, times: [])
            layouts[place].run!.times.reserveCapacity(Head.openCountMax)
        }
        guard layouts[place].run != nil else { return }
        layouts[place].run!.times.append(time)
        layouts[place].run!.stretch.recordCount += 1
        guard layouts[place].run!.times.count == Head.openCountMax else { return }
        var header = ByteReader(records.bytes, in: record..<record + LogFormat.recordHeaderByteCount)
        layouts[place].run!.stretch.lastRecord = offset
        // A record that was just written has its header; without it there would be no stretch, which costs the next start time.
        guard (try? header.skip(9)) != nil, let checksum = try? header.fixed(UInt32.self) else { return }
        layouts[place].run!.stretch.lastChecksum = checksum
        complete.append(place)
    }

    /// The stretches that ended with the last readings: with their series and the times of their readings.
    mutating func takeComplete() -> [(stretch: Stretch, numbers: [UInt32], times: [Int64])] {
        guard !complete.isEmpty else { return [] }
        defer { complete = [] }
        return complete.compactMap { place in
            guard let run = layouts[place].run else { return nil }
            layouts[place].run = nil
            return (run.stretch, layouts[place].model.numbers, run.times)
        }
    }

    /// - Returns: the place of the layout.
    @discardableResult
    private mutating func writePart(
        _ numbers: [UInt32], _ time: Int64, _ values: ArraySlice<Double>, beginsAnew: Bool,
        to records: inout ByteWriter
    ) -> Int {
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
            layouts.append(Layout(hash: hash, model: ColumnModel(numbers)))
            byHash[hash] = place
            numberCount += numbers.count
        }
        if layouts[place].model.chain == 0 || layouts[place].model.chain >= LogFormat.chainLengthMax
            || numbers.count < LogFormat.chainedCountMin || beginsAnew
        {
            flags |= Flag.begins
            // With the list again, so that no reading depends on a record before this one. Of a short layout the list would be most of the record.
            if numbers.count >= LogFormat.chainedCountMin { flags |= Flag.declares }
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
        return place
    }

    /// To be called when records made here were not written: what follows must not lean on them.
    mutating func takeBack() {
        forgetAll()
        mustForget = true
    }

    private mutating func forgetAll() {
        layouts = []
        complete = []
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

    /// The records of a stretch as far as they have come; they count when it turns out that it cannot be taken.
    private struct Waiting {
        var stretch: Stretch
        var payloads: [[UInt8]]
        /// Of its series, as they were declared when it began.
        var places: [Int32]
    }

    private var layouts: [Int: Layout] = [:]
    private var waiting: [Int: Waiting] = [:]
    private let stretches: StoredStretches
    /// The layout whose march each series of the head belongs to, plus one, perhaps a march that has ended; 0 for none.
    private var owners: [Int32] = []
    /// Records that cannot be read because one before them is missing.
    private(set) var sampleCountLost: Int64 = 0
    /// Samples that came by the records of stretches that could not be taken, and the newest of their times.
    private(set) var settledCount: Int64 = 0
    private(set) var settledTime = Int64.min
    /// Samples that came by stretches.
    private(set) var takenCount: Int64 = 0
    private var declarations = 0

    init(_ stretches: StoredStretches = StoredStretches()) {
        self.stretches = stretches
    }

    /// Series were declared: a number may stand for another series now than when a layout with it was read.
    mutating func noteDeclarations() { declarations += 1 }

    /// Reads the next record into the head.
    /// - Parameters:
    ///   - offset: of the record in the segment.
    ///   - place: where the series of a number in the segment stands; -1 for nowhere.
    /// - Returns: nil for a record that cannot be read because one before it is missing.
    mutating func read(
        _ payload: [UInt8], at offset: Int64, into head: inout Head, place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        if let reading = try readStretch(payload, offset, &head, place) { return reading }
        return try readNow(payload, &head, place)
    }

    private mutating func readNow(
        _ payload: [UInt8], _ head: inout Head, _ place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        try ByteSource.reading(payload) { source throws(CodingError) in try readNow(&source, &head, place) }
    }

    /// What stands before the list of series and the bits of a record.
    struct Opening {
        private let flags: UInt8
        let key: Int
        let time: Int64
        /// How many readings after one that began anew; 0 for such a one.
        let chain: Int

        var begins: Bool { flags & LayoutBook.Flag.begins != 0 }
        var declares: Bool { flags & LayoutBook.Flag.declares != 0 }
        var forgets: Bool { flags & LayoutBook.Flag.forgets != 0 }

        init(_ source: inout ByteSource) throws(CodingError) {
            flags = try source.byte()
            key = try source.count(limit: LayoutBook.numberCountMax)
            time = try source.zigzag()
            chain = flags & LayoutBook.Flag.begins != 0 ? 0 : try source.count(limit: LogFormat.chainLengthMax)
        }
    }

    // MARK: Stretches

    /// Keeps the record where it is of a stretch that is known, and takes the stretch with its last record.
    /// - Returns: nil for a record that is to be read as it is.
    private mutating func readStretch(
        _ payload: [UInt8], _ offset: Int64, _ head: inout Head, _ place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        let begun = stretches.stretch(from: offset)
        guard begun != nil || !waiting.isEmpty else { return nil }
        let (opening, numbers) = try Self.opening(payload)
        if opening.forgets { flushAll(&head) }
        let key = opening.key
        if waiting[key] != nil {
            guard begun == nil, !opening.declares else {
                flush(key, &head)
                return try readStretch(payload, offset, &head, place)
            }
            waiting[key]!.payloads.append(payload)
            return Reading(time: opening.time, storedCount: end(key, offset, &head), unknownCount: 0)
        }
        // One that goes on from what is not here cannot begin a stretch, and one that does more than that is read at once.
        guard let begun, opening.begins, !opening.forgets,
            let known = numbers ?? layouts[key]?.model.numbers
        else { return nil }
        halt(key, &head)
        if numbers != nil { layouts[key] = Layout(model: ColumnModel(known)) }
        let places = known.map(place)
        guard !places.contains(-1), claim(places, for: key, &head) else { return nil }
        waiting[key] = Waiting(stretch: begun, payloads: [payload], places: places)
        return Reading(time: opening.time, storedCount: end(key, offset, &head), unknownCount: 0)
    }

    private static func opening(_ payload: [UInt8]) throws(CodingError) -> (Opening, [UInt32]?) {
        try ByteSource.reading(payload) { source throws(CodingError) in
            let opening = try Opening(&source)
            return (opening, opening.declares ? try numbers(&source) : nil)
        }
    }

    /// Takes the stretch whose last record has come.
    /// - Returns: the samples that came by it; those that came by its records are counted as settled.
    private mutating func end(_ key: Int, _ offset: Int64, _ head: inout Head) -> Int {
        guard let own = waiting[key], offset >= own.stretch.lastRecord else { return 0 }
        let last = own.payloads[own.payloads.count - 1]
        // With a record of it damaged it is not taken, although it has the samples: a repair writes the log anew by what the log says, and must
        // leave what a start before it gave.
        guard offset == own.stretch.lastRecord, own.payloads.count == own.stretch.recordCount,
            LogFormat.checksum(.columns, last) == own.stretch.lastChecksum,
            let (payload, page) = stretches.contents(of: own.stretch),
            let taken = head.take(payload, of: own.places, in: page)
        else {
            flush(key, &head)
            return 0
        }
        waiting[key] = nil
        takenCount += Int64(taken)
        // The writer begins anew after a stretch; whoever goes on all the same is not understood.
        layouts[key]?.model.chain = 0
        return taken
    }

    /// Reads the records of a stretch that cannot be taken.
    private mutating func flush(_ key: Int, _ head: inout Head) {
        guard let own = waiting.removeValue(forKey: key) else { return }
        let numbers = layouts[key]?.model.numbers ?? []
        let places = Dictionary(zip(numbers, own.places)) { first, _ in first }
        for payload in own.payloads {
            do throws(CodingError) {
                guard let reading = try readNow(payload, &head, { places[$0] ?? -1 }) else { continue }
                settledCount += Int64(reading.storedCount)
                if reading.storedCount > 0 { settledTime = max(settledTime, reading.time) }
            } catch {
                // The checksum held when the record came; how its contents make no sense helps nobody now.
                sampleCountLost += Int64(numbers.count)
            }
        }
    }

    private mutating func flushAll(_ head: inout Head) {
        for key in waiting.keys.sorted() { flush(key, &head) }
    }

    /// Reads the records of a stretch that a series belongs to which something else is about to touch.
    mutating func settle(_ place: Int, _ head: inout Head) {
        guard !waiting.isEmpty, place < owners.count, owners[place] > 0 else { return }
        flush(Int(owners[place]) - 1, &head)
    }

    /// Reads the records of all stretches that have not come to their end.
    mutating func settleAll(_ head: inout Head) { flushAll(&head) }

    // MARK: Records

    private mutating func readNow(
        _ source: inout ByteSource, _ head: inout Head, _ place: (UInt32) -> Int32
    ) throws(CodingError) -> Reading? {
        let opening = try Opening(&source)
        let (key, time) = (opening.key, opening.time)
        let (begins, chain) = (opening.begins, opening.chain)
        if opening.forgets {
            halt(&head)
            layouts = [:]
        }
        if opening.declares {
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
            if owner > 0, owner != own {
                flush(Int(owner) - 1, &head)
                halt(Int(owner) - 1, &head)
            }
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
