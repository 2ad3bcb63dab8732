/// Builds a stream of bits, the highest bit of each byte first. The last byte is filled up with zeros.
public struct BitWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    /// Bits of the last byte that are still free: 0…7.
    private var freeBits = 0

    public init(reserving capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    public var bitCount: Int { bytes.count * 8 - freeBits }

    public mutating func bit(_ isSet: Bool) { bits(isSet ? 1 : 0, 1) }

    /// The low `count` (0…64) bits of `value`, the highest of them first.
    public mutating func bits(_ value: UInt64, _ count: Int) {
        var left = count
        while left > 0 {
            if freeBits == 0 {
                bytes.append(0)
                freeBits = 8
            }
            let taken = min(left, freeBits)
            let piece = UInt8(truncatingIfNeeded: value >> UInt64(left - taken) & (1 << UInt64(taken) - 1))
            bytes[bytes.count - 1] |= piece << UInt8(freeBits - taken)
            freeBits -= taken
            left -= taken
        }
    }
}

/// Reads a stream of bits. Reading past the end throws.
public struct BitReader: Sendable {
    private let bytes: [UInt8]
    private let end: Int
    private var next: Int
    /// Bits read ahead, at the low end of `ahead`.
    private var ahead: UInt64 = 0
    private var aheadCount = 0

    public init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    public init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        self.bytes = bytes
        next = range.lowerBound
        end = range.upperBound
    }

    @inline(__always)
    public mutating func bit() throws(CodingError) -> Bool {
        if aheadCount == 0 { try refill() }
        aheadCount -= 1
        return ahead >> UInt64(aheadCount) & 1 == 1
    }

    /// The next `count` (0…64) bits as the low bits of a number.
    public mutating func bits(_ count: Int) throws(CodingError) -> UInt64 {
        if count <= aheadCount {
            aheadCount -= count
            return ahead >> UInt64(aheadCount) & mask(count)
        }
        var left = count
        var value: UInt64 = 0
        while left > 0 {
            if aheadCount == 0 { try refill() }
            let taken = min(left, aheadCount)
            aheadCount -= taken
            value = (taken == 64 ? 0 : value << UInt64(taken)) | ahead >> UInt64(aheadCount) & mask(taken)
            left -= taken
        }
        return value
    }

    private mutating func refill() throws(CodingError) {
        guard next < end else { throw CodingError(.truncated, at: next) }
        let taken = min(8, end - next)
        if taken == 8 {
            ahead = bytes.withUnsafeBytes {
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: next, as: UInt64.self))
            }
        } else {
            ahead = 0
            for index in next..<next + taken { ahead = ahead << 8 | UInt64(bytes[index]) }
        }
        next += taken
        aheadCount = taken * 8
    }

    @inline(__always)
    private func mask(_ count: Int) -> UInt64 { count == 64 ? ~0 : 1 << UInt64(count) - 1 }
}
