import BinaryCoding
import Testing

/// Goal: what is written is read back, and damaged bytes throw rather than trap. Method: round trips of edge values and of
/// seeded random streams, published check values, and every truncation of a valid stream.
@Suite struct BinaryCodingTests {
    @Test(arguments: [
        ("", 0), ("123456789", 0xE306_9283), ("a", 0xC1D0_4330),
        ("The quick brown fox jumps over the lazy dog", 0x2262_0404),
    ])
    func `checksums are those of the published examples`(text: String, expected: UInt32) {
        #expect(Checksum.of(Array(text.utf8)) == expected)
    }

    @Test func `the examples of RFC 3720 hold`() {
        #expect(Checksum.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Checksum.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(Checksum.of(Array(0..<32)) == 0x46DD_794E)
    }

    @Test func `a checksum in parts is that of the whole`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7919) }
        for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
            var sum = Checksum()
            sum.add(Array(bytes[..<cut]))
            sum.add(Array(bytes[cut...]))
            #expect(sum.value == Checksum.of(bytes))
        }
    }

    @Test func `the processor's instruction and the tables agree, wherever the bytes begin`() {
        let bytes = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }
        for count in Array(0..<70) + [255, 256, 257, 2048, 2993] {
            for start in 0..<7 {
                var (quick, slow) = (Checksum(), Checksum())
                let part = Array(bytes[start..<start + count])
                quick.add(part)
                slow.addByTables(part.span.bytes)
                #expect(quick == slow, "\(count) bytes from \(start)")
            }
        }
    }

    @Test func `numbers and texts come back, and every truncation is noticed`() throws {
        var writer = ByteWriter()
        let unsigned: [UInt64] = [0, 1, 127, 128, 16383, 16384, 1 << 63, .max]
        let signed: [Int64] = [0, -1, 1, .min, .max, -64, 63]
        for value in unsigned { writer.varint(value) }
        for value in signed { writer.zigzag(value) }
        writer.fixed(UInt32(0xDEAD_BEEF))
        writer.double(-.infinity)
        writer.text("héllo\u{0}")
        func read(_ bytes: [UInt8]) throws(CodingError) {
            var reader = ByteReader(bytes)
            for value in unsigned { #expect(try reader.varint() == value) }
            for value in signed { #expect(try reader.zigzag() == value) }
            let number: UInt32 = try reader.fixed()
            #expect(number == 0xDEAD_BEEF)
            #expect(try reader.double() == -.infinity)
            #expect(try reader.text() == "héllo\u{0}")
            #expect(reader.isAtEnd)
        }
        try read(writer.bytes)
        for length in 0..<writer.count {
            var reader = ByteReader(Array(writer.bytes.prefix(length)))
            #expect(throws: CodingError.self) {
                for _ in unsigned { _ = try reader.varint() }
                for _ in signed { _ = try reader.zigzag() }
                let _: UInt32 = try reader.fixed()
                _ = try reader.double()
                _ = try reader.text()
            }
        }
    }

    @Test func `a number that is too long or too large is refused`() {
        var tooLong = ByteReader([UInt8](repeating: 0xFF, count: 10))
        #expect(throws: CodingError(.tooLarge, at: 9)) { try tooLong.varint() }
        var tooLarge = ByteReader([0x80, 0x80, 0x01])
        #expect(throws: CodingError(.tooLarge, at: 0)) { try tooLarge.count(limit: 1000) }
        var notText = ByteReader([2, 0xC3, 0x28])
        #expect(throws: CodingError(.notText, at: 0)) { try notText.text() }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `random bit streams come back`(seed: UInt64) throws {
        var state = seed
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
        var writer = BitWriter()
        var expected: [(UInt64, Int)] = []
        for _ in 0..<3000 {
            let count = Int(random() % 65)
            let value = count == 64 ? random() : random() & (1 << UInt64(count) - 1)
            writer.bits(value, count)
            expected.append((value, count))
        }
        var reader = BitReader(writer.bytes)
        for (value, count) in expected { #expect(try reader.bits(count) == value, "seed \(seed)") }
        #expect(writer.bitCount == expected.reduce(0) { $0 + $1.1 })
        #expect(throws: CodingError.self) { for _ in 0..<9 { _ = try reader.bit() } }
    }
}
