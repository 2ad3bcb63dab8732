import BinaryCoding

// The chunk that Prometheus keeps plain samples in, and sends in streams of remote read ("Gorilla", Pelkonen et al., VLDB 2015, with other widths):
//
//     bytes 0-1   number of samples, big-endian
//     then bits   time 0 as a zigzag varint, value 0 as 64 bits
//                 time 1 - time 0 as a varint, value 1 as below
//                 each further time as the difference of differences:
//                     0 -> 0    10 -> 14 bits    110 -> 17 bits    1110 -> 20 bits    1111 -> 64 bits
//                 each further value as the bits that differ from the one before:
//                     0 -> the same
//                     10 -> within the window of the last one that had a window
//                     11 -> 5 bits of leading zeros, 6 bits of width (0 is 64), then that many bits
//
// <https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>

enum XORChunk {
    /// - Parameter times: rising, 1…65,535 of them.
    static func encode(times: ArraySlice<Int64>, values: ArraySlice<Double>) -> [UInt8] {
        precondition(times.count == values.count && (1...65_535).contains(times.count), "\(times.count) samples")
        var bits = BitWriter(reserving: 8 + times.count * 4)
        bits.bits(UInt64(times.count), 16)
        var state = State()
        for (time, value) in zip(times, values) { state.write(time, value, to: &bits) }
        return bits.bytes
    }

    private struct State {
        var count = 0
        var time: Int64 = 0
        var delta: UInt64 = 0
        var value: UInt64 = 0
        var leading = 0xFF
        var trailing = 0

        mutating func write(_ newTime: Int64, _ newValue: Double, to bits: inout BitWriter) {
            switch count {
            case 0:
                writeVarint(zigzagEncoded(newTime), to: &bits)
                bits.bits(newValue.bitPattern, 64)
            case 1:
                delta = UInt64(bitPattern: newTime &- time)
                writeVarint(delta, to: &bits)
                writeXOR(newValue.bitPattern, to: &bits)
            default:
                let newDelta = UInt64(bitPattern: newTime &- time)
                writeChange(Int64(bitPattern: newDelta &- delta), to: &bits)
                delta = newDelta
                writeXOR(newValue.bitPattern, to: &bits)
            }
            time = newTime
            value = newValue.bitPattern
            count += 1
        }

        private func writeVarint(_ number: UInt64, to bits: inout BitWriter) {
            var rest = number
            while rest >= 0x80 {
                bits.bits(rest & 0x7F | 0x80, 8)
                rest >>= 7
            }
            bits.bits(rest, 8)
        }

        private func writeChange(_ change: Int64, to bits: inout BitWriter) {
            func fits(_ width: Int64) -> Bool { change >= -(1 << (width - 1) - 1) && change <= 1 << (width - 1) }
            let low = UInt64(bitPattern: change)
            if change == 0 {
                bits.bit(false)
            } else if fits(14) {
                bits.bits(0b10, 2)
                bits.bits(low & (1 << 14 - 1), 14)
            } else if fits(17) {
                bits.bits(0b110, 3)
                bits.bits(low & (1 << 17 - 1), 17)
            } else if fits(20) {
                bits.bits(0b1110, 4)
                bits.bits(low & (1 << 20 - 1), 20)
            } else {
                bits.bits(0b1111, 4)
                bits.bits(low, 64)
            }
        }

        private mutating func writeXOR(_ newValue: UInt64, to bits: inout BitWriter) {
            let difference = newValue ^ value
            guard difference != 0 else {
                bits.bit(false)
                return
            }
            bits.bit(true)
            let newLeading = min(31, difference.leadingZeroBitCount)
            let newTrailing = difference.trailingZeroBitCount
            if leading != 0xFF, newLeading >= leading, newTrailing >= trailing {
                bits.bit(false)
                bits.bits(difference >> UInt64(trailing), 64 - leading - trailing)
                return
            }
            leading = newLeading
            trailing = newTrailing
            let width = 64 - leading - trailing
            bits.bit(true)
            bits.bits(UInt64(leading), 5)
            bits.bits(UInt64(width & 63), 6)
            bits.bits(difference >> UInt64(trailing), width)
        }
    }

    static func decode(_ chunk: [UInt8]) throws(CodingError) -> (times: [Int64], values: [Double]) {
        var bits = BitReader(chunk)
        let count = Int(try bits.bits(16))
        var times: [Int64] = []
        var values: [Double] = []
        // A sample takes two bits at least, so a count that cannot be true reserves nothing.
        guard count <= chunk.count * 4 else { throw CodingError(.invalid, at: 0) }
        times.reserveCapacity(count)
        values.reserveCapacity(count)
        var delta: UInt64 = 0
        var value: UInt64 = 0
        var leading = 0
        var trailing = 0
        for index in 0..<count {
            switch index {
            case 0:
                times.append(zigzagDecoded(try readVarint(&bits)))
                value = try bits.bits(64)
            case 1:
                delta = try readVarint(&bits)
                times.append(times[0] &+ Int64(bitPattern: delta))
                value = try readXOR(&bits, value, &leading, &trailing)
            default:
                delta &+= UInt64(bitPattern: try readChange(&bits))
                times.append(times[index - 1] &+ Int64(bitPattern: delta))
                value = try readXOR(&bits, value, &leading, &trailing)
            }
            values.append(Double(bitPattern: value))
        }
        return (times, values)
    }

    private static func readVarint(_ bits: inout BitReader) throws(CodingError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let byte = try bits.bits(8)
            number |= (byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw CodingError(.tooLarge, at: 0)
    }

    private static func readChange(_ bits: inout BitReader) throws(CodingError) -> Int64 {
        var ones = 0
        while ones < 4, try bits.bit() { ones += 1 }
        let width: Int
        switch ones {
        case 0: return 0
        case 1: width = 14
        case 2: width = 17
        case 3: width = 20
        default: return Int64(bitPattern: try bits.bits(64))
        }
        let raw = Int64(try bits.bits(width))
        return raw > 1 << Int64(width - 1) ? raw - 1 << Int64(width) : raw
    }

    private static func readXOR(
        _ bits: inout BitReader, _ value: UInt64, _ leading: inout Int, _ trailing: inout Int
    ) throws(CodingError) -> UInt64 {
        guard try bits.bit() else { return value }
        if try bits.bit() {
            leading = Int(try bits.bits(5))
            let width = Int(try bits.bits(6))
            trailing = 64 - leading - (width == 0 ? 64 : width)
            guard trailing >= 0 else { throw CodingError(.invalid, at: 0) }
        }
        return value ^ (try bits.bits(64 - leading - trailing)) << UInt64(trailing)
    }
}
