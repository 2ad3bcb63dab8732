import BinaryCoding

// The chunk of version 1, which older blocks hold: the scheme of "Gorilla" (Pelkonen et al., VLDB 2015, section 4.1) with times and
// values in one stream of bits. It is read and no longer written. `docs/formats/series-blocks.md`, chapter "Version 1".

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
