import BinaryCoding

/// What remains of the steps of a gauge in a downsampled block.
struct AggregateColumns {
    var counts: [Double] = []
    var sums: [Double] = []
    var minimums: [Double] = []
    var maximums: [Double] = []
    var lasts: [Double] = []

    var count: Int { counts.count }

    mutating func add(_ aggregate: Aggregate) {
        counts.append(aggregate.count)
        sums.append(aggregate.sum)
        minimums.append(aggregate.minimum)
        maximums.append(aggregate.maximum)
        lasts.append(aggregate.last)
    }

    subscript(_ index: Int) -> Aggregate {
        Aggregate(
            count: counts[index], sum: sums[index], minimum: minimums[index], maximum: maximums[index],
            last: lasts[index])
    }
}

/// One step of a gauge.
struct Aggregate: Hashable {
    var count: Double
    var sum: Double
    var minimum: Double
    var maximum: Double
    var last: Double

    init(count: Double, sum: Double, minimum: Double, maximum: Double, last: Double) {
        self.count = count
        self.sum = sum
        self.minimum = minimum
        self.maximum = maximum
        self.last = last
    }

    init(_ value: Double) {
        self.init(count: 1, sum: value, minimum: value, maximum: value, last: value)
    }

    mutating func add(_ next: Aggregate) {
        count += next.count
        sum += next.sum
        // As over samples: what is not a number counts only where nothing else is.
        if next.minimum < minimum || minimum.isNaN { minimum = next.minimum }
        if next.maximum > maximum || maximum.isNaN { maximum = next.maximum }
        last = next.last
    }
}

/// Adds a chunk of the columns in `range` to `bytes`.
func encodeAggregates(_ columns: AggregateColumns, _ range: Range<Int>, into bytes: inout [UInt8]) {
    bytes.append(ChunkKind.aggregates.rawValue)
    for column in [columns.counts, columns.sums, columns.minimums, columns.maximums, columns.lasts] {
        var part: [UInt8] = []
        column.withUnsafeBufferPointer { encodeValues(UnsafeBufferPointer(rebasing: $0[range]), into: &part) }
        appendVarint(UInt64(part.count), to: &bytes)
        bytes += part
    }
}

/// Reads all columns of a chunk of `count` steps.
func decodeAggregates(_ source: inout ByteSource, count: Int) throws(CodingError) -> AggregateColumns {
    guard try source.byte() == ChunkKind.aggregates.rawValue else { throw CodingError(.invalid, at: 0) }
    var columns = AggregateColumns()
    columns.counts = try column(&source, count)
    columns.sums = try column(&source, count)
    columns.minimums = try column(&source, count)
    columns.maximums = try column(&source, count)
    columns.lasts = try column(&source, count)
    return columns
}

/// Reads the mean of each step. The chunk's first byte has been read.
func decodeMeans(_ source: inout ByteSource, into output: UnsafeMutableBufferPointer<Double>) throws(CodingError) {
    let counts = try column(&source, output.count)
    let sums = try column(&source, output.count)
    for index in output.indices { output[index] = sums[index] / counts[index] }
}

/// A column with its length before it.
func column(_ source: inout ByteSource, _ count: Int) throws(CodingError) -> [Double] {
    var part = try source.part(try source.count(limit: source.remaining))
    var failure: CodingError?
    let values = [Double](unsafeUninitializedCapacity: count) { buffer, made in
        let output = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
        output.initialize(repeating: 0)
        do throws(CodingError) { try decodeValues(&part, into: output) } catch { failure = error }
        made = count
    }
    if let failure { throw failure }
    return values
}
