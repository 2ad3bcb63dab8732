import DurableFiles
import Series
import TestSupport
import Testing
import TimeSeriesStore
import Units

/// Goal: no sequence of appends, restarts, blocks and power cuts makes the store differ from plain arrays. Method: seeded random
/// operations on the store and on the model, compared after each; the seed stands in every message.
@Suite struct StoreModelTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `random operations give what the model gives`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let files = MemoryFiles()
        var store = try open(files, seed)
        var model = StoreModel()
        /// The model at the last sync, and each batch since.
        var synced = model
        var unsynced: [SampleBatch] = []
        var now = epoch
        for step in 0..<150 {
            let where_: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<11:
                now += Int64.random(in: 0...90_000, using: &random)
                let batch = randomBatch(at: now, &random)
                let outcome = try await store.append(batch)
                #expect(outcome.counts == model.append(batch), where_)
                unsynced.append(batch)
            case 11..<13:
                try await store.sync()
                synced = model
                unsynced = []
            case 13..<15:
                try await store.maintain(at: at(now))
                let minimum = try #require(store.blockEnd)
                if minimum > model.minimumTime {
                    model.minimumTime = minimum
                    // Moving samples to a block syncs them and the log.
                    synced = model
                    unsynced = []
                }
            case 15..<17:
                files.endProcess()
                store = try open(files, seed)
                #expect(store.health.problems.isEmpty, where_)
            case 17:
                files.powerCut(MemoryFiles.Loss.allCases.randomElement(using: &random)!)
                store = try open(files, seed)
                // Some batches after the last sync may be there, but no batch without those before it.
                let found = try await store.samples()
                var candidate = synced
                var matched = candidate.series == found ? candidate : nil
                for batch in unsynced {
                    _ = candidate.append(batch)
                    if candidate.series == found { matched = candidate }
                }
                model = try #require(matched, where_)
                synced = model
                unsynced = []
            default:
                let start = now - Int64.random(in: 0...3_000_000, using: &random)
                let range = start...(start + Int64.random(in: 0...2_000_000, using: &random))
                let matchers = try randomMatchers(&random)
                #expect(try await store.samples(matchers, range) == model.select(matchers, range), where_)
            }
            #expect(try await store.samples() == model.series, where_)
        }
    }

    /// Every other seed has short segments.
    private func open(_ files: MemoryFiles, _ seed: UInt64) throws -> TimeSeriesStore {
        try openStore(
            files, StoreSettings(blockSpan: .seconds(600)), segmentByteCountMax: seed.isMultiple(of: 2) ? 2000 : 8 << 20
        )
    }

    private func randomBatch(at now: Int64, _ random: inout SeededGenerator) -> SampleBatch {
        var batch = SampleBatch(at: at(now))
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let labels = Labels(
                ["up", "down"].randomElement(using: &random)!,
                ["n": "\(Int.random(in: 0..<5, using: &random))"])
            let value: Double =
                switch Int.random(in: 0..<5, using: &random) {
                case 0: Double(bitPattern: random.next())
                case 1: staleMarker
                case 2: Double.random(in: -1...1, using: &random)
                default: Double(Int.random(in: 0..<4, using: &random))
                }
            let late = Int.random(in: 0..<4, using: &random) == 0
            batch.rows.append(
                .init(
                    labels: labels, value: value,
                    timestamp: late ? at(now - Int64.random(in: -1000...200_000, using: &random)) : nil))
        }
        return batch
    }

    private func randomMatchers(_ random: inout SeededGenerator) throws -> [LabelMatcher] {
        let n = "\(Int.random(in: 0..<6, using: &random))"
        let all = [
            LabelMatcher("__name__", equals: "up"), LabelMatcher("n", equals: n), LabelMatcher("n", equals: ""),
            try LabelMatcher("n", .notEqual, n), try LabelMatcher("missing", .notEqual, "x"),
        ]
        return all.filter { _ in Bool.random(using: &random) }
    }
}

extension TimeSeriesStore {
    /// The end of the newest block; the smallest time where there is none.
    var blockEnd: Int64? { stats.minimumTime.millisecondsSinceEpoch }
}
