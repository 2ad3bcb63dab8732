import BinaryCoding

// A target is read again and again, and each reading is almost the one before: two thirds of a page stand still, most of the rest are
// counters that rise about as much as last time. So the log remembers, for each list of series that it has seen ("layout"), what was
// written last, and writes a reading as the difference, in a stream of bits:
//
//     0                           the same bits as before
//     10  + number                the integer rises by this much, or by this much more than last time, whichever was smaller of late
//     110 + 6 + 6 bits + bits     XOR with the bits before: leading zeros, width - 1
//     111 + 4 + 6 + 6 bits + bits a new scale, how large numbers are to be expected, and the integer at that scale
//
// A number is a Rice code whose parameter follows the size of the numbers before it in the same series, so that a counter that rises
// by about 1,000 a reading takes about 12 bits, and one that rises evenly 3. Sizes of memory are counted in pages. A page of 1,000
// series takes about 600 bytes, where their numbers alone would take 8,000. `docs/formats/series-wal.md`, "Type 4", is the exact
// description.

/// What both sides of the log know of the series of a layout after the same records.
struct ColumnModel {
    /// The numbers of the series in the segment, in the order of the reading.
    let numbers: [UInt32]
    /// Records since the one that began anew; 0 when the next one must.
    var chain = 0
    /// The values of the last reading.
    private(set) var bits: [UInt64] = []
    /// Where the last reading that was decoded differs from the one before it; rising.
    private(set) var changed: [Int32] = []
    private var integers: [Integer] = []

    /// What is known of a value that is an integer at some scale.
    private struct Integer {
        var mantissa: Int64 = 0
        var rise: Int64 = 0
        /// Sixteen times what rises, and changes of rises, were of late, as zigzag numbers.
        var riseSize = ColumnModel.firstSize
        var changeSize = ColumnModel.firstSize
        var scale = ColumnModel.noScale

        var usesChanges: Bool { changeSize < riseSize }

        /// The Rice parameter of the next number: the bits of seven tenths of what they were of late.
        var parameter: Int {
            let size = min(riseSize, changeSize)
            return 63 - (((size &* 11) >> 8) + 1).leadingZeroBitCount
        }

        mutating func note(rise: Int64, change: Int64) {
            self.rise = rise
            riseSize = ColumnModel.average(riseSize, zigzagEncoded(rise))
            changeSize = ColumnModel.average(changeSize, zigzagEncoded(change))
        }
    }

    init(_ numbers: [UInt32]) {
        self.numbers = numbers
    }

    /// The scale of a value that is no short decimal.
    private static let noScale: UInt8 = 15
    /// What an integer is divided by at each scale: up to nine digits after the point, then multiples of 1,024 and of 4,096.
    private static let divisors: [Double] = powersOfTen[0...9] + [1.0 / 1024, 1.0 / 4096]
    /// Sizes from here on are worth counting in pages.
    private static let pagesFrom = 1_048_576.0
    /// From this many ones on a number is written as it is.
    private static let escape = 16
    private static let firstSize: UInt64 = 16 << 4

    mutating func beginAnew() {
        chain = 0
        bits = [UInt64](repeating: 0, count: numbers.count)
        if integers.isEmpty { integers = [Integer](repeating: Integer(), count: numbers.count) }
        // The sizes of before stay with the writer: the first integer of each series says them to the reader.
        for index in integers.indices {
            integers[index].mantissa = 0
            integers[index].rise = 0
            integers[index].scale = Self.noScale
        }
    }

    /// Writes a reading, as many values as there are series, and remembers it.
    mutating func encode(_ values: ArraySlice<Double>, into sink: inout BitSink) {
        values.withUnsafeBufferPointer { values in
            for index in values.indices {
                let pattern = values[index].bitPattern
                if bits[index] == pattern {
                    sink.put(0, 1)
                } else {
                    encodeChange(index, values[index], into: &sink)
                    bits[index] = pattern
                }
            }
        }
    }

    private mutating func encodeChange(_ index: Int, _ value: Double, into sink: inout BitSink) {
        var integer = integers[index]
        defer { integers[index] = integer }
        if integer.scale != Self.noScale, let found = mantissa(of: value, power: Self.divisors[Int(integer.scale)]) {
            let rise = found &- integer.mantissa
            let change = rise &- integer.rise
            sink.put(0b10, 2)
            Self.put(zigzagEncoded(integer.usesChanges ? change : rise), integer.parameter, into: &sink)
            integer.note(rise: rise, change: change)
            integer.mantissa = found
        } else if let found = Self.scaled(value) {
            integer.scale = UInt8(found.scale)
            sink.put(0b111, 3)
            sink.put(UInt64(found.scale), 4)
            integer.riseSize = Self.putSize(integer.riseSize, into: &sink)
            integer.changeSize = Self.putSize(integer.changeSize, into: &sink)
            Self.put(zigzagEncoded(found.mantissa), into: &sink)
            integer.mantissa = found.mantissa
            integer.rise = 0
        } else {
            integer.scale = Self.noScale
            let change = value.bitPattern ^ bits[index]
            let trailing = change.trailingZeroBitCount
            let width = 64 - change.leadingZeroBitCount - trailing
            sink.put(0b110, 3)
            sink.put(UInt64(change.leadingZeroBitCount), 6)
            sink.put(UInt64(width - 1), 6)
            sink.put(change >> UInt64(trailing), width)
        }
    }

