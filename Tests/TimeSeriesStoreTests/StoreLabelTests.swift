import DurableFiles
import Series
import Synchronization
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: names and values of labels, and the first series of many, are those that reading all samples would give, whatever lies where, and
/// nobody waits for them who has gone. Method: a store with blocks, chunks, open and late samples and histograms at random, asked both ways.
@Suite struct StoreLabelTests {
    private func filled(_ random: inout SeededGenerator) async throws -> TimeSeriesStore {
        let store = try openStore(
            MemoryFiles(),
            StoreSettings(retention: .seconds(900 * 3600), outOfOrderWindow: .seconds(3600)))
        for minute in stride(from: 0, to: Int64(7 * 60), by: 7) {
            let time = epoch + minute * 60_000
            var samples = SampleBatch(at: at(time))
            for _ in 0..<60 {
                // Series come and go, one target after the other.
                let number = Int(minute) / 20 * 10 + Int.random(in: 0..<40, using: &random)
                let labels = Labels(
                    "metric_\(number % 3)", ["pod": "p\(number)", "zone": number % 5 == 0 ? "" : "z\(number % 5)"])
                if number % 7 == 0 {
                    samples.rows.append(.init(labels: labels, histogram: randomHistograms(&random)[0]))
                } else {
                    let isLate = Int.random(in: 0..<6, using: &random) == 0
                    let own = isLate ? time - Int64.random(in: 1...3_000_000, using: &random) : time
                    samples.rows.append(.init(labels: labels, value: Double(number), timestamp: at(own)))
                }
            }
            try await store.append(samples)
            if minute % 60 < 7 { try await store.maintain(at: at(time)) }
        }
        return store
    }

    @Test func `names, values and the first series are those of the samples`() async throws {
        var random = SeededGenerator.forTest()
        let store = try await filled(&random)
        let matchers =
            [[], [LabelMatcher("zone", equals: "")], [try LabelMatcher("pod", .matches, "p.*7")]] as [[LabelMatcher]]
        for matchers in matchers {
            let all = try await store.select(matchers, from: .distantPast, through: .distantFuture).map(\.labels)
            #expect(!all.isEmpty)
            func values(_ name: String) -> [String] { Set(all.compactMap { $0[name] }).sorted() }
            #expect(
                try await store.labelNames(matchers, from: .distantPast, through: .distantFuture)
                    == Set(all.flatMap { labels in labels.pairs.map { $0.name } }).sorted())
            for name in ["pod", "zone", Labels.metricName, "nothing"] {
                #expect(
                    try await store.labelValues(name, matchers, from: .distantPast, through: .distantFuture)
                        == values(name))
            }
            for limit in [0, 1, 3, 7, all.count - 1, all.count, .max] {
                let first = try await store.series(
                    [matchers], from: .distantPast, through: .distantFuture, limit: limit)
                #expect(first == Array(all.prefix(limit)), "limit \(limit)")
                // The same series twice are one each.
                let twice = try await store.series(
                    [matchers, matchers], from: .distantPast, through: .distantFuture, limit: limit)
                #expect(twice == first, "limit \(limit)")
            }
        }
    }

    @Test func `of the series in memory those with samples in a range are found without reading any`() async throws {
        var random = SeededGenerator.forTest()
        let store = try await filled(&random)
        store.state.withLock { state in
            for _ in 0..<300 {
                let start = epoch + Int64.random(in: 0...(8 * hour), using: &random)
                let end = start + Int64.random(in: 0...hour, using: &random)
                var found = SeriesSet(capacity: state.head.seriesCapacity)
                state.head.insertAll(into: &found)
                let snapshot = HeadSnapshot(state.head, found, from: start, through: end)
                state.head.keepSeries(&found, withSamplesFrom: start, through: end)
                #expect(found.members == snapshot.entries.map(\.number), "\(start) to \(end)")
            }
        }
    }

    @Test func `nobody waits for labels who has gone`() async throws {
        let store = try openStore(MemoryFiles())
        for part in 0..<8 {
            let rows = (0..<10_000).map { (Labels("m", ["pod": "\(part)-\($0)"]), 1.0) }
            try await store.append(batch(epoch + Int64(part), rows))
        }
        let stop = StopFlag()
        stop.set()
        try store.state.withLock { state in
            var all = SeriesSet(capacity: state.head.seriesCapacity)
            state.head.insertAll(into: &all)
            #expect(throws: CancellationError.self) {
                try LabelTexts(valuesOf: "pod").texts(of: all, in: state.head, stop)
            }
            let found = try LabelTexts(valuesOf: "pod").texts(of: all, in: state.head, StopFlag())
            #expect(found.count == 80_000)
        }
        let (gatherer, _) = try store.gatherer([], TimeRange(start: .min, end: .max))
        #expect(throws: CancellationError.self) { try gatherer.firstSlots(3, stop) }
    }
}
