import BinaryCoding
import Glibc
import TestSupport
import Testing

@testable import TimeSeriesStore

/// Goal: a chunk gives back what went in, to the bit, in as few bytes as promised. Method: seeded random runs of the shapes that
/// monitoring has and of none, and damaged bytes, which must throw or give other numbers but never trap. The bytes end where a page
/// begins that nobody may read.
@Suite struct ChunkTests {
    @Test(arguments: 1...120 as ClosedRange<UInt64>)
    func `random integers come back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var values: [Int64] = []
        var value = Int64.random(in: -1_000_000...2_000_000_000_000, using: &random)
        var rise: Int64 = 15_000
        for _ in 0..<Int.random(in: 1...500, using: &random) {
            switch seed % 8 {
            case 0: value = Int64(bitPattern: random.next())
            case 1: break
            case 2: value += rise
            case 3: value += Int64.random(in: 0...(1 << (seed % 40)), using: &random)
            case 4: value += Int.random(in: 0..<20, using: &random) == 0 ? 7 : 0
            case 5: value += 4096 * Int64.random(in: -8...8, using: &random)
            case 6:
                rise += Int64.random(in: -3...3, using: &random)
                value &+= rise
            default:
                value = Int.random(in: 0..<30, using: &random) == 0 ? .max : Int64.random(in: 0...9, using: &random)
            }
            values.append(value)
        }
        var bytes: [UInt8] = []
        values.withUnsafeBufferPointer { encodeIntegers($0, into: &bytes) }
        #expect(try integers(bytes, values.count) == values, "seed \(seed)")
        try damage(bytes, &random) { _ = try integers($0, values.count) }
    }

    @Test(arguments: 1...160 as ClosedRange<UInt64>)
    func `random values come back to the bit`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let values = randomValues(seed, &random)
        var bytes: [UInt8] = []
        values.withUnsafeBufferPointer { encodeValues($0, into: &bytes) }
        #expect(try doubles(bytes, values.count).map(\.bitPattern) == values.map(\.bitPattern), "seed \(seed)")
        #expect(bytes.count <= values.count * 10 + 16)
        try damage(bytes, &random) { _ = try doubles($0, values.count) }
    }

    private func randomValues(_ seed: UInt64, _ random: inout SeededGenerator) -> [Double] {
        let odd: [Double] = [
            .nan, -.nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, staleBits,
            Double(bitPattern: 0x7ff8_dead_beef_0001), 9_007_199_254_740_992, 9_007_199_254_740_994, 0.1, 1e-9, 1e300,
        ]
        var sum = 0.0
        return (0..<Int.random(in: 1...480, using: &random)).map { _ in
            switch seed % 10 {
            case 0: return Double(bitPattern: random.next())
            case 1: return Double(Int.random(in: 0..<3, using: &random))
            case 2: return Double.random(in: 0...1, using: &random)
            case 3: return (Double.random(in: 0...100, using: &random) * 10).rounded() / 10
            case 4: return odd.randomElement(using: &random)!
            case 5: return odd[Int(seed / 10) % odd.count]
            case 6:
                sum += Double.random(in: 0...1, using: &random)
                return (sum * 100).rounded() / 100
            case 7:
                sum += 1.000_123
                return 1.7e9 + sum
            case 8: return Int.random(in: 0..<20, using: &random) == 0 ? staleBits : 1024 * 1_000_000
            default: return -Double(Int.random(in: 0..<1_000_000_000, using: &random)) / 1000
            }
        }
    }

    private let staleBits = Double(bitPattern: 0x7ff0_0000_0000_0002)

    @Test(arguments: [
        // A regular interval, a still value, an even counter, a step, pages of memory, hundredths of a second.
        ("times", 6), ("still", 4), ("even", 5), ("step", 9), ("pages", 4 + 240 * 6 / 8),
        ("hundredths", 8 + 240 * 8 / 8),
    ])
    func `the usual shapes take the bytes that they should`(shape: String, byteCountMax: Int) {
        var random = SeededGenerator(seed: 7)
        var sum = 0.0
        let values: [Double] = (0..<240).map { index in
            switch shape {
            case "still": return 42
            case "even": return Double(1000 + 15 * index)
            case "step": return index < 100 ? 3 : 4
            case "pages": return Double(1_000_000 + Int.random(in: 0..<32, using: &random)) * 4096
            case "hundredths":
                sum += Double(Int.random(in: 0..<100, using: &random)) / 100
                return (sum * 100).rounded() / 100
            default: return 0
            }
        }
        var bytes: [UInt8] = []
        if shape == "times" {
            (0..<240).map { epoch + $0 * 15_000 as Int64 }.withUnsafeBufferPointer { encodeIntegers($0, into: &bytes) }
            #expect(bytes.count <= byteCountMax + 6)
        } else {
            values.withUnsafeBufferPointer { encodeValues($0, into: &bytes) }
            #expect(bytes.count <= byteCountMax + 6, "\(shape): \(bytes.count)")
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `histograms come back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let histograms = randomHistograms(&random)
        var bytes: [UInt8] = []
        encodeHistograms(histograms[...], into: &bytes)
        let found = try bytes.withUnsafeBytes { raw in
            var source = ByteSource(raw)
            return try decodeHistograms(&source, count: histograms.count)
        }
        #expect(found == histograms, "seed \(seed)")
        try damage(bytes, &random) { damaged in
            _ = try damaged.withUnsafeBytes { raw in
                var source = ByteSource(raw)
                return try decodeHistograms(&source, count: histograms.count)
            }
        }
    }

    @Test func `aggregates come back, and their means are what a reader gets`() throws {
        var columns = AggregateColumns()
        for index in 0..<50 {
            let value = Double(index)
            columns.add(
                Aggregate(count: 20, sum: value * 20, minimum: value - 1, maximum: value + 2.5, last: value + 1))
        }
        var bytes: [UInt8] = []
        encodeAggregates(columns, 10..<50, into: &bytes)
        let found = try bytes.withUnsafeBytes { raw in
            var source = ByteSource(raw)
            return try decodeAggregates(&source, count: 40)
        }
        #expect((0..<40).allSatisfy { found[$0] == columns[$0 + 10] })
        #expect(try doubles(bytes, 40) == (10..<50).map { Double($0) })
    }

    private func integers(_ bytes: [UInt8], _ count: Int) throws -> [Int64] {
        try withGuarded(bytes) { raw in
            var source = ByteSource(raw)
            return try decodedIntegers(&source, count: count)
        }
    }

    private func doubles(_ bytes: [UInt8], _ count: Int) throws -> [Double] {
        var values = [Double](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer { output in
            try withGuarded(bytes) { raw in
                var source = ByteSource(raw)
                try decodeValues(&source, into: output)
            }
        }
        return values
    }

    /// Lends `bytes` in memory of which the byte after them cannot be read.
    private func withGuarded<Value>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value
    {
        let page = Int(getpagesize())
        let room = (bytes.count + page - 1) / page * page
        let memory = try #require(
            mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "no memory")
        try #require(memory != MAP_FAILED)
        defer { munmap(memory, room + page) }
        try #require(mprotect(memory + room, page, PROT_NONE) == 0)
        let start = memory + room - bytes.count
        start.copyMemory(from: bytes, byteCount: bytes.count)
        return try body(UnsafeRawBufferPointer(start: start, count: bytes.count))
    }

    private func damage(_ bytes: [UInt8], _ random: inout SeededGenerator, _ read: ([UInt8]) throws -> Void) throws {
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
            try? read(Array(bytes[..<length]))
        }
        var damaged = bytes
        for _ in 0..<50 {
            damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            try? read(damaged)
        }
    }
}
