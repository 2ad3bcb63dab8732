import BinaryCoding
import Compression
import DurableFiles
import Series

// A block is written in one pass over its series in order of their labels: chunks go into frames, a full frame is packed and
// written, and only the index grows in memory. Times are written once for all series that share them.

/// The samples of one series on their way into a block, in columns.
struct BlockSamples {
    var times: [Int64] = []
    var values: [Double] = []
    /// As in `SeriesColumns`.
    var histograms: [HistogramSample] = []
    /// For a gauge of a downsampled block: as many as `times`, in place of `values`.
    var aggregates: AggregateColumns?

    var count: Int { times.count }

    mutating func removeAll() {
        times.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        histograms.removeAll()
        aggregates = nil
    }
}

/// Writes one block.
struct BlockWriter: ~Copyable {
    private let files: any FileSystem
    private let folder: String
    let name: BlockFormat.Name
    private var file: AppendFile?
    private var compressor: ZstdBlockCompressor
    private var frame: [UInt8] = []
    private var frames = ByteWriter()
    private var frameCount = 0
    private var fileOffset = Int64(BlockFormat.headerByteCount)
    /// Of the contents of all frames.
    private var offset: Int64 = 0

    private var symbols: [ByteText: Int] = [:]
    private var symbolTexts: [String] = []
    private var pairs: [UInt64: Int] = [:]
    private var pairSymbols: [(name: Int, value: Int)] = []
    private var timeNumbers: [Identity: Int] = [:]
    private var times = ByteWriter()
    private var timeCount = 0
    private var timeEnd: Int64 = 0
    /// Count of labels, pairs, count of chunks, chunks … of each series; the numbers of pairs are put in order at the end.
    private var labelPairs: [Int] = []
    private var seriesLabelCounts: [Int] = []
    private var seriesChunks: [ByteWriter] = []
    private var chunkEnd: Int64 = 0
    private(set) var sampleCount: Int64 = 0

    var seriesCount: Int { seriesLabelCounts.count }

    private init(
        _ name: BlockFormat.Name, _ folder: String, _ files: any FileSystem, _ file: consuming AppendFile,
        _ compressor: consuming ZstdBlockCompressor
    ) {
        self.files = files
        self.folder = folder
        self.name = name
        self.file = consume file
        self.compressor = compressor
    }

    /// Begins the file beside its place.
    static func begin(
        _ name: BlockFormat.Name, in folder: String, files: any FileSystem
    ) throws(FileError) -> BlockWriter {
        let beside = joined(folder, name.text + ".new")
        let compressor: ZstdBlockCompressor
        do throws(CompressionFailure) {
            compressor = try ZstdBlockCompressor(level: 3)
        } catch {
            throw FileError(.write, beside, errorNumber: outOfMemory)
        }
        var file = try files.create(beside)
        do throws(FileError) {
            try file.write(BlockFormat.magic + [UInt8](repeating: 0, count: 8))
        } catch {
            // What is left of the file is removed at the next start, if not now.
            try? files.remove(beside)
            throw error
        }
        return BlockWriter(name, folder, files, file, compressor)
    }

