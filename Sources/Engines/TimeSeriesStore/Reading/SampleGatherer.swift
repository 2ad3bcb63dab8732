import BinaryCoding
import DurableFiles
import Series

// Puts the samples of each series together from wherever they lie: blocks, finished and open chunks of the head, samples that came late.
// Queries, block writing, compaction and export all read through here.
//
// The usual case is quick: the pieces of a series follow each other in time, so that their sizes are known from the times alone and
// values are decoded straight into the answer; and the series of a target share their times, so that those are decoded, cut and
// joined once for all of them. Pieces that overlap (samples that came late, blocks of two resolutions) take the slow way: all samples
// are sorted, and of two of one instant the one from the better source stays.
//
// A mean stands for the samples of its step up to its own time. Where finer samples lie in there they are what it was made of, or better,
// and it is left out; everywhere else it counts, whatever lies before and after it. Coarse samples of counters are samples that came, and
// stand beside finer ones.

/// One stretch of samples of a series.
struct Piece {
    enum Source: Equatable {
        /// A chunk of the block `reader`.
        case block(reader: Int, chunk: Int)
        case headChunk(Int)
        /// Of the head's entry.
        case open(Int), late(Int), openHistograms(Int)
    }

    var source: Source
    var first: Int64
    var last: Int64
    /// Milliseconds; 0 for samples as they came.
    var resolution: Int64 = 0
}

/// The samples of a series, put together.
struct GatheredSamples {
    var times: [Int64] = []
    var values: [Double] = []
    var histograms: [HistogramSample] = []
    /// Which of them stand for a step each.
    var coarse: [CoarseStretch] = []
}

/// The pieces of many series, and their samples. For one thread.
final class SampleGatherer {
    private let range: TimeRange
    private var end: Int64 { range.end }
    let readers: [BlockReader]
    private let resolutions: [Int64]
    private let head: HeadSnapshot?
    /// Slots by identity: a series in several places has one.
    private var slots: [Identity: Int] = [:]
    private(set) var pieces: [[Piece]] = []
    /// Where the labels of each slot can be read: a series of a reader, or an entry of the head (reader -1).
    private var labelPlaces: [(reader: Int, place: Int)] = []
    /// Joined times by the pieces that they come from.
    private var joinedTimes: [[UInt64]: [Int64]] = [:]
    private var headTimes: [UInt64: [Int64]] = [:]
    private var scratch: [Double] = []
    private let headPages = HeadPageReader()
    let thinner = SampleThinner()

    /// - Parameters:
    ///   - readers: in order of time, finest resolution first.
    ///   - resolutions: of each reader's block.
    init(readers: [BlockReader], resolutions: [Int64], head: HeadSnapshot?, in range: TimeRange) {
        self.readers = readers
        self.resolutions = resolutions
        self.head = head
        self.range = range
    }

    convenience init(
        readers: [BlockReader], resolutions: [Int64], head: HeadSnapshot?, from start: Int64, through end: Int64
    ) {
        self.init(readers: readers, resolutions: resolutions, head: head, in: TimeRange(start: start, end: end))
    }

    /// Another gatherer of the same pieces, for another thread: caches and open files are its own.
    func twin() throws(StoreError) -> SampleGatherer {
        var own: [BlockReader] = []
        for reader in readers { own.append(try reader.twin()) }
        let twin = SampleGatherer(readers: own, resolutions: resolutions, head: head, in: range)
        twin.pieces = pieces
        twin.labelPlaces = labelPlaces
        return twin
    }

    var slotCount: Int { pieces.count }

    /// Takes up the series of a reader that satisfy `matchers`.
    func add(reader: Int, matching matchers: [LabelMatcher]) {
        let index = readers[reader].index
        let start = range.start(of: resolutions[reader])
        index.series(matching: matchers).forEach { series in
            let range = index.chunks(of: series, from: start, through: end)
            guard !range.isEmpty else { return }
            let slot = slot(index.identity(of: series), (reader, series))
            for chunk in range {
                let time = index.times[Int(index.chunks[chunk].time)]
                pieces[slot].append(
                    Piece(
                        source: .block(reader: reader, chunk: chunk), first: time.first, last: time.last,
                        resolution: resolutions[reader]))
            }
        }
    }

