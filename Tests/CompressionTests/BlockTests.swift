import Compression
import Testing

/// Goal: bodies of requests come through, damaged ones are refused, and none unpacks to more than allowed. Method: round trips, every
/// shorter prefix, flipped bits, blocks that claim or hold too much, and content that another program packed.
@Suite struct BlockTests {
    enum Format: String, CaseIterable, CustomTestStringConvertible {
        case snappy, gzip
        var testDescription: String { rawValue }

        func pack(_ bytes: [UInt8]) throws -> [UInt8] {
            self == .snappy ? Snappy.compress(bytes) : try Gzip.compress(bytes)
        }

        func unpack(_ bytes: [UInt8], limit: Int = 1 << 24) throws(CompressionFailure) -> [UInt8] {
            self == .snappy
                ? try Snappy.decompress(bytes, limit: limit) : try Gzip.decompress(bytes, limit: limit)
        }
    }

    @Test(arguments: Format.allCases, [0, 1, 65_536, 300_001])
    func `what goes in comes out`(format: Format, count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        #expect(try format.unpack(format.pack(content)) == content)
        #expect(try format.unpack(format.pack(content), limit: count) == content)
    }

    /// Parts of no bytes, of few, and of more than a piece; content that shrinks, and content that does not.
    @Test(arguments: [[], [0], [0, 5, 0], [65_536, 1], [10, 200_000, 3, 0], [300_001, 0], [700_000]], [0, 1])
    func `parts become one gzip body in pieces, and are let go`(counts: [Int], seed: UInt32) throws {
        var state = seed
        var parts = counts.map { count in
            (0..<count).map { _ in
                state = state &* 1_664_525 &+ (seed == 0 ? 0 : 1_013_904_223)
                return UInt8(state >> 24)
            }
        }
        let content = Array(parts.joined())
        let pieces = try #require(try Gzip.compress(parts: &parts, level: 1))
        #expect(parts.isEmpty)
        #expect(pieces.dropLast().allSatisfy { $0.count == 65_536 } && (pieces.last?.count ?? 0) <= 65_536)
        let whole = Array(pieces.joined())
        #expect(whole.count < content.count + content.count / 1000 + 100)
        #expect(try Gzip.decompress(whole, limit: content.count) == content)
    }

    @Test func `who waits no longer stops the compression`() throws {
        var parts = [[UInt8]](repeating: [UInt8](repeating: 7, count: 100_000), count: 20)
        var looks = 0
        let pieces = try Gzip.compress(parts: &parts, level: 1) {
            looks += 1
            return looks == 5
        }
        #expect(pieces == nil && looks == 5 && parts.isEmpty)
    }

    @Test(arguments: Format.allCases)
    func `content past the limit is refused`(format: Format) throws {
        let packed = try format.pack([UInt8](repeating: 7, count: 8 << 20))
        #expect(packed.count < 500_000)
        let error = #expect(throws: CompressionFailure.self) { try format.unpack(packed, limit: (8 << 20) - 1) }
        #expect(error?.code == .tooLarge)
    }

    @Test(arguments: Format.allCases)
    func `a cut or damaged body is refused or, by chance, other bytes, and never a trap`(format: Format) throws {
        let content = Array("samples ".utf8) + (0..<400).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let packed = try format.pack(content)
        for count in packed.indices {
            #expect(throws: CompressionFailure.self) { try format.unpack(Array(packed.prefix(count))) }
        }
        var noticed = 0
        for index in packed.indices {
            var damaged = packed
            damaged[index] ^= 0x55
            do {
                _ = try format.unpack(damaged)
            } catch {
                noticed += 1
            }
        }
        // gzip has a checksum, Snappy's blocks have none.
        #expect(noticed > (format == .gzip ? packed.count - 10 : 3))
    }

    @Test func `a Snappy block that claims more than it can hold reserves nothing`() {
        // 4 GiB - 1, and two bytes of content.
        let lie: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x04, 0x61]
        #expect(throws: CompressionFailure.self) { try Snappy.decompress(lie, limit: .max) }
        #expect(throws: CompressionFailure.self) { try Snappy.decompress([], limit: .max) }
    }

    @Test func `gzip members that follow each other are one content`() throws {
        let packed = try Gzip.compress(Array("one ".utf8)) + Gzip.compress(Array("two".utf8))
        #expect(try Gzip.decompress(packed, limit: 7) == Array("one two".utf8))
        #expect(throws: CompressionFailure.self) { try Gzip.decompress(packed + [1, 2, 3], limit: 100) }
        #expect(throws: CompressionFailure.self) { try Gzip.decompress(packed, limit: 6) }
    }
}
