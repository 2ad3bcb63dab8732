import DurableFiles
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: of a late sample, and of one that is too old, it is said what became of it: stored, known already, a second value, or too old. Method: batches with
/// times of their own, against a store in memory, what it counts and what it answers.
@Suite struct StoreLateTests {
    let files = MemoryFiles()
    private let window = StoreSettings(outOfOrderWindow: .seconds(3600))

    private func rows(_ time: Int64, _ rows: [(Labels, Int64, Double)]) -> SampleBatch {
        var made = SampleBatch(at: at(time))
        made.rows = rows.map { .init(labels: $0.0, value: $0.2, timestamp: at($0.1)) }
        return made
    }

    private func take(_ store: TimeSeriesStore, _ labels: Labels, _ time: Int64, _ value: Double) async throws
        -> AppendOutcome
    {
        try await store.append(rows(epoch + 1_000_000, [(labels, time, value)]))
    }

    /// Values that stand still take no row, and columns are shared: both have more times than a series has samples.
    @Test func `a late sample of another value than an open one is refused as a duplicate`() async throws {
        let store = try openStore(files, window)
        let (still, moving, short) = (Labels("still"), Labels("moving"), Labels("short"))
        for step in 0..<20 as Range<Int64> {
            var samples = [(still, 1.0), (moving, Double(step))]
            if step < 10 { samples.append((short, 1)) }
            try await store.append(batch(epoch + step * 10_000, samples))
        }
        try await store.append(batch(epoch + 500_000, [(short, 2)]))
        for (labels, value) in [(still, 1.0), (moving, 5), (short, 1)] {
            let time = epoch + 50_000
            let same = try await take(store, labels, time, value)
            #expect(same.stored == 0 && same.duplicate == 0 && same.leftOut.map(\.reason) == [.repeated], "\(labels)")
            let other = try await take(store, labels, time, value + 1)
            #expect(other.stored == 0 && other.duplicate == 1 && other.leftOut.map(\.reason) == [.duplicate])
            #expect(try await take(store, labels, time + 1, 7).stored == 1)
            #expect(try await take(store, labels, time + 1, 8).duplicate == 1)
        }
        // The others of its column went on where this one has nothing.
        #expect(try await take(store, short, epoch + 150_000, 9).stored == 1)
        #expect(store.stats.counts.samplesDuplicate == 6)
        let before = try await store.samples()
        #expect(before[moving]?.first { $0.time == epoch + 50_000 }?.bits == (5.0).bitPattern)
        #expect(try await openStore(files, window).samples() == before)
    }

    @Test func `two late samples of one instant in one batch are not both stored, nor one beside its newer fellow`()
        async throws
    {
        let store = try openStore(files, window)
        let labels = Labels("a")
        try await store.append(batch(epoch + 100_000, [(labels, 1)]))
        try await store.append(batch(epoch + 150_000, [(Labels("newer"), 1)]))
        let twice = try await store.append(
            rows(
                epoch + 200_000,
                [(labels, epoch + 50_000, 8), (labels, epoch + 50_000, 9), (labels, epoch + 50_000, 8)]))
        #expect(twice.stored == 1 && twice.duplicate == 1 && twice.leftOut.map(\.reason) == [.duplicate, .repeated])
        let mixed = try await store.append(
            rows(
                epoch + 200_000,
                [
                    (labels, epoch + 110_000, 2), (labels, epoch + 120_000, 3), (labels, epoch + 110_000, 4),
                    (labels, epoch + 110_000, 2), (labels, epoch + 115_000, 5), (labels, epoch + 115_000, 6),
                ]))
        #expect(mixed.stored == 3 && mixed.duplicate == 2)
        #expect(mixed.leftOut.map(\.index) == [2, 3, 5] && mixed.leftOut[1].reason == .repeated)
        let found = try await store.samples()[labels]
        #expect(found?.map { Double(bitPattern: $0.bits) } == [8, 1, 2, 5, 3])
    }