    /// Takes up the series of the head.
    func addHead() {
        guard let head else { return }
        // Where nothing is from blocks, no series can have come before.
        let isAlone = pieces.isEmpty
        pieces.reserveCapacity(pieces.count + head.entries.count)
        labelPlaces.reserveCapacity(pieces.count + head.entries.count)
        for (place, entry) in head.entries.enumerated() {
            let slot = isAlone ? newSlot((-1, place)) : slot(head.identity(of: entry), (-1, place))
            for chunk in entry.chunks {
                let time = head.spans[Int(head.chunks[chunk].span)].times[Int(head.chunks[chunk].time)]
                pieces[slot].append(Piece(source: .headChunk(chunk), first: time.first, last: time.last))
            }
            if entry.column >= 0 {
                let times = head.columns[Int(entry.column)]
                pieces[slot].append(
                    Piece(source: .open(place), first: times[0], last: times[Int(entry.openCount) - 1]))
            }
            if entry.histograms >= 0 {
                let times = head.histograms[Int(entry.histograms)].times
                pieces[slot].append(Piece(source: .openHistograms(place), first: times[0], last: times.last!))
            }
            if entry.late >= 0 {
                let times = head.lates[Int(entry.late)].times
                pieces[slot].append(Piece(source: .late(place), first: times[0], last: times.last!))
            }
        }
    }

    private func slot(_ identity: Identity, _ place: (reader: Int, place: Int)) -> Int {
        if let known = slots[identity] { return known }
        slots[identity] = pieces.count
        return newSlot(place)
    }

    private func newSlot(_ place: (reader: Int, place: Int)) -> Int {
        pieces.append([])
        labelPlaces.append(place)
        return pieces.count - 1
    }

    func labels(of slot: Int) -> Labels {
        let place = labelPlaces[slot]
        return place.reader >= 0
            ? readers[place.reader].index.labels(of: place.place) : head!.labels(of: head!.entries[place.place])
    }

    func identity(of slot: Int) -> Identity {
        let place = labelPlaces[slot]
        return place.reader >= 0
            ? readers[place.reader].index.identity(of: place.place) : head!.identity(of: head!.entries[place.place])
    }

    // MARK: Sources of labels, for sorting: the readers, and the head after them.

    var sourceCount: Int { readers.count + 1 }

    func source(of slot: Int) -> Int { labelPlaces[slot].reader >= 0 ? labelPlaces[slot].reader : readers.count }

    func pairCount(of source: Int) -> Int {
        source < readers.count ? readers[source].index.pairCount : head?.table.count ?? 0
    }

    /// The pairs of a slot's series, as its source numbers them, in the order of labels.
    func pairs(of slot: Int) -> ArraySlice<UInt32> {
        let place = labelPlaces[slot]
        return place.reader >= 0
            ? readers[place.reader].index.pairs(of: place.place) : head!.labelPairs[head!.entries[place.place].labels]
    }

    func texts(of pair: UInt32, _ source: Int) -> (name: String, value: String) {
        source < readers.count
            ? (readers[source].index.name(of: pair), readers[source].index.value(of: pair))
            : (head!.table.name(of: pair), head!.table.value(of: pair))
    }

    /// Drops the pieces of a slot that cannot be read.
    func keepReadablePieces(of slot: Int) {
        let all = pieces[slot]
        pieces[slot] = all.filter { piece in
            pieces[slot] = [piece]
            // That the slot is damaged has been reported; which of its pieces are is what is asked here.
            return (try? samples(of: slot)) != nil
        }
    }

    // MARK: Samples

    /// The samples of a slot inside the range; of none, empty columns.
    func samples(of slot: Int) throws(StoreError) -> GatheredSamples {
        let pieces = pieces[slot]
        return try isPlain(pieces) ? try plainSamples(pieces[...]) : try mixedSamples(pieces)
    }

