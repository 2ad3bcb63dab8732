import Compression
import Testing

/// Goal: what goes in comes out, and damage never does. Method: round trips over shapes of input and piece sizes, each
/// single bit of a small frame flipped, each shorter prefix.
@Suite struct ZstdTests {
    @Test(arguments: [0, 1, 1000, 300_000], [1, 777, 65536])
    func `a stream in any pieces comes back as it was`(count: Int, pieceSize: Int) async throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }
        let packed = try pack(content, pieceSize: max(pieceSize, count / 500))
        #expect(try await unpack(packed, pieceSize: max(pieceSize, packed.count / 500)) == content)
    }

    @Test func `every flipped bit is noticed or changes nothing`() async throws {
        let content = Array("a backup is a promise; ".utf8) + (0..<200).map { UInt8($0) }
        let packed = try pack(content, pieceSize: 100)
        var noticed = 0
        for index in packed.indices {
            for bit in 0..<8 {
                var damaged = packed
                damaged[index] ^= 1 << bit
                do {
                    #expect(try await unpack(damaged, pieceSize: 50) == content)
                } catch is CompressionFailure {
                    noticed += 1
                }
            }
        }
        #expect(noticed > packed.count * 7)
    }

    @Test func `a truncated frame is not a complete one`() async throws {
        let packed = try pack(Array(repeating: 7, count: 5000), pieceSize: 1000)
        for count in 0..<packed.count {
            await #expect(throws: CompressionFailure.self) {
                try await unpack(Array(packed.prefix(count)), pieceSize: 64)
            }
        }
    }

    @Test func `very compressible data unpack in small pieces`() async throws {
        var encoder = try ZstdEncoder()
        var packed: [UInt8] = []
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<32 { packed += try encoder.compress(zeros) }
        packed += try encoder.finish()
        #expect(packed.count < 10_000)
        var decoder = try ZstdDecoder()
        var largest = 0
        try await decoder.decompress(packed) { largest = max(largest, $0.count) }
        try decoder.finish()
        #expect(decoder.outputByteCount == 32 << 20)
        #expect(largest <= 128 * 1024)
    }

    private func pack(_ content: [UInt8], pieceSize: Int) throws -> [UInt8] {
        var encoder = try ZstdEncoder()
        var packed: [UInt8] = []
        for start in stride(from: 0, to: content.count, by: pieceSize) {
            packed += try encoder.compress(Array(content[start..<min(start + pieceSize, content.count)]))
        }
        return packed + (try encoder.finish())
    }

    private func unpack(_ packed: [UInt8], pieceSize: Int) async throws -> [UInt8] {
        var decoder = try ZstdDecoder()
        var content: [UInt8] = []
        for start in stride(from: 0, to: packed.count, by: pieceSize) {
            try await decoder.decompress(Array(packed[start..<min(start + pieceSize, packed.count)])) { content += $0 }
        }
        try decoder.finish()
        return content
    }
}
