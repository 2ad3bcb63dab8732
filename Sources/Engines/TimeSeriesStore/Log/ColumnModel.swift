import BinaryCoding

// A target is read again and again, and each reading is almost the one before: two thirds of a page stand still, most of the rest are
// counters that rise about as much as last time. So the log remembers, for each list of series that it has seen ("layout"), what was
// written last, and writes a reading as the difference, in a stream of bits:
//
//     0                               the same bits as before
//     10                              rises as much as it did last time
//     110   + number                  rises by this much                              (as an integer, at the scale of the value)
//     1110  + number                  rises by this much more than last time
//     11110 + 6 + 6 bits + the bits   XOR with the bits before: leading zeros, width - 1
//     11111 + 4 bits + number         a new scale, and the integer at that scale
//
// A number is zigzag in groups of four bits, with four bits before that say how many groups. A page of 1,000 series takes about 600 bytes,
// where their numbers alone would take 8,000. `docs/formats/series-wal.md`, "Type 4", is the exact description.

/// What both sides of the log know of the series of a layout after the same records.
struct ColumnModel {
    /// The numbers of the series in the segment, in the order of the reading.
    let numbers: [UInt32]
    /// Records since the one that began anew; 0 when the next one must.
    var chain = 0
    private var bits: [UInt64] = []
    private var mantissas: [Int64] = []
    private var rises: [Int64] = []
    private var scales: [UInt8] = []

    init(_ numbers: [UInt32]) {
        self.numbers = numbers
    }

    /// The scale of a value that is no short decimal.
    private static let noScale: UInt8 = 15

    mutating func beginAnew() {
        chain = 0
        bits = [UInt64](repeating: 0, count: numbers.count)
        mantissas = [Int64](repeating: 0, count: numbers.count)
        rises = [Int64](repeating: 0, count: numbers.count)
        scales = [UInt8](repeating: 0, count: numbers.count)
    }

    /// Writes a reading, as many values as there are series, and remembers it.
    mutating func encode(_ values: ArraySlice<Double>, into sink: inout BitSink) {
        values.withUnsafeBufferPointer { values in
            bits.withUnsafeMutableBufferPointer { bits in
                for index in values.indices {
                    let pattern = values[index].bitPattern
                    if bits[index] == pattern {
                        sink.put(0, 1)
                        // A counter that stands still may go on as it did.
                        continue
                    }
                    let old = bits[index]
                    bits[index] = pattern
                    Self.encodeChange(
                        values[index], old, &mantissas[index], &rises[index], &scales[index], into: &sink)
                }
            }
        }
    }

    private static func encodeChange(
        _ value: Double, _ old: UInt64, _ last: inout Int64, _ lastRise: inout Int64, _ scale: inout UInt8,
        into sink: inout BitSink
    ) {
        if scale != noScale, let found = mantissa(of: value, power: powersOfTen[Int(scale)]) {
            let rise = found &- last
            let change = rise &- lastRise
            if change == 0 {
                sink.put(0b10, 2)
            } else if zigzagEncoded(rise) <= zigzagEncoded(change) {
                sink.put(0b110, 3)
                put(rise, into: &sink)
            } else {
                sink.put(0b1110, 4)
                put(change, into: &sink)
            }
            last = found
            lastRise = rise
        } else if let found = decimal(of: value) {
            scale = UInt8(found.scale)
            sink.put(0b11111, 5)
            sink.put(UInt64(scale), 4)
            put(found.mantissa, into: &sink)
            last = found.mantissa
            lastRise = 0
        } else {
            scale = noScale
            let change = value.bitPattern ^ old
            let trailing = change.trailingZeroBitCount
            let width = 64 - change.leadingZeroBitCount - trailing
            sink.put(0b11110, 5)
            sink.put(UInt64(change.leadingZeroBitCount), 6)
            sink.put(UInt64(width - 1), 6)
            sink.put(change >> UInt64(trailing), width)
        }
    }

    @inline(__always)
    private static func put(_ number: Int64, into sink: inout BitSink) {
        let coded = zigzagEncoded(number)
        let groups = max(1, (67 - coded.leadingZeroBitCount) / 4)
        sink.put(UInt64(groups - 1), 4)
        sink.put(coded, groups * 4)
    }

    /// Reads what `encode` wrote after the same records.
    mutating func decode(_ source: inout BitSource, _ body: (UInt32, Double) -> Void) throws(CodingError) {
        for index in numbers.indices {
            if try source.bit() { try decodeChange(&source, index) }
            body(numbers[index], Double(bitPattern: bits[index]))
        }
    }

    private mutating func decodeChange(_ source: inout BitSource, _ index: Int) throws(CodingError) {
        switch try source.unary(limit: 4) {
        case 0: try rise(index, by: rises[index])
        case 1: try rise(index, by: Self.number(&source))
        case 2: try rise(index, by: rises[index] &+ Self.number(&source))
        case 3:
            let leading = Int(try source.take(6))
            let width = Int(try source.take(6)) + 1
            guard leading + width <= 64 else { throw CodingError(.invalid, at: 0) }
            bits[index] ^= try source.take(width) << UInt64(64 - leading - width)
            scales[index] = Self.noScale
        default:
            scales[index] = UInt8(try source.take(4))
            mantissas[index] = try Self.number(&source)
            rises[index] = 0
            try rise(index, by: 0)
        }
    }

    private mutating func rise(_ index: Int, by rise: Int64) throws(CodingError) {
        guard scales[index] != Self.noScale else { throw CodingError(.invalid, at: 0) }
        rises[index] = rise
        mantissas[index] &+= rise
        bits[index] = (Double(mantissas[index]) / powersOfTen[Int(scales[index])]).bitPattern
    }

    private static func number(_ source: inout BitSource) throws(CodingError) -> Int64 {
        let groups = Int(try source.take(4)) + 1
        return zigzagDecoded(try source.take(groups * 4))
    }
}