    /// The newest sample of a slot inside the range, and where pieces overlap or hold histograms the others too.
    func latestSample(of slot: Int) throws(StoreError) -> GatheredSamples {
        let pieces = pieces[slot]
        // The usual case: one open sample, which the head gave alone.
        if pieces.count == 1, case .open(let place) = pieces[0].source, head!.entries[place].openCount == 1,
            pieces[0].first >= range.start, pieces[0].first <= range.end
        {
            let start = head!.entries[place].openStart
            return GatheredSamples(
                times: head!.columns[Int(head!.entries[place].column)],
                values: [start < 0 ? head!.entries[place].constant : head!.openValues[start]])
        }
        guard try isPlain(pieces) else { return try mixedSamples(pieces) }
        for place in pieces.indices.reversed() {
            var found = try plainSamples(pieces[place...place])
            guard let time = found.times.last else { continue }
            if found.times.count > 1 {
                found.values = [found.values[found.values.count - 1]]
                found.times = [time]
            }
            return found
        }
        return GatheredSamples()
    }

    /// Whether the pieces follow each other and hold plain numbers.
    private func isPlain(_ pieces: [Piece]) throws(StoreError) -> Bool {
        var last = Int64.min
        for piece in pieces {
            guard piece.first > last || last == .min, piece.resolution == pieces[0].resolution else { return false }
            last = piece.last
            switch piece.source {
            case .late, .openHistograms: return false
            case .open: continue
            case .headChunk(let number): if head!.chunks[number].isOfHistograms { return false }
            case .block: if try kind(of: piece) == .histograms { return false }
            }
        }
        return true
    }

    func kind(of piece: Piece) throws(StoreError) -> ChunkKind? {
        if case .block(let reader, _) = piece.source, readers[reader].index.version == 1 { return .legacy }
        return try withChunk(piece) { bytes throws(CodingError) in
            bytes.first.flatMap { ChunkKind(rawValue: $0 & 15) }
        }
    }

    private func plainSamples(_ pieces: ArraySlice<Piece>) throws(StoreError) -> GatheredSamples {
        var key: [UInt64] = []
        key.reserveCapacity(pieces.count)
        for piece in pieces { key.append(timeKey(piece)) }
        var parts: [(times: [Int64], range: Range<Int>)] = []
        parts.reserveCapacity(pieces.count)
        var total = 0
        for piece in pieces {
            let times = try times(of: piece)
            let range = cut(times, of: piece)
            parts.append((times, range))
            total += range.count
        }
        let joined: [Int64]
        if parts.count == 1, parts[0].range.count == parts[0].times.count {
            joined = parts[0].times
        } else if let known = joinedTimes[key] {
            joined = known
        } else {
            var times: [Int64] = []
            times.reserveCapacity(total)
            for part in parts { times.append(contentsOf: part.times[part.range]) }
            joined = times
            if joinedTimes.count > 1024 { joinedTimes.removeAll() }
            joinedTimes[key] = joined
        }
        var failure: StoreError?
        let values = [Double](unsafeUninitializedCapacity: total) { buffer, count in
            var place = 0
            for (index, piece) in pieces.enumerated() where failure == nil {
                let part = parts[index]
                guard !part.range.isEmpty else { continue }
                let output = UnsafeMutableBufferPointer(rebasing: buffer[place..<place + part.range.count])
                do throws(StoreError) {
                    try read(piece, part.times.count, part.range, into: output)
                } catch {
                    failure = error
                }
                place += part.range.count
            }
            count = failure == nil ? place : 0
        }
        if let failure { throw failure }
        let step = pieces.first?.resolution ?? 0
        return GatheredSamples(
            times: joined, values: values, coarse: step > 0 ? [CoarseStretch(before: .max, step: step)] : [])
    }

    /// The part of a piece's `times` inside the range.
    func cut(_ times: [Int64], of piece: Piece) -> Range<Int> {
        let start = range.start(of: piece.resolution)
        guard let first = times.first, let last = times.last else { return 0..<0 }
        if first >= start, last <= end { return 0..<times.count }
        let low = lowerBound(times, start)
        let high = end == .max ? times.count : lowerBound(times, end + 1)
        return low..<max(low, high)
    }

    private func timeKey(_ piece: Piece) -> UInt64 {
        switch piece.source {
        case .block(let reader, let chunk):
            let index = readers[reader].index
            return UInt64(reader) << 32 | UInt64(index.chunks[chunk].time)
        case .headChunk(let chunk):
            return 1 << 63 | UInt64(head!.chunks[chunk].span) << 32 | UInt64(head!.chunks[chunk].time)
        case .open(let place):
            let entry = head!.entries[place]
            return 3 << 62 | UInt64(entry.column) << 32 | UInt64(entry.openCount)
        case .late(let place), .openHistograms(let place): return 1 << 62 | UInt64(place)
        }
    }

