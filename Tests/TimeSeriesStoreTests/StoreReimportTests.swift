import DurableFiles
import PromQL
import Series
import Synchronization
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: a history that is given again after its old part was downsampled changes no answer, at once, before blocks are joined and after, and
/// what was missing is filled. Method: a store in memory that is fed and maintained hour by hour, one with a gap beside one without.
@Suite struct StoreReimportTests {
    private static let minute: Int64 = 60_000
    private static let hours: Int64 = 60

    private func settings(step: Int64) throws -> StoreSettings {
        StoreSettings(
            retention: .seconds(2000 * 3600),
            keep: [
                KeepRule(
                    matchers: try selector("{__name__=~\".+\"}"), raw: .seconds(12 * 3600),
                    tiers: [.init(step: .seconds(step * 60), age: .seconds(1500 * 3600))])
            ])
    }

    private func value(_ name: String, _ minute: Int64) -> Double {
        // A counter that is reset every seven hours, in the midst of a step.
        name == "requests_total" ? Double(minute % 420) : Double(minute * minute % 97)
    }

    /// A sample a minute of each series, but for those minutes.
    private func filled(_ files: MemoryFiles, step: Int64, without gap: Range<Int64> = 0..<0) async throws
        -> TimeSeriesStore
    {
        let store = try openStore(files, try settings(step: step))
        for minute in 0..<Self.hours * 60 {
            let time = epoch + minute * Self.minute
            let names = gap.contains(minute) ? ["other"] : ["load", "requests_total", "other"]
            try await store.append(batch(time, names.map { (Labels($0), value($0, minute)) }))
            if minute % 60 == 59 { try await store.maintain(at: at(time)) }
        }
        try await store.maintain(at: now)
        return store
    }

    private var now: Timestamp { at(epoch + Self.hours * hour) }

    private func giveAgain(_ store: TimeSeriesStore, _ minutes: Range<Int64>) throws -> BackfillOutcome {
        var backfill = Backfill(into: store)
        for name in ["load", "requests_total"] {
            try backfill.add(
                SeriesColumns(
                    labels: Labels(name), times: minutes.map { epoch + $0 * Self.minute },
                    values: minutes.map { value(name, $0) }))
        }
        return try backfill.finish()
    }

    /// Sums that any sample too many or too few would change, and every value as a plain selector gives it.
    private func answers(_ store: TimeSeriesStore) async throws -> [String: [Double]] {
        let engine = QueryEngine(store)
        var answers: [String: [Double]] = [:]
        for text in [
            "load", "requests_total", "increase(requests_total[6h])", "resets(requests_total[12h])",
            "avg_over_time(load[6h])",
        ] {
            let found = try await engine.range(text, from: at(epoch + 6 * hour), through: now, step: .seconds(1800))
            guard case .matrix(let rows) = found.value, rows.count == 1 else {
                Issue.record("\(text): no single series")
                continue
            }
            answers[text] = rows[0].values
        }
        return answers
    }

    @Test(arguments: [30, 240] as [Int64])
    func `what is given again is known, and no answer changes, before blocks are joined and after`(step: Int64)
        async throws
    {
        let files = MemoryFiles()
        let store = try await filled(files, step: step)
        try #require(store.stats.counts.blocksDownsampled > 4)
        let before = try await answers(store)
        let samples = try await store.samples()
        let size = store.stats.blockSampleCount
        // The rest is in memory, and raw.
        let again = try giveAgain(store, 0..<(Self.hours - 4) * 60)
        #expect(again.stored == 0 && again.blocksWritten == 0 && again.known + again.tooNew == (Self.hours - 4) * 120)
        #expect(try await store.samples() == samples)
        for _ in 0..<5 { try await store.maintain(at: now) }
        #expect(try await answers(store) == before)
        #expect(store.stats.blockSampleCount == size)
        #expect(try await answers(openStore(files, settings(step: step))) == before)
    }

