import BinaryCoding

// Values in few bytes, without any loss. A value that is m / 10^s for an integer m and a small s is kept as m: dividing in IEEE 754
// gives back the very bits, which the writer checks for each value. What is no short decimal is written as the XOR with the value
// before (Pelkonen et al., "Gorilla", VLDB 2015, section 4.1) or as the integer that its bits are, which suits values that move evenly.
//
// `docs/formats/series-chunks.md` is the exact description.

/// How the values of a chunk are written: the low four bits of its first byte.
enum ChunkKind: UInt8, Sendable {
    /// Version 1: times and values in one stream.
    case legacy = 1
    case decimal, constant, xor, patterns, histograms, aggregates
}

/// Powers of ten that a double holds exactly.
let powersOfTen: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15]
/// More digits after the point are rare, and each costs a try.
private let scaleMax = 9
private let mantissaMax = 9_007_199_254_740_992.0

/// The integer m with m / 10^scale = value to the bit; nil where there is none.
@inline(__always)
func mantissa(of value: Double, power: Double) -> Int64? {
    let product = (value * power).rounded(.toNearestOrEven)
    // False for NaN too.
    guard abs(product) <= mantissaMax else { return nil }
    let found = Int64(product)
    // By way of the integer, which has no negative zero.
    return (Double(found) / power).bitPattern == value.bitPattern ? found : nil
}

/// The smallest scale at which `value` is an integer, with that integer.
func decimal(of value: Double, from scale: Int = 0) -> (scale: Int, mantissa: Int64)? {
    guard value.isFinite else { return nil }
    var scale = scale
    while scale <= scaleMax {
        if let found = mantissa(of: value, power: powersOfTen[scale]) { return (scale, found) }
        scale += 1
    }
    return nil
}

/// Adds a chunk of `values`, of which there is at least one, to `bytes`.
func encodeValues(_ values: UnsafeBufferPointer<Double>, into bytes: inout [UInt8]) {
    let integers = [Int64](unsafeUninitializedCapacity: values.count) { _, count in count = 0 }
    encodeValues(values, scratch: integers, into: &bytes)
}

private func encodeValues(
    _ values: UnsafeBufferPointer<Double>, scratch: consuming [Int64], into bytes: inout [UInt8]
) {
    var integers = scratch
    if let scale = decimals(values, into: &integers) {
        bytes.append(ChunkKind.decimal.rawValue | UInt8(scale) << 4)
        integers.withUnsafeBufferPointer { encodeIntegers($0, into: &bytes) }
        return
    }
    let first = values[0].bitPattern
    if values.allSatisfy({ $0.bitPattern == first }) {
        bytes.append(ChunkKind.constant.rawValue)
        appendWord(first, to: &bytes)
        return
    }
    let byXOR = xorChunk(values)
    var byPattern: [UInt8] = [ChunkKind.patterns.rawValue]
    integers.removeAll(keepingCapacity: true)
    for value in values { integers.append(Int64(bitPattern: value.bitPattern)) }
    integers.withUnsafeBufferPointer { encodeIntegers($0, into: &byPattern) }
    bytes += byPattern.count < byXOR.count ? byPattern : byXOR
}

private func appendWord(_ word: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
}

/// Fills `integers` with the mantissas at the smallest scale that suits all values.
/// - Returns: that scale; nil where there is none.
private func decimals(_ values: UnsafeBufferPointer<Double>, into integers: inout [Int64]) -> Int? {
    var scale = 0
    for value in values where mantissa(of: value, power: powersOfTen[scale]) == nil {
        guard let found = decimal(of: value, from: scale + 1) else { return nil }
        scale = found.scale
    }
    integers.reserveCapacity(values.count)
    for value in values {
        guard let found = mantissa(of: value, power: powersOfTen[scale]) else { return nil }
        integers.append(found)
    }
    return scale
}

private func xorChunk(_ values: UnsafeBufferPointer<Double>) -> [UInt8] {
    var sink = BitSink(after: [ChunkKind.xor.rawValue])
    var last = values[0].bitPattern
    var leading = 0
    var width = 0
    sink.put(last, 64)
    for value in values.dropFirst() {
        let change = value.bitPattern ^ last
        last = value.bitPattern
        guard change != 0 else {
            sink.put(0, 1)
            continue
        }
        let newLeading = change.leadingZeroBitCount
        let trailing = change.trailingZeroBitCount
        let newWidth = 64 - newLeading - trailing
        // A window that is much too wide costs more than a new one.
        if width > 0, newLeading >= leading, trailing >= 64 - leading - width, width <= newWidth + 12 {
            sink.put(0b10, 2)
            sink.put(change >> UInt64(64 - leading - width), width)
        } else {
            leading = newLeading
            width = newWidth
            sink.put(0b11, 2)
            sink.put(UInt64(leading), 6)
            sink.put(UInt64(width - 1), 6)
            sink.put(change >> UInt64(trailing), width)
        }
    }
    return sink.finish()
}

/// Reads a chunk of as many values as `output` has places; of aggregates their means. Histograms are not read here.
/// - Throws: when the bytes end too early or cannot have been written so.
func decodeValues(_ source: inout ByteSource, into output: UnsafeMutableBufferPointer<Double>) throws(CodingError) {
    let first = try source.byte()
    guard let kind = ChunkKind(rawValue: first & 15) else { throw CodingError(.invalid, at: source.offset) }
    switch kind {
    case .decimal:
        let power = powersOfTen[Int(first >> 4)]
        if try decodeStanding(&source, into: output, { Double($0) / power }) { return }
        // A double and an integer of 64 bits take the same place, so the integers are read where the values go.
        let isConstant = try output.withMemoryRebound(to: Int64.self) { integers throws(CodingError) in
            try decodeIntegers(&source, into: integers)
        }
        let words = UnsafeMutableRawBufferPointer(output)
        if isConstant {
            output.update(repeating: Double(words.load(as: Int64.self)) / power)
        } else if power == 1 {
            for index in output.indices {
                output[index] = Double(words.load(fromByteOffset: index * 8, as: Int64.self))
            }
        } else {
            for index in output.indices {
                output[index] = Double(words.load(fromByteOffset: index * 8, as: Int64.self)) / power
            }
        }
    case .constant:
        let value = Double(bitPattern: try source.word())
        for index in output.indices { output[index] = value }
    case .patterns:
        // The integers are the bits of the values already.
        try output.withMemoryRebound(to: Int64.self) { integers throws(CodingError) in
            _ = try decodeIntegers(&source, into: integers)
        }
    case .xor:
        var bits = source.bits()
        guard try bits.changes(into: output) else { throw CodingError(.invalid, at: source.offset) }
    case .aggregates: try decodeMeans(&source, into: output)
    case .legacy, .histograms: throw CodingError(.invalid, at: 0)
    }
}