    /// All times of a piece.
    func times(of piece: Piece) throws(StoreError) -> [Int64] {
        switch piece.source {
        case .block(let reader, let chunk):
            let reader = readers[reader]
            if reader.index.version == 1 { return try reader.legacyChunk(reader.index.chunks[chunk]).times }
            return try reader.times(of: reader.index.chunks[chunk])
        case .headChunk(let number):
            let key = timeKey(piece)
            if let known = headTimes[key] { return known }
            let head = head!
            let span = head.spans[Int(head.chunks[number].span)]
            let entry = span.times[Int(head.chunks[number].time)]
            let decoded = try headPages.withBytes(
                span.pages[Int(entry.page)], number: entry.page, Int(entry.offset), Int(entry.byteCount)
            ) { bytes in
                var source = ByteSource(bytes)
                // What does not decode is a fault of ours, and ends the program below.
                return try? decodedIntegers(&source, count: Int(entry.sampleCount))
            }
            guard let decoded else { preconditionFailure("times in memory do not decode") }
            if headTimes.count > 4096 { headTimes.removeAll(keepingCapacity: true) }
            headTimes[key] = decoded
            return decoded
        case .open(let place):
            let entry = head!.entries[place]
            let times = head!.columns[Int(entry.column)]
            return times.count == Int(entry.openCount) ? times : Array(times[..<Int(entry.openCount)])
        case .late(let place): return head!.lates[Int(head!.entries[place].late)].times
        case .openHistograms(let place): return head!.histograms[Int(head!.entries[place].histograms)].times
        }
    }

