import DurableFiles
import Series
import Testing
import Units

@testable import RemoteWrite

/// Goal: what was queued is read again, in order, once for each address, whatever ended the process; what is given up is counted.
/// Method: a file system in memory that can lose its process and its power.
@Suite struct QueueTests {
    static let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

    static func queue(_ files: MemoryFiles, segment: Int64 = 1 << 20, size: Int64 = 1 << 30) throws -> WriteQueue {
        try WriteQueue(
            folder: "/q", files: files,
            limits: QueueLimits(sizeMax: size, ageMax: .seconds(86_400), segmentByteCount: segment))
    }

    static func batch(_ second: Int, _ values: [String: Double]) -> SampleBatch {
        var batch = SampleBatch(at: start + .seconds(second))
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { batch.add(name, ["job": "x"], value) }
        return batch
    }

    /// All that is left, as `name: values`.
    static func drain(_ reader: inout QueueReader, most: Int = 3) throws -> [String: [Double]] {
        var found: [String: [Double]] = [:]
        while true {
            let chunk = try reader.read(most: most)
            for entry in chunk.entries { found[entry.labels.name, default: []] += entry.values }
            if chunk.sampleCount == 0 { return found }
        }
    }

    @Test func `samples come out as they went in, over segments and a restart`() throws {
        let files = MemoryFiles()
        var queue = try Self.queue(files, segment: 300)
        var reader = QueueReader(queue, at: queue.beginning)
        for second in 0..<20 { try queue.append(Self.batch(second, ["a": Double(second), "b": Double(-second)])) }
        let expected = (0..<20).map { Double($0) }
        #expect(queue.end.segment > 2)
        #expect(try Self.drain(&reader) == ["a": expected, "b": expected.map { -$0 }])
        files.endProcess()
        queue = try Self.queue(files, segment: 300)
        try queue.append(Self.batch(20, ["a": 20]))
        var again = QueueReader(queue, at: reader.position)
        #expect(try Self.drain(&again) == ["a": [20]])
        var all = QueueReader(queue, at: queue.beginning)
        #expect(try Self.drain(&all)["a"] == expected + [20])
    }

    @Test func `blocks, own times, histograms, exemplars and stale markers survive to the bit`() throws {
        let queue = try Self.queue(MemoryFiles())
        let labels: [SeriesReference: Labels] = [SeriesReference(7): Labels("a"), SeriesReference(8): Labels("b")]
        try queue.append(
            SampleBlock(
                timestamp: Self.start, references: [SeriesReference(7), SeriesReference(8)], values: [1, staleMarker])
        ) { labels[$0] }
        var histogram = NativeHistogram(schema: 3)
        histogram.count = 5
        histogram.sum = .nan
        histogram.positiveSpans = [.init(offset: -2, length: 2), .init(offset: 3, length: 1)]
        histogram.positiveBuckets = [1, 2, 2]
        var batch = SampleBatch(at: Self.start + .seconds(1))
        batch.rows = [
            .init(labels: Labels("a"), value: 2, timestamp: Self.start + .milliseconds(500)),
            .init(labels: Labels("h"), histogram: histogram),
        ]
        batch.exemplars = [Exemplar(series: Labels("a"), labels: ["trace_id": "t"], value: 0.5, timestamp: nil)]
        try queue.append(batch)
        var reader = QueueReader(queue, at: queue.beginning)
        let chunk = try reader.read(most: 100)
        #expect(chunk.entries.map(\.labels.name) == ["a", "b", "h"])
        #expect(chunk.entries[0].times == [1_767_225_600_000, 1_767_225_600_500])
        #expect(chunk.entries[1].values[0].isStaleMarker)
        #expect(chunk.entries[0].exemplars.map(\.labels) == [["trace_id": "t"]])
        let read = try #require(chunk.entries[2].histograms.first?.histogram)
        #expect(read.positiveSpans == histogram.positiveSpans && read.positiveBuckets == histogram.positiveBuckets)
        #expect(read.sum.bitPattern == histogram.sum.bitPattern && read.schema == 3)
    }

    @Test func `a torn or damaged record ends its segment, and the next one is read`() throws {
        let files = MemoryFiles()
        let queue = try Self.queue(files, segment: 120)
        try queue.append(Self.batch(0, ["a": 0]))
        let damaged = queue.end
        for second in 1..<6 { try queue.append(Self.batch(second, ["a": Double(second)])) }
        files.flipBit(3, at: Int(damaged.offset) + 12, of: WriteQueue.path(damaged.segment, in: "/q"))
        var reader = QueueReader(queue, at: queue.beginning)
        var values: [Double] = []
        var damage: [String] = []
        while true {
            let chunk = try reader.read(most: 1)
            values += chunk.entries.flatMap(\.values)
            damage += chunk.damage
            if chunk.sampleCount == 0 { break }
        }
        #expect(damage.count == 1 && damage[0].contains("checksum"), "\(damage)")
        #expect(values.first == 0 && values.last == 5 && values == values.sorted())
    }

    @Test func `reading may begin in the middle of a segment`() throws {
        let queue = try Self.queue(MemoryFiles())
        var first = QueueReader(queue, at: queue.beginning)
        try queue.append(Self.batch(0, ["a": 0, "b": 1]))
        _ = try first.read(most: 2)
        try queue.append(Self.batch(1, ["a": 2, "c": 3]))
        var second = QueueReader(queue, at: first.position)
        #expect(try Self.drain(&second) == ["a": [2], "c": [3]])
    }

    @Test func `what is past the limit goes, and is counted`() throws {
        let queue = try Self.queue(MemoryFiles(), segment: 200, size: 1000)
        for second in 0..<40 { try queue.append(Self.batch(second, ["a": Double(second)])) }
        let over = try #require(queue.segmentOverLimit(at: Self.start))
        let next = try #require(queue.segment(after: over))
        var reader = QueueReader(queue, at: queue.beginning)
        let lost = try reader.count(before: QueuePosition(segment: next, offset: 4))
        #expect(lost > 0)
        try queue.release(before: next)
        var rest = QueueReader(queue, at: queue.beginning)
        #expect(try Self.drain(&rest)["a"]?.count == 40 - lost)
        #expect(queue.segmentOverLimit(at: Self.start + .seconds(2 * 86_400)) != nil)
    }
}