    @Test func `a late number for the instant of a histogram is a duplicate`() async throws {
        let store = try openStore(files, window)
        try await store.append(batch(epoch + 60_000, [(Labels("newer"), 1)]))
        var histograms = batch(epoch, [])
        var histogram = NativeHistogram(schema: 0)
        histogram.count = 1
        for step in 0..<3 as Range<Int64> {
            histograms.rows.append(
                .init(labels: Labels("h"), histogram: histogram, timestamp: at(epoch + step * 10_000)))
        }
        histograms.rows.append(.init(labels: Labels("h"), value: 1, timestamp: at(epoch + 10_000)))
        #expect(try await store.append(histograms).duplicate == 1)
        #expect(try await take(store, Labels("h"), epoch + 10_000, 1).duplicate == 1)
    }

    /// Whether a finished chunk has the instant is not looked up: the documentation says so, and which of the two is answered.
    @Test func `against a finished chunk a late sample is stored, and the one that came in order is answered`()
        async throws
    {
        let store = try openStore(files, window)
        let labels = Labels("a")
        for step in 0..<100 as Range<Int64> { try await store.append(batch(epoch + step * 10_000, [(labels, 1)])) }
        let late = try await take(store, labels, epoch + 50_000, 2)
        #expect(late.stored == 1 && late.duplicate == 0)
        let found = try await store.samples()[labels]
        #expect(found?.count == 100 && found?.allSatisfy { $0.bits == (1.0).bitPattern } == true)
    }

    // MARK: Age

    @Test func `what retention would remove at once is refused, and makes no series`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(24 * 3600)))
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        // 24 hours before, in blocks of two hours.
        let oldest = epoch - 24 * hour
        let outcome = try await store.append(
            rows(
                epoch,
                [
                    (Labels("b"), 1000, 1), (Labels("c"), 0, 1), (Labels("d"), oldest - 1, 1), (Labels("e"), oldest, 1),
                    (Labels("f"), .min, 1),
                ]))
        #expect(outcome.stored == 1 && outcome.outOfOrder == 4)
        #expect(outcome.leftOut.map(\.reason) == [.outOfOrder, .outOfOrder, .outOfOrder, .outOfOrder])
        #expect(store.stats.seriesCount == 2 && store.stats.oldest == at(oldest))
        // What was taken is not removed at once.
        try await store.maintain(at: at(epoch + 60_000))
        #expect(try await store.samples()[Labels("e")]?.count == 1)
    }

    @Test func `the age is that of the rule which keeps the series`() async throws {
        let rule = KeepRule(
            matchers: try selector("long"), raw: .seconds(3600),
            tiers: [.init(step: .seconds(600), age: .seconds(100 * 3600))])
        let short = KeepRule(matchers: try selector("short"), raw: .seconds(4 * 3600))
        let store = try openStore(files, StoreSettings(retention: .seconds(24 * 3600), keep: [rule, short]))
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        let outcome = try await store.append(
            rows(
                epoch,
                [
                    (Labels("long"), epoch - 90 * hour, 1), (Labels("short"), epoch - 6 * hour, 1),
                    (Labels("other"), epoch - 6 * hour, 1), (Labels("other"), epoch - 2 * hour, 1),
                    (Labels("third"), epoch - 30 * hour, 1),
                ]))
        #expect(outcome.stored == 3 && outcome.leftOut.map(\.index) == [1, 4])
    }

    /// A new store takes its time from what it is given first, and a clock that is wrong makes nothing old.
    @Test
    func `a store that has only old samples takes them, and a clock far ahead or back refuses none for their age`()
        async throws
    {
        let settings = StoreSettings(retention: .seconds(24 * 3600))
        let store = try openStore(files, settings)
        // Sent now, of a year ago.
        let old = epoch - 8760 * hour
        #expect(try await store.append(rows(epoch, [(Labels("a"), old, 1), (Labels("b"), old + hour, 1)])).stored == 2)
        #expect(try await store.append(rows(epoch, [(Labels("c"), old, 1)])).stored == 1)
        // The clock is a year ahead for a moment: what comes afterwards is counted from the clock again.
        let other = try openStore(MemoryFiles(), settings)
        try await other.append(batch(epoch + 8760 * hour, [(Labels("a"), 1)]))
        #expect(try await other.append(batch(epoch, [(Labels("b"), 1)])).stored == 1)
        #expect(try await other.append(rows(epoch, [(Labels("c"), epoch - hour, 1)])).stored == 1)
        // And back.
        #expect(try await other.append(batch(1000, [(Labels("d"), 1)])).stored == 1)
    }
}