    /// Reads the values in `range` of a piece of `count` plain numbers.
    private func read(
        _ piece: Piece, _ count: Int, _ range: Range<Int>, into output: UnsafeMutableBufferPointer<Double>
    ) throws(StoreError) {
        switch piece.source {
        case .open(let place):
            let entry = head!.entries[place]
            if entry.openStart < 0 {
                for index in output.indices { output[index] = entry.constant }
            } else {
                for index in output.indices {
                    output[index] = head!.openValues[entry.openStart + range.lowerBound + index]
                }
            }
            return
        case .late(let place):
            let values = head!.lates[Int(head!.entries[place].late)].values
            for index in output.indices { output[index] = values[range.lowerBound + index] }
            return
        case .block(let reader, let chunk) where readers[reader].index.version == 1:
            let reader = readers[reader]
            let values = try reader.legacyChunk(reader.index.chunks[chunk]).values
            for index in output.indices { output[index] = values[range.lowerBound + index] }
            return
        case .headChunk(let number):
            if let standing = head!.chunks[number].standing {
                output.update(repeating: standing)
                return
            }
        case .block, .openHistograms: break
        }
        if range.count == count {
            try withChunk(piece) { bytes throws(CodingError) in
                var source = ByteSource(bytes)
                try decodeValues(&source, into: output)
            }
            return
        }
        if scratch.count < count { scratch = [Double](repeating: 0, count: count) }
        var whole: [Double] = []
        swap(&whole, &scratch)
        defer { swap(&whole, &scratch) }
        try withChunk(piece) { bytes throws(CodingError) in
            var failure: CodingError?
            whole.withUnsafeMutableBufferPointer { buffer in
                var source = ByteSource(bytes)
                do throws(CodingError) {
                    try decodeValues(&source, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
                } catch {
                    failure = error
                }
                for index in output.indices { output[index] = buffer[range.lowerBound + index] }
            }
            if let failure { throw failure }
        }
    }

    func withChunk<Value>(
        _ piece: Piece, _ body: (UnsafeRawBufferPointer) throws(CodingError) -> Value
    ) throws(StoreError) -> Value {
        switch piece.source {
        case .block(let reader, let chunk):
            return try readers[reader].withChunk(readers[reader].index.chunks[chunk], body)
        case .headChunk(let number):
            let chunk = head!.chunks[number]
            let page = head!.spans[Int(chunk.span)].pages[Int(chunk.page)]
            let result = try headPages.withBytes(page, number: chunk.page, Int(chunk.offset), Int(chunk.byteCount)) {
                bytes -> Result<Value, CodingError> in
                do throws(CodingError) { return .success(try body(bytes)) } catch { return .failure(error) }
            }
            do throws(CodingError) {
                return try result.get()
            } catch {
                preconditionFailure("a chunk in memory does not decode: \(error)")
            }
        case .open, .late, .openHistograms: preconditionFailure("no chunk")
        }
    }

    // MARK: The slow way

    private struct Sample {
        var time: Int64
        var value: Double
        var histogram: NativeHistogram?
        /// Less is better.
        var rank: Int
        /// Milliseconds; 0 for one as it came.
        var resolution: Int64
        var isMean = false
    }

    private func mixedSamples(_ pieces: [Piece]) throws(StoreError) -> GatheredSamples {
        var kept: [Sample] = []
        for resolution in Set(pieces.map(\.resolution)).sorted() {
            var found: [Sample] = []
            for (rank, piece) in pieces.enumerated() where piece.resolution == resolution {
                try addSamples(of: piece, rank, to: &found)
            }
            if found.contains(where: \.isMean), !kept.isEmpty {
                let finer = kept.map(\.time).sorted()
                found.removeAll { sample in
                    let place = lowerBound(finer, spanStart(of: sample.time, resolution))
                    return sample.isMean && place < finer.count && finer[place] <= sample.time
                }
            }
            kept += found
        }
        kept.sort { ($0.time, $0.resolution, $0.rank) < ($1.time, $1.resolution, $1.rank) }
        var gathered = GatheredSamples()
        var step: Int64 = 0
        for sample in kept where gathered.times.last != sample.time {
            if let histogram = sample.histogram {
                gathered.histograms.append(HistogramSample(index: gathered.times.count, histogram: histogram))
            }
            if sample.resolution != step {
                if !gathered.times.isEmpty { gathered.coarse.append(CoarseStretch(before: sample.time, step: step)) }
                step = sample.resolution
            }
            gathered.times.append(sample.time)
            gathered.values.append(sample.value)
        }
        if step > 0 { gathered.coarse.append(CoarseStretch(before: .max, step: step)) }
        return gathered
    }

    private func addSamples(of piece: Piece, _ rank: Int, to found: inout [Sample]) throws(StoreError) {
        let times = try times(of: piece)
        let range = cut(times, of: piece)
        guard !range.isEmpty else { return }
        let kind = try chunkKind(of: piece)
        var histograms: [NativeHistogram]?
        if case .openHistograms(let place) = piece.source {
            histograms = head!.histograms[Int(head!.entries[place].histograms)].histograms
        } else if kind == .histograms {
            histograms = try withChunk(piece) { bytes throws(CodingError) in
                var source = ByteSource(bytes)
                return try decodeHistograms(&source, count: times.count)
            }
        }
        if let histograms {
            for index in range {
                found.append(
                    Sample(
                        time: times[index], value: .nan, histogram: histograms[index], rank: rank,
                        resolution: piece.resolution))
            }
            return
        }
        var values = [Double](repeating: 0, count: range.count)
        var failure: StoreError?
        values.withUnsafeMutableBufferPointer { buffer in
            do throws(StoreError) { try read(piece, times.count, range, into: buffer) } catch { failure = error }
        }
        if let failure { throw failure }
        // What came late gives way to what came in order.
        var rank = rank
        if case .late = piece.source { rank += 1 << 20 }
        for (offset, index) in range.enumerated() {
            found.append(
                Sample(
                    time: times[index], value: values[offset], histogram: nil, rank: rank,
                    resolution: piece.resolution, isMean: kind == .aggregates))
        }
    }

    /// Nil where it is one of plain numbers, however they are written.
    private func chunkKind(of piece: Piece) throws(StoreError) -> ChunkKind? {
        switch piece.source {
        case .block: try kind(of: piece)
        case .headChunk(let number): head!.chunks[number].isOfHistograms ? .histograms : nil
        case .open, .late, .openHistograms: nil
        }
    }
}

/// The first place whose time is not before `time`.
func lowerBound(_ times: [Int64], _ time: Int64) -> Int {
    var low = 0
    var high = times.count
    while low < high {
        let middle = (low + high) / 2
        if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
}
