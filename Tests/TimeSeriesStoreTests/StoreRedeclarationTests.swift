import BinaryCoding
import DurableFiles
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: a number of the write-ahead log stands for the series that was declared last before the record, whatever record it is in and whatever
/// was read by that number before. A store gives a number that became free to another series, and the segment that it writes to may be the same
/// where it could not begin a new one. Method: segments put together record by record, and random ones held against a list of who had which
/// number when; the seed stands in every message.
@Suite struct StoreRedeclarationTests {
    /// A segment, and what a reader must find in it.
    private struct Script {
        var records = ByteWriter()
        var book = LayoutBook()
        var owners: [UInt32: Labels] = [:]
        var expected: [Labels: [StoreModel.Sample]] = [:]
        var time = epoch

        mutating func declare(_ number: UInt32, _ labels: Labels) {
            owners[number] = labels
            records.record(.series) { writer in
                writer.varint(Int(number))
                writer.labels(labels)
            }
        }

        private mutating func expect(_ number: UInt32, _ value: Double) {
            // Twice in one reading: the first counts.
            guard let labels = owners[number], expected[labels]?.last?.time != time else { return }
            expected[labels, default: []].append(StoreModel.Sample(time: time, bits: value.bitPattern))
        }

        mutating func columns(_ numbers: [UInt32], _ values: [Double]) {
            time += 1000
            book.write(numbers, time, values, in: 1, to: &records)
            for (number, value) in zip(numbers, values) { expect(number, value) }
        }

        mutating func samples(_ numbers: [UInt32], _ values: [Double]) {
            time += 1000
            let times = [Int64](repeating: time, count: numbers.count)
            records.record(.samples) { $0.samples(numbers[...], times[...], values[...]) }
            for (number, value) in zip(numbers, values) { expect(number, value) }
        }

        /// The store that starts with it.
        func opened() throws -> TimeSeriesStore {
            let files = MemoryFiles()
            try files.createFolders("/data/series/wal")
            try files.replace(
                "/data/series/wal/00000001.wal", with: LogFormat.header(number: 1, createdAt: epoch) + records.bytes)
            #expect(try verifyStore("/data/series", files: files).isIntact)
            return try openStore(files)
        }
    }

    private func labels(_ number: Int) -> Labels { Labels("m", ["n": "\(number)"]) }

    @Test func `readings in step go on with the new series and leave the old one as it was`() async throws {
        var script = Script()
        let numbers = (0..<12 as Range<UInt32>).map(\.self)
        for number in numbers { script.declare(number, labels(Int(number))) }
        for step in 0..<5 { script.columns(numbers, numbers.map { Double(step) * Double($0) }) }
        script.declare(3, Labels("new"))
        for step in 5..<10 { script.columns(numbers, numbers.map { Double(step) * Double($0) }) }
        // To a series that the same readings have already, and back to the one that it was.
        script.declare(3, labels(4))
        script.columns(numbers, numbers.map(Double.init))
        script.declare(3, labels(3))
        for step in 0..<5 { script.columns(numbers, numbers.map { Double(step) + Double($0) }) }
        let store = try script.opened()
        #expect(store.health.problems.isEmpty)
        #expect(try await store.samples() == script.expected)
        #expect(script.expected[Labels("new")]?.count == 5 && script.expected[labels(3)]?.count == 10)
    }

    @Test func `single samples, late ones and histograms go to the new series`() async throws {
        var script = Script()
        script.declare(7, Labels("old"))
        script.samples([7], [1])
        script.declare(7, Labels("new"))
        script.samples([7], [2])
        script.records.record(.late) { $0.samples([7], [epoch + 1500], [3]) }
        script.declare(7, Labels("newest"))
        var histogram = NativeHistogram(schema: 0)
        histogram.count = 4
        var chunk: [UInt8] = []
        encodeHistograms([histogram][...], into: &chunk)
        script.records.record(.histograms) { writer in
            writer.varint(7)
            writer.zigzag(epoch + 3000)
            writer.raw(chunk)
        }
        let store = try script.opened()
        #expect(store.health.problems.isEmpty)
        let found = try await store.select([], from: .distantPast, through: .distantFuture)
        #expect(found.map(\.labels) == [Labels("new"), Labels("newest"), Labels("old")])
        #expect(found.map(\.times) == [[epoch + 1500, epoch + 2000], [epoch + 3000], [epoch + 1000]])
        #expect(found[0].values == [3, 2] && found[2].values == [1])
        #expect(found[1].histograms.map(\.histogram.count) == [4])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `numbers that change their series at any time are read as they were written`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var script = Script()
        let numbers = (0..<24 as Range<UInt32>).map(\.self)
        for number in numbers { script.declare(number, labels(Int(number))) }
        // Layouts that overlap each other, one of them too short for a chain.
        let layouts = [Array(numbers), Array(numbers[4..<16]), Array(numbers[10..<24]), Array(numbers[2..<7])]
        var values = numbers.map { _ in 0.0 }
        for _ in 0..<300 {
            for index in values.indices where Int.random(in: 0..<4, using: &random) == 0 {
                values[index] += Double(Int.random(in: 0..<5, using: &random))
            }
            switch Int.random(in: 0..<12, using: &random) {
            case 0: script.declare(numbers.randomElement(using: &random)!, labels(.random(in: 0..<40, using: &random)))
            case 1:
                let own = numbers.randomElement(using: &random)!
                script.samples([own], [values[Int(own)]])
            default:
                let layout = layouts.randomElement(using: &random)!
                script.columns(layout, layout.map { values[Int($0)] })
            }
        }
        let store = try script.opened()
        #expect(store.health.problems.isEmpty, "seed \(seed)")
        #expect(try await store.samples() == script.expected, "seed \(seed)")
    }
}
