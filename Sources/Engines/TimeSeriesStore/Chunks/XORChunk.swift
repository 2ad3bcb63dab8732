import BinaryCoding

// The compression of Gorilla (Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015, section
// 4.1). Readings come at even intervals, so the difference of two successive differences of time is mostly 0 and takes one
// bit. A value that did not change takes one bit; one that changed shares sign, exponent and high bits with the one before,
// so that their XOR has zeros on both sides and only the bits between are written:
//
//     time   +15 s  +15 s  +15 s +15.002 s          value   20.5   20.5   20.75
//     bits     …      0      0    10 + 14 bits      bits     64     0     11 + 5 + 6 + few
//
// `docs/formats/series-blocks.md` is the exact description. Other encodings can stand beside this one: a chunk carries the
// number of its own.

/// How the samples of a chunk are written.
enum ChunkEncoding: UInt8, Sendable {
    case xor = 1
}

/// A finished run of samples of one series, in memory.
struct Chunk: Sendable {
    var encoding = ChunkEncoding.xor
    var minTime: Int64
    var maxTime: Int64
    var sampleCount: Int
    var bytes: [UInt8]
}

/// A chunk that is still growing.
struct ChunkAppender: Sendable {
    private var bits = BitWriter(reserving: 64)
    private(set) var sampleCount = 0
    private(set) var minTime: Int64 = 0
    private(set) var maxTime: Int64 = 0
    private var lastDelta: Int64 = 0
    private var lastBits: UInt64 = 0
    /// The window of the last `11`; a width of 0 says that there is none.
    private var leading: Int8 = 0
    private var width: Int8 = 0

    /// More samples would make single reads of a few samples dearer; fewer waste the 16 bytes of the first one.
    static let sampleCountMax = 120

    var byteCount: Int { bits.bytes.count }

    /// A copy as it is now.
    var chunk: Chunk { Chunk(minTime: minTime, maxTime: maxTime, sampleCount: sampleCount, bytes: bits.bytes) }

    /// A copy without the spare room that a growing array has.
    var sealed: Chunk {
        var chunk = chunk
        chunk.bytes = [UInt8](unsafeUninitializedCapacity: bits.bytes.count) { buffer, count in
            count = buffer.initialize(fromContentsOf: bits.bytes)
        }
        return chunk
    }

    /// - Parameter time: greater than that of the sample before.
    mutating func append(_ time: Int64, _ value: Double) {
        if sampleCount == 0 {
            bits.bits(UInt64(bitPattern: time), 64)
            bits.bits(value.bitPattern, 64)
            minTime = time
        } else {
            let delta = time &- maxTime
            writeTime(delta &- lastDelta)
            writeValue(value.bitPattern ^ lastBits)
            lastDelta = delta
        }
        maxTime = time
        lastBits = value.bitPattern
        sampleCount += 1
    }

    private mutating func writeTime(_ change: Int64) {
        let pattern = UInt64(bitPattern: change)
        switch change {
        case 0: bits.bit(false)
        case -8192...8191:
            bits.bits(0b10, 2)
            bits.bits(pattern & (1 << 14 - 1), 14)
        case -65_536...65_535:
            bits.bits(0b110, 3)
            bits.bits(pattern & (1 << 17 - 1), 17)
        case -524_288...524_287:
            bits.bits(0b1110, 4)
            bits.bits(pattern & (1 << 20 - 1), 20)
        default:
            bits.bits(0b1111, 4)
            bits.bits(pattern, 64)
        }
    }

    private mutating func writeValue(_ change: UInt64) {
        guard change != 0 else { return bits.bit(false) }
        let newLeading = min(31, change.leadingZeroBitCount)
        let trailing = change.trailingZeroBitCount
        let lastTrailing = 64 - Int(leading) - Int(width)
        if width > 0, newLeading >= Int(leading), trailing >= lastTrailing {
            bits.bits(0b10, 2)
            bits.bits(change >> UInt64(lastTrailing), Int(width))
        } else {
            let newWidth = 64 - newLeading - trailing
            bits.bits(0b11, 2)
            bits.bits(UInt64(newLeading), 5)
            bits.bits(UInt64(newWidth - 1), 6)
            bits.bits(change >> UInt64(trailing), newWidth)
            leading = Int8(newLeading)
            width = Int8(newWidth)
        }
    }
}

/// Reads the samples of a chunk from `start` to `end`, both included, and adds them to the columns.
/// - Parameter range: the chunk's bytes in `bytes`.
/// - Throws: when the bytes end too early or cannot have been written so.
func decodeChunk(
    _ bytes: [UInt8], in range: Range<Int>, sampleCount: Int, from start: Int64, through end: Int64,
    times: inout [Int64], values: inout [Double]
) throws(CodingError) {
    guard sampleCount > 0 else { return }
    var reader = BitReader(bytes, in: range)
    var time = Int64(bitPattern: try reader.bits(64))
    var value = try reader.bits(64)
    var delta: Int64 = 0
    var width = 0
    var trailing = 0
    var left = sampleCount
    while true {
        if time > end { return }
        if time >= start {
            times.append(time)
            values.append(Double(bitPattern: value))
        }
        left -= 1
        if left == 0 { return }
        delta &+= try readTimeChange(&reader)
        time &+= delta
        if try reader.bit() {
            if try reader.bit() {
                let leading = Int(try reader.bits(5))
                width = Int(try reader.bits(6)) + 1
                trailing = 64 - leading - width
                guard trailing >= 0 else { throw CodingError(.invalid, at: range.lowerBound) }
            } else if width == 0 {
                throw CodingError(.invalid, at: range.lowerBound)
            }
            value ^= try reader.bits(width) << UInt64(trailing)
        }
    }
}

@inline(__always)
private func readTimeChange(_ reader: inout BitReader) throws(CodingError) -> Int64 {
    guard try reader.bit() else { return 0 }
    let width: Int
    if try !reader.bit() {
        width = 14
    } else if try !reader.bit() {
        width = 17
    } else if try !reader.bit() {
        width = 20
    } else {
        return Int64(bitPattern: try reader.bits(64))
    }
    let unused = UInt64(64 - width)
    return Int64(bitPattern: try reader.bits(width) << unused) >> Int64(unused)
}
