import ChecksumShim

// CRC32C (Castagnoli), the checksum of iSCSI, ext4 and Prometheus: polynomial 0x1EDC6F41, reflected, start and end inverted
// (RFC 3720, appendix B.4). Most processors have an instruction for it, eight bytes at a time. Where there is none it is computed sixteen bytes at a time ("slicing by 8", Kounavis and Berry, Intel 2005, twice as wide): table k
// holds what a byte contributes when k zero bytes follow it, so sixteen look-ups that do not wait for each other replace sixteen
// that do.

/// CRC32C of a stretch of bytes, which may come in parts.
public struct Checksum: Sendable, Hashable {
    private var state: UInt32 = ~0

    public init() {}

    public var value: UInt32 { ~state }

    public static func of(_ bytes: [UInt8]) -> UInt32 { of(bytes.span.bytes) }

    public static func of(_ bytes: RawSpan) -> UInt32 {
        var sum = Checksum()
        sum.add(bytes)
        return sum.value
    }

    public mutating func add(_ bytes: [UInt8]) { add(bytes.span.bytes) }

    public mutating func add(_ bytes: RawSpan) {
        guard hasInstruction else { return addByTables(bytes) }
        state = bytes.withUnsafeBytes { jaga_crc32c(state, $0.baseAddress, $0.count) }
    }

    package mutating func addByTables(_ bytes: RawSpan) {
        var sum = state
        var place = 0
        let count = bytes.byteCount
        slices.withUnsafeBufferPointer { table in
            let table = table.baseAddress!
            while place + 16 <= count {
                let near = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
                let far = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: place + 8, as: UInt64.self))
                sum =
                    Self.contribution(of: near ^ UInt64(sum), table + 8 * 256) ^ Self.contribution(of: far, table)
                place += 16
            }
        }
        let table = slices.span
        while place < count {
            let byte = bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self)
            sum = sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xFF)]
            place += 1
        }
        state = sum
    }

    /// What eight bytes contribute, by the eight tables from `table` on.
    @inline(__always)
    private static func contribution(of word: UInt64, _ table: UnsafePointer<UInt32>) -> UInt32 {
        var sum: UInt32 = 0
        for byte in 0..<8 { sum ^= table[(7 - byte) * 256 + Int(word >> UInt64(8 * byte) & 0xFF)] }
        return sum
    }
}

private let hasInstruction = jaga_has_crc32c() != 0

private let slices: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
        var sum = UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
        table[byte] = sum
    }
    for slice in 1..<16 {
        for byte in 0..<256 {
            let before = table[(slice - 1) * 256 + byte]
            table[slice * 256 + byte] = before >> 8 ^ table[Int(before & 0xFF)]
        }
    }
    return table
}()
