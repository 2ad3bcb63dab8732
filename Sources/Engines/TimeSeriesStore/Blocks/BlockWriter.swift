import BinaryCoding
import DurableFiles
import Series

/// The chunks of one series that go into a block.
struct BlockSeries: Sendable {
    var labels: Labels
    var chunks: [Chunk]
}

/// Writes a block beside its place and moves it there when it is whole and synced.
/// - Parameters:
///   - series: in any order; each with at least one chunk, all inside the span.
/// - Throws: `FileError`; then nothing has changed, except that a failure of the last step may leave a whole block that a power cut
///   can take away again.
func writeBlockFile(
    _ series: [BlockSeries], start: Int64, end: Int64, metadata: [MetricMetadata], in folder: String,
    files: any FileSystem
) throws(FileError) {
    let path = joined(folder, BlockFormat.name(start: start, end: end))
    let beside = path + ".new"
    do {
        var file = try files.create(beside)
        try writeContents(series, start: start, end: end, metadata: metadata, to: &file)
        try file.sync()
        try file.close()
        try files.rename(beside, to: path)
    } catch {
        try? files.remove(beside)
        throw error
    }
    try files.syncFolder(folder)
}

private func writeContents(
    _ series: [BlockSeries], start: Int64, end: Int64, metadata: [MetricMetadata], to file: inout AppendFile
) throws(FileError) {
    let sorted = series.sorted { $0.labels < $1.labels }
    let symbols = Set(sorted.flatMap { $0.labels.pairs.flatMap { [$0.name, $0.value] } })
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let numbers = Dictionary(uniqueKeysWithValues: symbols.enumerated().map { ($1, $0) })

    var index = ByteWriter()
    index.varint(symbols.count)
    for symbol in symbols { index.text(symbol) }
    index.varint(sorted.count)

    // Written in pieces, so that memory holds one piece and the index, not the block.
    let pieceByteCount = 256 << 10
    var piece = ByteWriter(reserving: pieceByteCount)
    piece.raw(BlockFormat.magic)
    piece.fixed(UInt64(0))
    var offset = Int64(BlockFormat.headerByteCount)
    var sampleCount: UInt64 = 0
    for entry in sorted {
        index.varint(entry.labels.pairs.count)
        for pair in entry.labels.pairs {
            index.varint(numbers[pair.name]!)
            index.varint(numbers[pair.value]!)
        }
        index.varint(entry.chunks.count)
        var timeBefore = start
        for chunk in entry.chunks {
            var sum = Checksum()
            sum.add([chunk.encoding.rawValue])
            sum.add(chunk.bytes)
            piece.byte(chunk.encoding.rawValue)
            piece.raw(chunk.bytes)
            piece.fixed(sum.value)
            let length = chunk.bytes.count + BlockFormat.chunkOverhead
            // Chunks lie one behind the other, so the distance to the one before is 0.
            index.varint(0)
            index.varint(length)
            index.zigzag(chunk.minTime &- timeBefore)
            index.varint(UInt64(bitPattern: chunk.maxTime &- chunk.minTime))
            index.varint(chunk.sampleCount)
            timeBefore = chunk.maxTime
            offset += Int64(length)
            sampleCount += UInt64(chunk.sampleCount)
        }
        if piece.count >= pieceByteCount {
            try file.write(piece.bytes)
            piece.removeAll()
        }
    }
    index.varint(metadata.count)
    for entry in metadata { index.metadata(entry) }
    try file.write(piece.bytes)
    try file.write(index.bytes)

    var footer = ByteWriter(reserving: BlockFormat.footerByteCount)
    footer.fixed(UInt64(offset))
    footer.fixed(UInt64(index.count))
    footer.fixed(start)
    footer.fixed(end)
    footer.fixed(sampleCount)
    footer.fixed(UInt32(sorted.count))
    footer.fixed(UInt32(0))
    footer.fixed(Checksum.of(index.bytes))
    footer.fixed(Checksum.of(footer.bytes))
    footer.fixed(UInt64(0))
    footer.raw(BlockFormat.endMagic)
    try file.write(footer.bytes)
}
