import BinaryCoding
import Series

/// The index of a block in memory: flat columns, no object a series.
struct BlockIndex: Sendable {
    struct Frame: Sendable {
        var fileOffset: Int64
        var storedByteCount: Int
        /// Where its contents begin among those of all frames.
        var start: Int64
        var byteCount: Int
        var codec: BlockFormat.Codec
        var checksum: UInt32
    }

    struct TimeEntry: Sendable {
        /// Among the contents of all frames.
        var offset: Int64
        var byteCount: Int32
        var sampleCount: Int32
        var first: Int64
        var last: Int64
    }

    struct ChunkEntry: Sendable {
        /// Among the contents of all frames; in version 1 in the file.
        var offset: Int64
        var byteCount: Int32
        /// In version 1 times and values are one chunk, and this entry says its range alone.
        var time: Int32
    }

    let version: Int
    private let symbols: [String]
    private var pairNames: [UInt32] = []
    private var pairValues: [UInt32] = []
    private var identities: [Identity] = []
    /// The pairs of all series.
    private var labelPairs: [UInt32] = []
    /// Where the labels of series n begin in `labelPairs`; one more entry at the end.
    private var labelStarts: [UInt32] = [0]
    private(set) var frames: [Frame] = []
    private(set) var times: [TimeEntry] = []
    private(set) var chunks: [ChunkEntry] = []
    private var chunkStarts: [UInt32] = [0]
    /// The series of pair n are from `postingStarts[n]` to the next in `postings`.
    private var postings: [UInt32] = []
    private var postingStarts: [UInt32] = []
    private(set) var metadata: [MetricMetadata] = []
    /// Names of the blocks that this one was made of.
    private(set) var sources: [String] = []

    var seriesCount: Int { labelStarts.count - 1 }
    var pairCount: Int { pairNames.count }
    /// What it takes in memory, roughly.
    var byteCount: Int {
        labelPairs.count * 8 + chunks.count * 16 + times.count * 32 + symbols.count * 48 + pairNames.count * 24
            + seriesCount * 8
    }

    /// Reads version 2.
    /// - Parameter chunkEnd: where the frames end in the file; one beyond is refused.
    init(_ bytes: [UInt8], start: Int64, chunkEnd: Int64) throws(CodingError) {
        version = 2
        var reader = ByteReader(bytes)
        symbols = try Self.symbols(&reader, bytes.count)
        try readFrames(&reader, bytes.count, chunkEnd)
        let contentEnd = frames.last.map { $0.start + Int64($0.byteCount) } ?? 0
        try readPairs(&reader, bytes.count)
        try readTimes(&reader, bytes.count, start, contentEnd)
        try readSeries(&reader, bytes.count, contentEnd)
        for _ in 0..<(try reader.count(limit: bytes.count)) { metadata.append(try reader.metadata(hasUnit: true)) }
        for _ in 0..<(try reader.count(limit: bytes.count)) { sources.append(try reader.text()) }
        makePostings()
    }

    private static func symbols(_ reader: inout ByteReader, _ limit: Int) throws(CodingError) -> [String] {
        var symbols: [String] = []
        let count = try reader.count(limit: limit)
        symbols.reserveCapacity(count)
        for _ in 0..<count { symbols.append(try reader.text()) }
        return symbols
    }

    private mutating func readFrames(
        _ reader: inout ByteReader, _ limit: Int, _ chunkEnd: Int64
    ) throws(CodingError) {
        var fileOffset = Int64(BlockFormat.headerByteCount)
        var start: Int64 = 0
        for _ in 0..<(try reader.count(limit: limit)) {
            let stored = try reader.count()
            let count = try reader.count(limit: BlockFormat.frameByteCountMax)
            guard let codec = BlockFormat.Codec(rawValue: try reader.byte()) else {
                throw CodingError(.invalid, at: reader.offset)
            }
            frames.append(
                Frame(
                    fileOffset: fileOffset, storedByteCount: stored, start: start, byteCount: count, codec: codec,
                    checksum: try reader.fixed()))
            fileOffset += Int64(stored)
            start += Int64(count)
            guard fileOffset <= chunkEnd else { throw CodingError(.invalid, at: reader.offset) }
        }
    }