    /// Adds a series. Series come in the order of their labels, each once, samples in order of time.
    mutating func add(_ labels: Labels, _ samples: borrowing BlockSamples) throws(FileError) {
        guard samples.count > 0 else { return }
        var chunks = ByteWriter()
        var chunkCount = 0
        var start = 0
        var nextHistogram = 0
        while start < samples.count {
            let isHistogram =
                nextHistogram < samples.histograms.count && samples.histograms[nextHistogram].index == start
            var end = min(samples.count, start + BlockFormat.chunkSampleCountMax)
            var bytes: [UInt8] = []
            if isHistogram {
                var run = nextHistogram
                var part: [NativeHistogram] = []
                end = min(end, start + Head.openHistogramCountMax)
                while run < samples.histograms.count, samples.histograms[run].index == start + part.count,
                    part.count < end - start
                {
                    part.append(samples.histograms[run].histogram)
                    run += 1
                }
                end = start + part.count
                nextHistogram = run
                encodeHistograms(part[...], into: &bytes)
            } else {
                if nextHistogram < samples.histograms.count {
                    end = min(end, samples.histograms[nextHistogram].index)
                }
                if let aggregates = samples.aggregates {
                    encodeAggregates(aggregates, start..<end, into: &bytes)
                } else {
                    samples.values.withUnsafeBufferPointer {
                        encodeValues(UnsafeBufferPointer(rebasing: $0[start..<end]), into: &bytes)
                    }
                }
            }
            let time = try timeNumber(samples.times[start..<end])
            let place = try store(bytes)
            chunks.varint(UInt64(place - chunkEnd))
            chunks.varint(bytes.count)
            chunks.varint(time)
            chunkEnd = place + Int64(bytes.count)
            chunkCount += 1
            start = end
        }
        for pair in labels.pairs { labelPairs.append(pairNumber(pair)) }
        seriesLabelCounts.append(labels.pairs.count)
        var entry = ByteWriter(reserving: chunks.count + 2)
        entry.varint(chunkCount)
        entry.raw(chunks.bytes)
        seriesChunks.append(entry)
        sampleCount += Int64(samples.count)
    }

    private mutating func timeNumber(_ part: ArraySlice<Int64>) throws(FileError) -> Int {
        var identity = Identity(high: UInt64(part.count), low: 0)
        for time in part { identity.add(UInt64(bitPattern: time)) }
        if let known = timeNumbers[identity] { return known }
        var bytes: [UInt8] = []
        part.withUnsafeBufferPointer { encodeIntegers($0, into: &bytes) }
        let place = try store(bytes)
        times.varint(UInt64(place - timeEnd))
        times.varint(bytes.count)
        times.varint(part.count)
        times.zigzag(part.first! &- name.start)
        times.varint(UInt64(bitPattern: part.last! &- part.first!))
        timeEnd = place + Int64(bytes.count)
        timeNumbers[identity] = timeCount
        timeCount += 1
        return timeCount - 1
    }

    private mutating func pairNumber(_ label: Labels.Label) -> Int {
        let name = symbol(label.name)
        let value = symbol(label.value)
        let key = UInt64(name) << 32 | UInt64(value)
        if let known = pairs[key] { return known }
        pairs[key] = pairSymbols.count
        pairSymbols.append((name, value))
        return pairSymbols.count - 1
    }

    private mutating func symbol(_ text: String) -> Int {
        if let known = symbols[ByteText(text)] { return known }
        symbols[ByteText(text)] = symbolTexts.count
        symbolTexts.append(text)
        return symbolTexts.count - 1
    }

    /// - Returns: where the bytes stand among the contents of all frames.
    private mutating func store(_ bytes: [UInt8]) throws(FileError) -> Int64 {
        if frame.count + bytes.count > BlockFormat.frameByteCount, !frame.isEmpty { try endFrame() }
        let place = offset
        frame += bytes
        offset += Int64(bytes.count)
        return place
    }

    private mutating func endFrame() throws(FileError) {
        guard !frame.isEmpty else { return }
        let packed = try pack(frame)
        let isWorthIt = packed.count * 100 < frame.count * BlockFormat.packedPercentMax(name)
        let stored = isWorthIt ? packed : frame
        try write(stored)
        fileOffset += Int64(stored.count)
        frames.varint(stored.count)
        frames.varint(frame.count)
        frames.byte((isWorthIt ? BlockFormat.Codec.zstd : .plain).rawValue)
        frames.fixed(Checksum.of(stored))
        frameCount += 1
        frame.removeAll(keepingCapacity: true)
    }

    private mutating func pack(_ bytes: [UInt8]) throws(FileError) -> [UInt8] {
        do throws(CompressionFailure) {
            return try compressor.compress(bytes)
        } catch {
            throw FileError(.write, joined(folder, name.text), errorNumber: outOfMemory)
        }
    }

