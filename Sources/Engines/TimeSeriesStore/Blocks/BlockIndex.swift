import BinaryCoding
import Series

/// The index of a block in memory: flat columns, no object a series.
struct BlockIndex: Sendable {
    struct ChunkPlace: Sendable {
        var offset: Int64
        var length: Int
        var minTime: Int64
        var maxTime: Int64
        var sampleCount: Int
    }

    private let symbols: [String]
    /// Name, value, name, value … of all series, as numbers of symbols.
    private var labelSymbols: [UInt32] = []
    /// Where the labels of series n begin in `labelSymbols`; one more entry at the end.
    private var labelStarts: [UInt32] = [0]
    private var chunks: [ChunkPlace] = []
    private var chunkStarts: [UInt32] = [0]
    private(set) var metadata: [MetricMetadata] = []
    let byteCount: Int

    var seriesCount: Int { labelStarts.count - 1 }

    /// - Parameters:
    ///   - chunkEnd: where the chunks end in the file; a place beyond is refused.
    init(_ bytes: [UInt8], start: Int64, chunkEnd: Int64) throws(CodingError) {
        byteCount = bytes.count
        var reader = ByteReader(bytes)
        var symbols: [String] = []
        for _ in 0..<(try reader.count(limit: bytes.count)) { symbols.append(try reader.text()) }
        self.symbols = symbols
        var offset = Int64(BlockFormat.headerByteCount)
        for _ in 0..<(try reader.count(limit: bytes.count)) {
            for _ in 0..<(2 * (try reader.count(limit: bytes.count))) {
                labelSymbols.append(UInt32(try reader.count(limit: symbols.count - 1)))
            }
            labelStarts.append(UInt32(labelSymbols.count))
            var timeBefore = start
            for _ in 0..<(try reader.count(limit: bytes.count)) {
                offset += Int64(try reader.count())
                let length = try reader.count()
                let minTime = timeBefore &+ (try reader.zigzag())
                let maxTime = minTime &+ Int64(bitPattern: try reader.varint())
                let place = ChunkPlace(
                    offset: offset, length: length, minTime: minTime, maxTime: maxTime, sampleCount: try reader.count())
                offset += Int64(length)
                guard offset <= chunkEnd, length >= BlockFormat.chunkOverhead, place.sampleCount > 0 else {
                    throw CodingError(.invalid, at: reader.offset)
                }
                chunks.append(place)
                timeBefore = maxTime
            }
            chunkStarts.append(UInt32(chunks.count))
        }
        for _ in 0..<(try reader.count(limit: bytes.count)) { metadata.append(try reader.metadata()) }
    }

    func labels(of series: Int) -> Labels {
        let numbers = labelSymbols[Int(labelStarts[series])..<Int(labelStarts[series + 1])]
        return Labels(
            stride(from: numbers.startIndex, to: numbers.endIndex, by: 2).map {
                (symbols[Int(numbers[$0])], symbols[Int(numbers[$0 + 1])])
            })
    }

    /// The chunks of a series that may have samples from `start` to `end`.
    func chunks(of series: Int, from start: Int64, through end: Int64) -> [ChunkPlace] {
        chunks[Int(chunkStarts[series])..<Int(chunkStarts[series + 1])]
            .filter { $0.minTime <= end && $0.maxTime >= start }
    }

    /// Series that satisfy all matchers, in their order. Each matcher is asked once for each value it meets.
    func series(matching matchers: [LabelMatcher]) -> [Int] {
        var tests = matchers.map { SymbolTest($0, in: symbols) }
        return (0..<seriesCount).filter { series in
            let numbers = labelSymbols[Int(labelStarts[series])..<Int(labelStarts[series + 1])]
            return tests.indices.allSatisfy { tests[$0].matches(numbers, symbols) }
        }
    }
}

/// A matcher on numbers of symbols.
private struct SymbolTest {
    private let matcher: LabelMatcher
    private let name: UInt32?
    private let matchesMissing: Bool
    private var verdicts: [UInt32: Bool] = [:]

    init(_ matcher: LabelMatcher, in symbols: [String]) {
        self.matcher = matcher
        name = symbols.firstIndex(of: matcher.name).map { UInt32($0) }
        matchesMissing = matcher.matches("")
    }

    mutating func matches(_ numbers: ArraySlice<UInt32>, _ symbols: [String]) -> Bool {
        guard let name else { return matchesMissing }
        var place = numbers.startIndex
        while place < numbers.endIndex {
            if numbers[place] == name {
                let value = numbers[place + 1]
                if let verdict = verdicts[value] { return verdict }
                let verdict = matcher.matches(symbols[Int(value)])
                verdicts[value] = verdict
                return verdict
            }
            place += 2
        }
        return matchesMissing
    }
}
