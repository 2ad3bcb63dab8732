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

    /// What `body` reads of `bytes`.
    @inline(__always)
    static func reading<Value>(
        _ bytes: [UInt8], _ body: (inout ByteSource) throws(CodingError) -> Value
    ) throws(CodingError) -> Value {
        let result = bytes.withUnsafeBytes { bytes -> Result<Value, CodingError> in
            do throws(CodingError) {
                var source = ByteSource(bytes)
                return .success(try body(&source))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    var remaining: Int { end - offset }

    mutating func byte() throws(CodingError) -> UInt8 {
        guard offset < end else { throw CodingError(.truncated, at: offset) }
        defer { offset += 1 }
        return base.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    mutating func varint() throws(CodingError) -> UInt64 {
        // Nearly all of them are one or two bytes long.
        if remaining >= 2 {
            let low = base.load(fromByteOffset: offset, as: UInt8.self)
            if low < 0x80 {
                offset &+= 1
                return UInt64(low)
            }
            let high = base.load(fromByteOffset: offset &+ 1, as: UInt8.self)
            if high < 0x80 {
                offset &+= 2
                return UInt64(low & 0x7F) | UInt64(high) << 7
            }
        }
        return try longVarint()
    }

    @inline(never)
    private mutating func longVarint() throws(CodingError) -> UInt64 {
        if remaining >= 8 {
            // Up to eight bytes at once: the first without a high bit is the last one.
            var word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let ends = ~word & 0x8080_8080_8080_8080
            if ends != 0 {
                let bitCount = ends.trailingZeroBitCount + 1
                offset &+= bitCount / 8
                word &= UInt64.max >> UInt64(64 - bitCount) & 0x7F7F_7F7F_7F7F_7F7F
                // Pairs of seven bits, then of fourteen, then of twenty-eight move together.
                word = word & 0x007F_007F_007F_007F | (word & 0x7F00_7F00_7F00_7F00) >> 1
                word = word & 0x0000_3FFF_0000_3FFF | (word & 0x3FFF_0000_3FFF_0000) >> 2
                return word & 0x0FFF_FFFF | (word & 0x0FFF_FFFF_0000_0000) >> 4
            }
        }
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
///
/// Whole columns are read by `fixed`, `rice` and `changes`: as long as eight more bytes follow, one load of them gives a whole number or two
/// and needs no other check; the last few numbers take the careful way.
struct BitSource {
    private let base: UnsafeRawPointer
    private let byteCount: Int
    private var place = 0
    private let bitCount: Int

    /// How many bits of `near` count, wherever in a byte it begins.
    private static var nearBits: Int { 57 }

    /// Whether eight bytes can be loaded from `place` on.
    @inline(__always)
    private var isNear: Bool { place &>> 3 &+ 8 <= byteCount }

    /// The 64 bits from `place` on, of which at least 57 count. Only where `isNear`.
    @inline(__always)
    private func near() -> UInt64 {
        UInt64(bigEndian: base.loadUnaligned(fromByteOffset: place &>> 3, as: UInt64.self)) &<< UInt64(place & 7)
    }

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

    // MARK: Columns

    /// Numbers of `width` (0…64) bits each, shifted to the left and added to `floor`.
    mutating func fixed(
        into output: UnsafeMutableBufferPointer<Int64>, width: Int, shift: UInt64, floor: Int64
    ) throws(CodingError) {
        guard output.count <= Int(UInt32.max), place + output.count * width <= bitCount else {
            throw CodingError(.truncated, at: byteCount)
        }
        var index = 0
        if width > 0, width <= Self.nearBits {
            let unused = UInt64(64 - width)
            while index < output.count, isNear {
                output[index] = floor &+ Int64(bitPattern: (near() &>> unused) &<< shift)
                place &+= width
                index &+= 1
            }
        }
        while index < output.count {
            output[index] = floor &+ Int64(bitPattern: try take(width) &<< shift)
            index &+= 1
        }
    }

    /// Rice codes: as many ones as the number has times 2^width, a zero and `width` (0…62) bits; after `escape` ones all 64 bits of it.
    mutating func rice(
        into output: UnsafeMutableBufferPointer<Int64>, width: Int, escape: Int, shift: Int64, centre: Int64
    ) throws(CodingError) {
        let unused = UInt64(63 - width)
        // What lies ahead, of which the first `known` bits count.
        var bits: UInt64 = 0
        var known = 0
        var index = 0
        while index < output.count {
            var ones = (~bits).leadingZeroBitCount
            if ones &+ 1 &+ width > known {
                bits = isNear ? near() : ~0
                known = Self.nearBits
                ones = (~bits).leadingZeroBitCount
            }
            let used = ones &+ 1 &+ width
            let number: UInt64
            if used <= known, ones < escape {
                // Two shifts, since a width of nothing asks for one by 64.
                number = UInt64(ones) &<< UInt64(width) | ((bits &<< UInt64(ones &+ 1)) &>> 1) &>> unused
                bits = bits &<< UInt64(used)
                known &-= used
                place &+= used
            } else {
                known = 0
                let quotient = try unary(limit: escape)
                number = quotient == escape ? try take(64) : UInt64(quotient) &<< UInt64(width) | (try take(width))
            }
            output[index] = centre &+ (zigzagDecoded(number) &<< shift)
            index &+= 1
        }
    }

    /// Patterns of bits, each as its change from the one before: 0 for none; 10 and the changed bits where they are in the window of the last
    /// change; 11, the zeros before the window, its width and the changed bits.
    /// - Returns: false where the bits cannot have been written so.
    mutating func changes(into output: UnsafeMutableBufferPointer<Double>) throws(CodingError) -> Bool {
        var value = try take(64)
        var width = 0
        var trailing = 0
        output[0] = Double(bitPattern: value)
        // What lies ahead, of which the first `known` bits count.
        var bits: UInt64 = 0
        var known = 0
        var index = 1
        while index < output.count {
            if known < 14 {
                guard isNear else { break }
                bits = near()
                known = Self.nearBits
            }
            let same = bits.leadingZeroBitCount
            if same >= 8 {
                let run = min(same, known, output.count &- index)
                for _ in 0..<run {
                    output[index] = Double(bitPattern: value)
                    index &+= 1
                }
                bits = bits &<< UInt64(run)
                known &-= run
                place &+= run
                continue
            }
            if bits &>> 62 == 0b11 {
                width = Int(bits &>> 50 & 63) &+ 1
                trailing = 64 &- Int(bits &>> 56 & 63) &- width
                guard trailing >= 0 else { return false }
                place &+= 14
                value ^= try take(width) &<< UInt64(trailing)
                known = 0
            } else {
                // Without a branch: nothing foretells whether a value changed.
                let changed = Int(bits &>> 63)
                guard changed == 0 || width > 0 else { return false }
                let used = 1 &+ changed &* (1 &+ width)
                if used > known {
                    place &+= 2
                    value ^= try take(width) &<< UInt64(trailing)
                    known = 0
                } else {
                    // Of a change of no bits nothing is left.
                    let change = ((bits &<< 2) &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- width)
                    value ^= (change &<< UInt64(trailing)) & (0 &- UInt64(changed))
                    bits = bits &<< UInt64(used)
                    known &-= used
                    place &+= used
                }
            }
            output[index] = Double(bitPattern: value)
            index &+= 1
        }
        while index < output.count {
            if try bit() {
                if try bit() {
                    let leading = Int(try take(6))
                    width = Int(try take(6)) + 1
                    trailing = 64 - leading - width
                }
                guard width > 0, trailing >= 0 else { return false }
                value ^= try take(width) &<< UInt64(trailing)
            }
            output[index] = Double(bitPattern: value)
            index &+= 1
        }
        return true
    }
}
