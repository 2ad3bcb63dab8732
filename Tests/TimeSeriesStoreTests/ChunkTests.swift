import BinaryCoding
import Testing

@testable import TimeSeriesStore

/// Goal: a chunk gives back what went in, to the bit. Method: seeded random runs of several shapes, and damaged bytes that must
/// throw or give other numbers but never trap.
@Suite struct ChunkTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `random samples come back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var appender = ChunkAppender()
        var expectedTimes: [Int64] = []
        var expectedValues: [UInt64] = []
        var time = Int64.random(in: -1_000_000...2_000_000_000_000, using: &random)
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let value: Double =
                switch seed % 4 {
                case 0: Double(bitPattern: random.next())
                case 1: Double(Int.random(in: 0..<3, using: &random))
                case 2: Double.random(in: 0...1, using: &random)
                default: (Double.random(in: 0...100, using: &random) * 10).rounded() / 10
                }
            appender.append(time, value)
            expectedTimes.append(time)
            expectedValues.append(value.bitPattern)
            time += seed.isMultiple(of: 3) ? 15_000 : Int64.random(in: 1...(1 << (seed % 40)), using: &random)
        }
        let chunk = appender.sealed
        var times: [Int64] = []
        var values: [Double] = []
        try decodeChunk(
            chunk.bytes, in: 0..<chunk.bytes.count, sampleCount: chunk.sampleCount, from: .min, through: .max,
            times: &times, values: &values)
        #expect(times == expectedTimes, "seed \(seed)")
        #expect(values.map(\.bitPattern) == expectedValues, "seed \(seed)")

        for length in 0..<chunk.bytes.count {
            #expect(throws: CodingError.self, "seed \(seed)") {
                try decodeChunk(
                    chunk.bytes, in: 0..<length, sampleCount: chunk.sampleCount, from: .min, through: .max,
                    times: &times, values: &values)
            }
        }
        var damaged = chunk.bytes
        for _ in 0..<50 {
            damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            try? decodeChunk(
                damaged, in: 0..<damaged.count, sampleCount: chunk.sampleCount, from: .min, through: .max,
                times: &times, values: &values)
        }
    }

    @Test func `even readings of a steady value take two bits each`() {
        var appender = ChunkAppender()
        for step in 0..<120 as Range<Int64> { appender.append(step * 15_000, 42) }
        #expect(appender.sealed.bytes.count < 16 + 120 / 4 + 4)
    }
}