    private mutating func readPairs(_ reader: inout ByteReader, _ limit: Int) throws(CodingError) {
        let hashes = symbols.map { Identity($0) }
        let count = try reader.count(limit: limit)
        for _ in 0..<count {
            let name = try reader.count(limit: symbols.count - 1)
            let value = try reader.count(limit: symbols.count - 1)
            addPair(name, value, hashes)
        }
    }

    private mutating func addPair(_ name: Int, _ value: Int, _ hashes: [Identity]) {
        pairNames.append(UInt32(name))
        pairValues.append(UInt32(value))
        var identity = hashes[name]
        identity.add(hashes[value])
        identities.append(identity)
    }

    private mutating func readTimes(
        _ reader: inout ByteReader, _ limit: Int, _ start: Int64, _ contentEnd: Int64
    ) throws(CodingError) {
        var offset: Int64 = 0
        for _ in 0..<(try reader.count(limit: limit)) {
            offset += Int64(try reader.count())
            let length = try reader.count()
            let count = try reader.count(limit: 1 << 20)
            let first = start &+ (try reader.zigzag())
            let last = first &+ Int64(bitPattern: try reader.varint())
            times.append(
                TimeEntry(
                    offset: offset, byteCount: Int32(length), sampleCount: Int32(count), first: first, last: last))
            offset += Int64(length)
            guard offset <= contentEnd, count > 0, last >= first else { throw CodingError(.invalid, at: reader.offset) }
        }
    }

    private mutating func readSeries(
        _ reader: inout ByteReader, _ limit: Int, _ contentEnd: Int64
    ) throws(CodingError) {
        var offset: Int64 = 0
        let count = try reader.count(limit: limit)
        labelStarts.reserveCapacity(count + 1)
        chunkStarts.reserveCapacity(count + 1)
        for _ in 0..<count {
            for _ in 0..<(try reader.count(limit: limit)) {
                labelPairs.append(UInt32(try reader.count(limit: pairNames.count - 1)))
            }
            labelStarts.append(UInt32(labelPairs.count))
            for _ in 0..<(try reader.count(limit: limit)) {
                offset += Int64(try reader.count())
                let length = try reader.count()
                let time = try reader.count(limit: times.count - 1)
                chunks.append(ChunkEntry(offset: offset, byteCount: Int32(length), time: Int32(time)))
                offset += Int64(length)
                guard offset <= contentEnd, length > 0 else { throw CodingError(.invalid, at: reader.offset) }
            }
            chunkStarts.append(UInt32(chunks.count))
        }
    }

    /// Counts the series of each pair, then puts each series in its places.
    private mutating func makePostings() {
        var starts = [UInt32](repeating: 0, count: pairNames.count + 1)
        for pair in labelPairs { starts[Int(pair) + 1] += 1 }
        for pair in pairNames.indices { starts[pair + 1] += starts[pair] }
        postingStarts = starts
        postings = [UInt32](repeating: 0, count: labelPairs.count)
        for series in 0..<seriesCount {
            for pair in labelPairs[Int(labelStarts[series])..<Int(labelStarts[series + 1])] {
                postings[Int(starts[Int(pair)])] = UInt32(series)
                starts[Int(pair)] += 1
            }
        }
    }

    func pairs(of series: Int) -> ArraySlice<UInt32> {
        labelPairs[Int(labelStarts[series])..<Int(labelStarts[series + 1])]
    }

    func labels(of series: Int) -> Labels {
        Labels(
            sorted: pairs(of: series).map {
                Labels.Label(symbols[Int(pairNames[Int($0)])], symbols[Int(pairValues[Int($0)])])
            })
    }

    func identity(of series: Int) -> Identity {
        var identity = Identity.empty
        for pair in pairs(of: series) { identity.add(identities[Int(pair)]) }
        return identity
    }

    func name(of pair: UInt32) -> String { symbols[Int(pairNames[Int(pair)])] }

    /// The chunks of a series, in order of time.
    func chunkRange(of series: Int) -> Range<Int> { Int(chunkStarts[series])..<Int(chunkStarts[series + 1]) }

