import BinaryCoding
import Series

// Reading a log back means doing again what was done before: decode each reading, collect sixty of them, encode the chunk. So when the sixty
// readings of a layout have become chunks, these are written beside the log (`<data>/series/head/<segment>.chunks`), with the places in the
// log where the sixty begin and end. A start that comes to the first of them keeps the sixty records as they are, takes the chunks from that file
// when it has come to the last, and leaves the chunks where they lie.
//
// The file is a copy and no record of anything: it is not synced, what of it is missing or damaged is read from the log, and nothing in
// it counts unless the log has these very records. `docs/formats/series-head.md` is the exact description.

/// Sixty readings of one layout as chunks.
struct Stretch {
    /// Where in the segment the first of its records begins, and the last one.
    var firstRecord: Int64
    var lastRecord: Int64
    /// The checksum of the last record: what else stands at this place is another record.
    var lastChecksum: UInt32
    var recordCount: Int

    static let headByteCount = 24

    init(firstRecord: Int64, lastRecord: Int64, lastChecksum: UInt32, recordCount: Int) {
        self.firstRecord = firstRecord
        self.lastRecord = lastRecord
        self.lastChecksum = lastChecksum
        self.recordCount = recordCount
    }

    /// Reads the head of a payload.
    init(_ reader: inout ByteReader) throws(CodingError) {
        firstRecord = try reader.fixed()
        lastRecord = try reader.fixed()
        lastChecksum = try reader.fixed()
        recordCount = Int(try reader.fixed(UInt32.self))
    }

    func writeHead(to writer: inout ByteWriter) {
        writer.fixed(firstRecord)
        writer.fixed(lastRecord)
        writer.fixed(lastChecksum)
        writer.fixed(UInt32(recordCount))
    }
}

/// The contents of a stretch behind its head: where the chunks of each of its series lie in the payload.
private struct StretchContents {
    struct Chunk {
        /// In the payload; of a value that stands still, empty.
        var range: Range<Int>
        /// The newest value.
        var lastBits: UInt64
    }

    var first: Int64 = 0
    var last: Int64 = 0
    var sampleCount = 0
    var times = 0..<0
    var chunks: [Chunk] = []

    init(_ payload: [UInt8]) throws(CodingError) {
        var reader = ByteReader(payload)
        try reader.skip(Stretch.headByteCount)
        first = try reader.fixed()
        last = try reader.fixed()
        sampleCount = try reader.count(limit: Head.openCountMax)
        times = try Self.bytes(&reader, try reader.count())
        let count = try reader.count(limit: LogFormat.columnCountMax)
        chunks.reserveCapacity(count)
        for _ in 0..<count {
            let length = try reader.count()
            let range = length == 0 ? 0..<0 : try Self.bytes(&reader, length)
            chunks.append(Chunk(range: range, lastBits: try reader.fixed()))
        }
        guard reader.isAtEnd, sampleCount > 0 else { throw CodingError(.invalid, at: reader.offset) }
    }

    /// Bytes with a checksum behind them, which is looked at when they are read.
    private static func bytes(_ reader: inout ByteReader, _ count: Int) throws(CodingError) -> Range<Int> {
        let start = reader.offset
        try reader.skip(count + BytePage.checksumByteCount)
        return start..<start + count
    }
}

extension Head {
    /// Shorter lists of series are read back as quickly as they are written down.
    static let stretchSeriesCountMin = 64

    /// Whether the next sample of the series, at `time`, begins a chunk.
    func beginsChunk(_ number: Int, at time: Int64) -> Bool {
        let own = series[number]
        return own.openCount == 0 || own.openCount == Self.openCountMax
            || time >= columns[Int(own.column)].spanEnd
    }