    private static func scaled(_ value: Double) -> (scale: Int, mantissa: Int64)? {
        if abs(value) >= pagesFrom {
            for scale in [11, 10] {
                if let found = mantissa(of: value, power: divisors[scale]) { return (scale, found) }
            }
        }
        return decimal(of: value)
    }

    /// A quarter of the way towards `size`, or towards eight times what it was: one leap, such as the first value, must not make
    /// the numbers after it long.
    private static func average(_ average: UInt64, _ size: UInt64) -> UInt64 {
        average - average >> 2 + min(size, average >> 1 + 64) << 2
    }

    private static func put(_ number: UInt64, _ parameter: Int, into sink: inout BitSink) {
        let quotient = number >> UInt64(parameter)
        if quotient < UInt64(escape) {
            sink.unary(Int(quotient))
            sink.put(number & (1 << UInt64(parameter) - 1), parameter)
        } else {
            sink.put(1 << UInt64(escape) - 1, escape)
            put(number, into: &sink)
        }
    }

    /// - Returns: what the reader makes of it, the power of two.
    private static func putSize(_ size: UInt64, into sink: inout BitSink) -> UInt64 {
        let width = 64 - (size | 1).leadingZeroBitCount
        sink.put(UInt64(width - 1), 6)
        return 1 << UInt64(width - 1)
    }

    /// Six bits for the width less one, and the number.
    private static func put(_ number: UInt64, into sink: inout BitSink) {
        let width = 64 - (number | 1).leadingZeroBitCount
        sink.put(UInt64(width - 1), 6)
        sink.put(number, width)
    }

    /// Reads what `encode` wrote after the same records, into `bits`.
    mutating func decode(_ source: inout BitSource) throws(CodingError) {
        let count = numbers.count
        var index = 0
        changed.removeAll(keepingCapacity: true)
        while true {
            // Most values stand still, whole stretches of them.
            index += try source.zeros(limit: count - index)
            guard index < count else { return }
            _ = try source.bit()
            try decodeChange(&source, index)
            changed.append(Int32(index))
            index += 1
        }
    }

    private mutating func decodeChange(_ source: inout BitSource, _ index: Int) throws(CodingError) {
        var integer = integers[index]
        if try !source.bit() {
            guard integer.scale != Self.noScale else { throw CodingError(.invalid, at: 0) }
            let number = zigzagDecoded(try Self.number(&source, integer.parameter))
            let rise = integer.usesChanges ? integer.rise &+ number : number
            integer.note(rise: rise, change: rise &- integer.rise)
            integer.mantissa = integer.mantissa &+ rise
            bits[index] = (Double(integer.mantissa) / Self.divisors[Int(integer.scale)]).bitPattern
        } else if try !source.bit() {
            let leading = Int(try source.take(6))
            let width = Int(try source.take(6)) + 1
            guard leading + width <= 64 else { throw CodingError(.invalid, at: 0) }
            bits[index] ^= try source.take(width) << UInt64(64 - leading - width)
            integer.scale = Self.noScale
        } else {
            integer.scale = UInt8(try source.take(4))
            integer.riseSize = 1 << (try source.take(6))
            integer.changeSize = 1 << (try source.take(6))
            integer.rise = 0
            integer.mantissa = zigzagDecoded(try Self.number(&source))
            guard Int(integer.scale) < Self.divisors.count else { throw CodingError(.invalid, at: 0) }
            bits[index] = (Double(integer.mantissa) / Self.divisors[Int(integer.scale)]).bitPattern
        }
        integers[index] = integer
    }

    private static func number(_ source: inout BitSource, _ parameter: Int) throws(CodingError) -> UInt64 {
        let quotient = try source.unary(limit: escape)
        if quotient == escape { return try number(&source) }
        return UInt64(quotient) << UInt64(parameter) | (try source.take(parameter))
    }

    private static func number(_ source: inout BitSource) throws(CodingError) -> UInt64 {
        try source.take(Int(try source.take(6)) + 1)
    }
}
