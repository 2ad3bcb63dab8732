import BinaryCoding

/// Bytes that somebody else keeps alive for the length of a call, with a place to read from: the one handle of the codecs on memory.
///
/// Every read is checked against the end first, so that damaged bytes throw and never reach past it.
struct ByteSource {
    private let base: UnsafeRawPointer
    private(set) var offset: Int
    let end: Int

    /// - Parameter bytes: valid while this value is used; the caller sees to that by staying inside `withUnsafeBytes`.
    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer has no address; it is never read from, since the end is checked first.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        offset = 0
        end = bytes.count
    }

    var remaining: Int { end - offset }

    mutating func byte() throws(CodingError) -> UInt8 {
        guard offset < end else { throw CodingError(.truncated, at: offset) }
        defer { offset += 1 }
        return base.load(fromByteOffset: offset, as: UInt8.self)
    }

    mutating func varint() throws(CodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw CodingError(.tooLarge, at: offset - 1) }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func count(limit: Int) throws(CodingError) -> Int {
        let value = try varint()
        guard value <= UInt64(limit) else { throw CodingError(.tooLarge, at: offset) }
        return Int(value)
    }

    mutating func zigzag() throws(CodingError) -> Int64 { zigzagDecoded(try varint()) }

    mutating func word() throws(CodingError) -> UInt64 {
        guard remaining >= 8 else { throw CodingError(.truncated, at: offset) }
        defer { offset += 8 }
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The next `count` bytes as a source of their own.
    mutating func part(_ count: Int) throws(CodingError) -> ByteSource {
        guard count >= 0, count <= remaining else { throw CodingError(.truncated, at: offset) }
        defer { offset += count }
        return ByteSource(UnsafeRawBufferPointer(start: base + offset, count: count))
    }

    /// The rest as a stream of bits.
    func bits() -> BitSource { BitSource(UnsafeRawBufferPointer(start: base + offset, count: remaining)) }
}

/// Reads a stream of bits, high bits first.
struct BitSource {
    private let base: UnsafeRawPointer
    private let byteCount: Int
    private var place = 0
    private let bitCount: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        byteCount = bytes.count
        bitCount = bytes.count * 8
    }

    /// The 64 bits from `place` on, of which at least 57 count; zeros past the end.
    @inline(__always)
    private func window() -> UInt64 {
        let first = place >> 3
        if first + 8 <= byteCount {
            let word = UInt64(bigEndian: base.loadUnaligned(fromByteOffset: first, as: UInt64.self))
            return word &<< UInt64(place & 7)
        }
        var word: UInt64 = 0
        var shift: UInt64 = 56
        for index in first..<byteCount {
            word |= UInt64(base.load(fromByteOffset: index, as: UInt8.self)) << shift
            shift &-= 8
        }
        return word &<< UInt64(place & 7)
    }

    /// - Parameter count: 0…64.
    @inline(__always)
    mutating func take(_ count: Int) throws(CodingError) -> UInt64 {
        guard place + count <= bitCount else { throw CodingError(.truncated, at: byteCount) }
        if count > 57 {
            let high = try take(count - 32)
            return high << 32 | (try take(32))
        }
        if count == 0 { return 0 }
        let value = window() &>> UInt64(64 - count)
        place += count
        return value
    }

    @inline(__always)
    mutating func bit() throws(CodingError) -> Bool {
        guard place < bitCount else { throw CodingError(.truncated, at: byteCount) }
        let isSet = base.load(fromByteOffset: place >> 3, as: UInt8.self) &>> UInt8(7 - place & 7) & 1 == 1
        place += 1
        return isSet
    }

    /// The zeros before the next one, which is left; at most `limit`.
    @inline(__always)
    mutating func zeros(limit: Int) throws(CodingError) -> Int {
        var count = 0
        while count < limit {
            // Past these the window has zeros of its own.
            let known = 64 - (place & 7)
            let found = min(window().leadingZeroBitCount, known, limit - count)
            count += found
            place += found
            if found < known || place >= bitCount { break }
        }
        guard place <= bitCount else { throw CodingError(.truncated, at: byteCount) }
        return count
    }

    /// The ones before the next zero, which is passed over too; at most `limit` (up to 56), and then no zero is expected.
    @inline(__always)
    mutating func unary(limit: Int) throws(CodingError) -> Int {
        let ones = min((~window()).leadingZeroBitCount, limit)
        place += ones == limit ? ones : ones + 1
        guard place <= bitCount else { throw CodingError(.truncated, at: byteCount) }
        return ones
    }
}