    private mutating func write(_ bytes: [UInt8]) throws(FileError) {
        guard var file = self.file.take() else { preconditionFailure("the block has ended") }
        do throws(FileError) {
            try file.write(bytes)
        } catch {
            self.file = consume file
            throw error
        }
        self.file = consume file
    }

    /// Writes index and footer, syncs and moves the block to its place.
    /// - Parameter sources: names of the blocks that it was made of.
    /// - Throws: `FileError`; then `abandon` is due, except that a failure of the last step may leave a whole block that a power cut can
    ///   take away again.
    mutating func finish(metadata: [MetricMetadata], sources: [String] = []) throws(FileError) {
        try endFrame()
        let index = makeIndex(metadata, sources)
        let packed = try pack(index)
        try write(packed)
        var footer = ByteWriter(reserving: BlockFormat.footerByteCount)
        footer.fixed(UInt64(fileOffset))
        footer.fixed(UInt64(packed.count))
        footer.fixed(UInt64(index.count))
        footer.fixed(name.start)
        footer.fixed(name.end)
        footer.fixed(sampleCount)
        footer.fixed(UInt32(seriesCount))
        footer.fixed(UInt32(0))
        footer.fixed(name.resolution)
        footer.fixed(Checksum.of(packed))
        footer.fixed(Checksum.of(footer.bytes))
        footer.raw([UInt8](repeating: 0, count: BlockFormat.footerByteCount - 8 - footer.count))
        footer.raw(BlockFormat.endMagic)
        try write(footer.bytes)
        guard var file = self.file.take() else { return }
        try file.sync()
        try file.close()
        try files.rename(joined(folder, name.text + ".new"), to: joined(folder, name.text))
        try files.syncFolder(folder)
    }

    /// Removes what was begun.
    mutating func abandon() {
        if let file = self.file.take() { try? file.close() }
        try? files.remove(joined(folder, name.text + ".new"))
    }

    private func makeIndex(_ metadata: [MetricMetadata], _ sources: [String]) -> [UInt8] {
        let symbolOrder = symbolTexts.indices.sorted { precedes(symbolTexts[$0], symbolTexts[$1]) }
        var symbolPlaces = [Int](repeating: 0, count: symbolTexts.count)
        for (place, number) in symbolOrder.enumerated() { symbolPlaces[number] = place }
        let pairOrder = pairSymbols.indices.sorted {
            let left = pairSymbols[$0]
            let right = pairSymbols[$1]
            return left.name != right.name
                ? symbolPlaces[left.name] < symbolPlaces[right.name]
                : symbolPlaces[left.value] < symbolPlaces[right.value]
        }
        var pairPlaces = [Int](repeating: 0, count: pairSymbols.count)
        for (place, number) in pairOrder.enumerated() { pairPlaces[number] = place }

        var index = ByteWriter()
        index.varint(symbolTexts.count)
        for number in symbolOrder { index.text(symbolTexts[number]) }
        index.varint(frameCount)
        index.raw(frames.bytes)
        index.varint(pairSymbols.count)
        for number in pairOrder {
            index.varint(symbolPlaces[pairSymbols[number].name])
            index.varint(symbolPlaces[pairSymbols[number].value])
        }
        index.varint(timeCount)
        index.raw(times.bytes)
        index.varint(seriesCount)
        var next = 0
        for series in 0..<seriesCount {
            index.varint(seriesLabelCounts[series])
            for _ in 0..<seriesLabelCounts[series] {
                index.varint(pairPlaces[labelPairs[next]])
                next += 1
            }
            index.raw(seriesChunks[series].bytes)
        }
        index.varint(metadata.count)
        for entry in metadata { index.metadata(entry) }
        index.varint(sources.count)
        for source in sources { index.text(source) }
        return index.bytes
    }
}

/// ENOMEM: engines import no C library.
private let outOfMemory: Int32 = 12
