// CRC32C (Castagnoli), the checksum of iSCSI, ext4 and Prometheus: polynomial 0x1EDC6F41, reflected, start and end inverted
// (RFC 3720, appendix B.4). Computed eight bytes at a time ("slicing by 8", Kounavis and Berry, Intel 2005): table k holds
// what a byte contributes when k zero bytes follow it, so eight look-ups that do not wait for each other replace eight that do.

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
        let table = slices.span
        var sum = state
        var place = 0
        let count = bytes.byteCount
        while place + 8 <= count {
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
            let low = UInt32(truncatingIfNeeded: word) ^ sum
            let high = UInt32(truncatingIfNeeded: word >> 32)
            let near =
                table[7 * 256 + Int(low & 0xFF)] ^ table[6 * 256 + Int(low >> 8 & 0xFF)]
                ^ table[5 * 256 + Int(low >> 16 & 0xFF)] ^ table[4 * 256 + Int(low >> 24)]
            let far =
                table[3 * 256 + Int(high & 0xFF)] ^ table[2 * 256 + Int(high >> 8 & 0xFF)]
                ^ table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
            sum = near ^ far
            place += 8
        }
        while place < count {
            let byte = bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self)
            sum = sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xFF)]
            place += 1
        }
        state = sum
    }
}

private let slices: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
        var sum = UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
        table[byte] = sum
    }
    for slice in 1..<8 {
        for byte in 0..<256 {
            let before = table[(slice - 1) * 256 + byte]
            table[slice * 256 + byte] = before >> 8 ^ table[Int(before & 0xFF)]
        }
    }
    return table
}()