    /// The chunks of a series that may have samples from `start` to `end`.
    func chunks(of series: Int, from start: Int64, through end: Int64) -> Range<Int> {
        var range = chunkRange(of: series)
        while let first = range.first, times[Int(chunks[first].time)].last < start {
            range = first + 1..<range.upperBound
        }
        while let last = range.last, times[Int(chunks[last].time)].first > end { range = range.lowerBound..<last }
        return range
    }
}

extension BlockIndex {
    /// Reads version 1, whose chunks hold their times themselves and lie in the file unpacked.
    init(version1 bytes: [UInt8], start: Int64, chunkEnd: Int64) throws(CodingError) {
        version = 1
        var reader = ByteReader(bytes)
        symbols = try Self.symbols(&reader, bytes.count)
        let hashes = symbols.map { Identity($0) }
        var numbers: [UInt64: UInt32] = [:]
        var offset = Int64(BlockFormat.headerByteCount)
        for _ in 0..<(try reader.count(limit: bytes.count)) {
            for _ in 0..<(try reader.count(limit: bytes.count)) {
                let name = try reader.count(limit: symbols.count - 1)
                let value = try reader.count(limit: symbols.count - 1)
                let key = UInt64(name) << 32 | UInt64(value)
                if numbers[key] == nil {
                    numbers[key] = UInt32(pairNames.count)
                    addPair(name, value, hashes)
                }
                labelPairs.append(numbers[key]!)
            }
            labelStarts.append(UInt32(labelPairs.count))
            var timeBefore = start
            for _ in 0..<(try reader.count(limit: bytes.count)) {
                offset += Int64(try reader.count())
                let length = try reader.count()
                let first = timeBefore &+ (try reader.zigzag())
                let last = first &+ Int64(bitPattern: try reader.varint())
                let count = try reader.count(limit: 1 << 20)
                times.append(
                    TimeEntry(offset: 0, byteCount: 0, sampleCount: Int32(count), first: first, last: last))
                chunks.append(
                    ChunkEntry(offset: offset, byteCount: Int32(length), time: Int32(times.count - 1)))
                offset += Int64(length)
                guard offset <= chunkEnd, length >= BlockFormat.Version1.chunkOverhead, count > 0 else {
                    throw CodingError(.invalid, at: reader.offset)
                }
                timeBefore = last
            }
            chunkStarts.append(UInt32(chunks.count))
        }
        for _ in 0..<(try reader.count(limit: bytes.count)) { metadata.append(try reader.metadata(hasUnit: false)) }
        makePostings()
    }
}

extension BlockIndex: Postings {
    var seriesCapacity: Int { seriesCount }

    func pairs(named name: String) -> [UInt32] {
        guard let symbol = symbol(name) else { return [] }
        return pairNames.indices.filter { pairNames[$0] == symbol }.map { UInt32($0) }
    }

    func pair(_ name: String, _ value: String) -> UInt32? {
        guard let name = symbol(name), let value = symbol(value) else { return nil }
        return pairNames.indices.first { pairNames[$0] == name && pairValues[$0] == value }.map { UInt32($0) }
    }

    func value(of pair: UInt32) -> String { symbols[Int(pairValues[Int(pair)])] }

    func seriesCount(of pair: UInt32) -> Int {
        Int(postingStarts[Int(pair) + 1]) - Int(postingStarts[Int(pair)])
    }

    func insertSeries(of pair: UInt32, into set: inout SeriesSet) {
        for place in Int(postingStarts[Int(pair)])..<Int(postingStarts[Int(pair) + 1]) {
            set.insert(Int(postings[place]))
        }
    }

    func insertAll(into set: inout SeriesSet) {
        for series in 0..<seriesCount { set.insert(series) }
    }

    /// Symbols are sorted by bytes.
    private func symbol(_ text: String) -> UInt32? {
        var low = 0
        var high = symbols.count
        while low < high {
            let middle = (low + high) / 2
            if order(symbols[middle], text) < 0 { low = middle + 1 } else { high = middle }
        }
        return low < symbols.count && symbols[low].hasSameBytes(as: text) ? UInt32(low) : nil
    }
}