    @Test(arguments: [30, 240] as [Int64])
    func `a gap is filled, and the answers are those of a store that never had it`(step: Int64) async throws {
        let whole = try await filled(MemoryFiles(), step: step)
        let files = MemoryFiles()
        // From and to the midst of a step, far from both ends.
        let gap = 10 * 60 + 45..<17 * 60 + 10 as Range<Int64>
        let store = try await filled(files, step: step, without: gap)
        let outcome = try giveAgain(store, 0..<30 * 60)
        // The minutes of the gap, but for those whose step has later samples already.
        let step = Int64(step)
        let lost = gap.upperBound % step
        #expect(outcome.stored == 2 * (Int64(gap.count) - lost), "\(outcome)")
        // At once the means of the steps and the samples of the gap, each once.
        let columns = try await store.select(
            [LabelMatcher(Labels.metricName, equals: "load")], from: .distantPast, through: .distantFuture)
        let found = try #require(columns.first)
        #expect(zip(found.times, found.times.dropFirst()).allSatisfy { $0 < $1 })
        let raw = gap.dropLast(Int(lost)).map { epoch + $0 * Self.minute }
        #expect(found.times.filter { raw.contains($0) } == raw)
        for (time, value) in zip(found.times, found.values) where raw.contains(time) {
            #expect(value == self.value("load", (time - epoch) / Self.minute))
        }
        let outside = found.times.filter { !raw.contains($0) && $0 < epoch + 40 * hour }
        #expect(Set(outside.map { $0 / (step * Self.minute) }).count >= 40 * 60 / Int(step) - gap.count / Int(step) - 1)
        // The stretches say of every sample whether it stands for a step.
        for time in found.times where time < epoch + 40 * hour {
            let stretch = try #require(found.coarse.first { time < $0.before })
            #expect(stretch.step == (raw.contains(time) ? 0 : step * Self.minute), "\(time - epoch)")
        }
        // A counter rises as it did.
        func rise(_ store: TimeSeriesStore) async throws -> Double {
            let values = try await store.samples()[Labels("requests_total")]!.map { Double(bitPattern: $0.bits) }
            return zip(values, values.dropFirst()).reduce(0) { $0 + ($1.1 < $1.0 ? $1.1 : $1.1 - $1.0) }
        }
        #expect(try await rise(store) == rise(whole))
        for _ in 0..<5 { try await store.maintain(at: now) }
        for store in [store, try openStore(files, settings(step: Int64(step)))] {
            #expect(try await rise(store) == rise(whole))
            // Of whole steps the means are those of all samples: what filled a part of a step was added to the rest of it.
            let mine = try await store.samples()[Labels("load")]!
            let theirs = try await whole.samples()[Labels("load")]!
            let partial = (gap.upperBound / step * step..<gap.upperBound).map { epoch + $0 * Self.minute }
            func isWhole(_ sample: StoreModel.Sample) -> Bool {
                let start = sample.time / (step * Self.minute) * step * Self.minute
                return !partial.contains { $0 / (step * Self.minute) * step * Self.minute == start }
            }
            #expect(mine.filter(isWhole).map(\.time) == theirs.filter(isWhole).map(\.time))
            for (own, other) in zip(mine.filter(isWhole), theirs.filter(isWhole)) {
                let difference = Double(bitPattern: own.bits) - Double(bitPattern: other.bits)
                #expect(abs(difference) < 1e-9, "\(own.time - epoch)")
            }
        }
    }

    /// As a version that knew no better, or a process that was killed between writing the coarse block and removing the fine one, leaves it.
    @Test func `samples beside the coarse ones of their span count for it, and for nothing else`() async throws {
        let files = MemoryFiles()
        let store = try await filled(files, step: 30)
        let before = try await store.samples()
        let minutes = 20 * 60..<22 * 60 as Range<Int64>
        let times = minutes.map { epoch + $0 * Self.minute }
        let made = try store.writeBlock(
            BlockFormat.Name(start: epoch + 20 * hour, end: epoch + 22 * hour), metadata: []
        ) { writer throws(StoreError) in
            for name in ["load", "requests_total"] {
                let samples = BlockSamples(times: times, values: minutes.map { value(name, $0) })
                try fileAccess("") { () throws(FileError) in try writer.add(Labels(name), samples) }
            }
        }
        let block = try #require(made)
        store.state.withLock { $0.insert(block) }
        for name in ["load", "requests_total"] {
            let expected =
                before[Labels(name)]!.filter { $0.time < times[0] || $0.time > times.last! }
                + minutes.map { .init(time: epoch + $0 * Self.minute, bits: value(name, $0).bitPattern) }
            let found = try await store.samples([LabelMatcher(Labels.metricName, equals: name)])
            #expect(found[Labels(name)] == expected.sorted { $0.time < $1.time }, "\(name)")
        }
        // The next rounds make of it what was there.
        for _ in 0..<5 { try await store.maintain(at: now) }
        #expect(try await store.samples() == before)
    }
}