    /// The open chunks of series as the payload of a record, where their samples are exactly the readings at `times`.
    /// - Returns: nil where they are not.
    func stretchPayload(_ stretch: Stretch, _ numbers: [UInt32], _ readings: [Int64]) -> [UInt8]? {
        guard let leader = numbers.first.map({ series[Int($0)] }), leader.column >= 0,
            columns[Int(leader.column)].times == readings
        else { return nil }
        for number in numbers {
            let own = series[Int(number)]
            guard own.column == leader.column, Int(own.openCount) == readings.count, !own.hasOpenHistograms else {
                return nil
            }
        }
        var writer = ByteWriter(reserving: numbers.count * 64)
        stretch.writeHead(to: &writer)
        writer.fixed(readings[0])
        writer.fixed(readings[readings.count - 1])
        writer.varint(readings.count)
        var times: [UInt8] = []
        readings.withUnsafeBufferPointer { encodeIntegers($0, into: &times) }
        Self.add(times, to: &writer)
        writer.varint(numbers.count)
        for number in numbers {
            let own = series[Int(number)]
            if own.row >= 0 {
                Self.add(Self.encodedRow(of: own, values), to: &writer)
                writer.fixed(own.lastBits)
            } else {
                writer.varint(0)
                writer.fixed(own.constant.bitPattern)
            }
            guard writer.count < LogFormat.payloadByteCountMax - 1024 else { return nil }
        }
        return writer.bytes
    }

    private static func add(_ bytes: [UInt8], to writer: inout ByteWriter) {
        writer.varint(bytes.count)
        writer.raw(bytes)
        writer.fixed(Checksum.of(bytes))
    }

    /// Puts the chunks of a stretch into the place of the open samples that they were made of.
    mutating func replaceOpen(_ numbers: [UInt32], by payload: [UInt8], in page: HeadPage) {
        for number in numbers {
            let own = series[Int(number)]
            if own.row >= 0 { values.giveBack(own.row) }
            series[Int(number)].row = -1
            series[Int(number)].openCount = 0
            series[Int(number)].column = -1
            release(own.column)
        }
        // How it fails says nothing: what is read here was written a moment ago.
        guard let contents = try? StretchContents(payload) else {
            preconditionFailure("a stretch that was just written cannot be read")
        }
        add(contents, of: numbers.map { Int32($0) }, in: page)
    }

    /// Takes a stretch that stands for the readings that come next of these series.
    /// - Parameter places: the numbers of the series in the head, each once; -1 for one that is not known.
    /// - Returns: the samples that were taken; nil where the stretch does not follow what there is: nothing has changed then.
    mutating func take(_ payload: [UInt8], of places: [Int32], in page: HeadPage) -> Int? {
        // What cannot be read is read from the log.
        guard let contents = try? StretchContents(payload), contents.chunks.count == places.count else { return nil }
        if contents.last < minimumTime { return 0 }
        let end = spanStart(of: contents.first, spanMilliseconds) + spanMilliseconds
        guard contents.first >= minimumTime, contents.last < end else { return nil }
        for place in places {
            guard place >= 0, series[Int(place)].lastTime < contents.first else { return nil }
        }
        for (place, chunk) in zip(places, contents.chunks) {
            seal(Int(place))
            series[Int(place)].lastTime = contents.last
            series[Int(place)].lastBits = chunk.lastBits
        }
        add(contents, of: places, in: page)
        return places.count * contents.sampleCount
    }

    private mutating func add(_ contents: StretchContents, of places: [Int32], in page: HeadPage) {
        let span = span(endingAt: spanStart(of: contents.first, spanMilliseconds) + spanMilliseconds)
        let number = spans[span].add(page)
        let time = spans[span].addTimes(
            at: contents.times, in: number, of: Int(places[0]), count: contents.sampleCount, first: contents.first,
            last: contents.last)
        for (place, chunk) in zip(places, contents.chunks) {
            if chunk.range.isEmpty {
                spans[span].addStanding(chunk.lastBits, of: Int(place), time: time)
            } else {
                spans[span].addChunk(at: chunk.range, in: number, of: Int(place), time: time)
            }
        }
    }
}
