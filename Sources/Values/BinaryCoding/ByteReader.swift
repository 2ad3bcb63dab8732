/// Why bytes could not be read as what they should be.
public struct CodingError: Error, Sendable, Hashable {
    public enum Reason: String, Sendable {
        case truncated = "the data ends too early"
        case tooLarge = "a number does not fit"
        case notText = "a text is not UTF-8"
        case invalid = "a value is out of its range"
    }

    public let reason: Reason
    /// Where reading stood, from the start of the reader's bytes.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

/// Reads what `ByteWriter` wrote. Every read is checked against the end, so damaged input throws and never traps.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    public private(set) var offset: Int
    public let end: Int

    public init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    /// Reads a part; offsets count from the start of `bytes`.
    public init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    public var isAtEnd: Bool { offset >= end }
    public var remaining: Int { end - offset }

    public mutating func skip(_ count: Int) throws(CodingError) {
        guard count >= 0, count <= remaining else { throw CodingError(.truncated, at: offset) }
        offset += count
    }

    public mutating func byte() throws(CodingError) -> UInt8 {
        guard offset < end else { throw CodingError(.truncated, at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    @inlinable
    public mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(CodingError)
        -> Number
    {
        Number(truncatingIfNeeded: try littleEndian(MemoryLayout<Number>.size))
    }

    /// The next bytes as a number, the lowest first.
    /// - Parameter width: 1…8 bytes.
    public mutating func littleEndian(_ width: Int) throws(CodingError) -> UInt64 {
        precondition((1...8).contains(width), "a number of \(width) bytes")
        guard width <= remaining else { throw CodingError(.truncated, at: offset) }
        defer { offset += width }
        return bytes.withUnsafeBytes { bytes in
            switch width {
            case 8: return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            case 4: return UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            default: return bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    public mutating func varint() throws(CodingError) -> UInt64 {
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

    /// A count or a length.
    /// - Parameter limit: a greater one is refused before anything is reserved for it.
    public mutating func count(limit: Int = Int(Int32.max)) throws(CodingError) -> Int {
        let start = offset
        let value = try varint()
        guard value <= UInt64(limit) else { throw CodingError(.tooLarge, at: start) }
        return Int(value)
    }

    public mutating func zigzag() throws(CodingError) -> Int64 { zigzagDecoded(try varint()) }

    public mutating func double() throws(CodingError) -> Double { Double(bitPattern: try fixed()) }

    public mutating func text() throws(CodingError) -> String {
        let start = offset
        let length = try count()
        guard let text = String(validating: try raw(length), as: UTF8.self) else {
            throw CodingError(.notText, at: start)
        }
        return text
    }

    public mutating func raw(_ count: Int) throws(CodingError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw CodingError(.truncated, at: offset) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }
}
