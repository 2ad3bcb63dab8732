/// Builds a stretch of bytes. Fixed-width numbers are little-endian; variable ones are LEB128, seven bits a byte, low first.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8]

    public init(reserving capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    public var count: Int { bytes.count }

    public mutating func byte(_ value: UInt8) { bytes.append(value) }

    public mutating func fixed<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    public mutating func varint(_ value: Int) {
        precondition(value >= 0, "a count is not negative, got \(value)")
        varint(UInt64(value))
    }

    /// A signed number as 0, -1, 1, -2 … → 0, 1, 2, 3 …, so that small magnitudes stay short.
    public mutating func zigzag(_ value: Int64) { varint(zigzagEncoded(value)) }

    /// The bit pattern, so that every NaN stays what it is.
    public mutating func double(_ value: Double) { fixed(value.bitPattern) }

    /// Length and bytes.
    public mutating func text(_ text: String) {
        varint(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func raw(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Puts a number over four bytes written before: a length or a checksum that is known only at the end.
    public mutating func overwrite(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "offset \(offset) of \(bytes.count) bytes")
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
    }

    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

/// 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …
@inlinable public func zigzagEncoded(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: value << 1 ^ value >> 63)
}

@inlinable public func zigzagDecoded(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
}
