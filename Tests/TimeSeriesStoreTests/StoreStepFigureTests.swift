import DurableFiles
import PromQL
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: what a query asks of the samples that a step stands for has the answer that they would have given. Method: two stores are fed the
/// same random gauges, with gaps, and one of them keeps steps; the same windows, which begin and end with steps, are asked of both.
@Suite struct StoreStepFigureTests {
    private static let hours: Int64 = 60
    private static let minute: Int64 = 60_000
    /// A border of all the steps here, a day into the samples.
    private static let border = (epoch + 30 * hour) / (6 * hour) * (6 * hour)

    private func coarse(steps: [Int64]) throws -> StoreSettings {
        StoreSettings(
            retention: .seconds(12 * 3600),
            keep: [
                KeepRule(
                    matchers: try selector("{__name__=~\".+\"}"), raw: .seconds(12 * 3600),
                    tiers: steps.enumerated().map {
                        .init(step: .seconds($1 * 3600), age: .seconds($0 == steps.count - 1 ? 900 * 3600 : 30 * 3600))
                    })
            ])
    }

    private func fill(_ stores: [TimeSeriesStore], _ random: inout SeededGenerator) async throws {
        for minute in 0..<Self.hours * 60 {
            var rows: [(Labels, Double)] = []
            // Steps of unequal counts, and now and then what is no number.
            if Int.random(in: 0..<10, using: &random) < 7 {
                let isNumber = Int.random(in: 0..<40, using: &random) > 0
                rows.append((Labels("load"), isNumber ? Double.random(in: -50...50, using: &random) : .nan))
            }
            rows.append((Labels("load", ["instance": "b"]), Double(Int.random(in: 0...9, using: &random))))
            rows.append((Labels("requests_total"), Double(minute)))
            let time = epoch + minute * Self.minute
            for store in stores {
                try await store.append(batch(time, rows))
                if minute % 60 == 59 { try await store.maintain(at: at(time)) }
            }
        }
        for store in stores { try await store.maintain(at: at(epoch + Self.hours * hour)) }
    }

    @Test(arguments: [[1], [6], [1, 3]] as [[Int64]])
    func `sums, counts, extremes, means and last values over whole steps are those of all samples`(
        steps: [Int64]
    ) async throws {
        var random = SeededGenerator.forTest()
        let kept = try openStore(MemoryFiles(), try coarse(steps: steps))
        let whole = try openStore(MemoryFiles(), StoreSettings(retention: .seconds(900 * 3600)))
        try await fill([kept, whole], &random)
        #expect(kept.stats.counts.blocksDownsampled > 3)
        let (ours, all) = (QueryEngine(kept), QueryEngine(whole))
        for function in ["count", "sum", "min", "max", "avg", "last"] {
            // Windows of steps alone, of steps and raw samples, and a fixed one.
            for query in ["load[6h]", "load[24h]", "load[12h] @ \((Self.border - 1) / 1000).999"] {
                let text = "\(function)_over_time(\(query))"
                let (from, through) = (at(Self.border - 1), at(Self.border + 30 * hour - 1))
                let mine = try await ours.range(text, from: from, through: through, step: .seconds(6 * 3600))
                let theirs = try await all.range(text, from: from, through: through, step: .seconds(6 * 3600))
                guard case .matrix(let mineRows) = mine.value, case .matrix(let theirRows) = theirs.value else {
                    Issue.record("no matrix")
                    return
                }
                #expect(mine.infos == [] && mine.warnings == [], "\(text)")
                #expect(mineRows.map(\.times) == theirRows.map(\.times) && mineRows.count == 2, "\(text)")
                for (mine, their) in zip(mineRows, theirRows) {
                    for (one, other) in zip(mine.values, their.values) {
                        let isSame =
                            one == other || one.isNaN && other.isNaN
                            // Added up in another order.
                            || ["sum", "avg"].contains(function) && abs(one - other) < 1e-9
                        #expect(isSame, "\(text) of \(mine.labels): \(one), not \(other)")
                    }
                }
            }
        }
    }

    @Test func `a deleted stretch is out of the figures too`() async throws {
        var random = SeededGenerator.forTest()
        let store = try openStore(MemoryFiles(), try coarse(steps: [1]))
        try await fill([store], &random)
        let engine = QueryEngine(store)
        let end = at(epoch + 24 * hour - 1)
        let query = "count_over_time(load{instance=\"b\"}[6h])"
        #expect(try await engine.instant(query, at: end).samples?.map(\.value) == [360])
        try await store.delete(
            [[LabelMatcher(Labels.metricName, equals: "load")]], from: at(epoch + 20 * hour),
            through: at(epoch + 22 * hour))
        #expect(try await engine.instant(query, at: end).samples?.map(\.value) == [240])
    }

    @Test func `what needs every sample says that it has not got them`() async throws {
        var random = SeededGenerator.forTest()
        let store = try openStore(MemoryFiles(), try coarse(steps: [1]))
        try await fill([store], &random)
        let engine = QueryEngine(store)
        func infos(_ query: String, hours: Int64) async throws -> [String] {
            try await engine.instant(query, at: at(epoch + hours * hour - 1)).infos
        }
        #expect(
            try await infos("count_over_time(requests_total[6h])", hours: 24) == [
                "PromQL info: count_over_time sees one sample each 1h where samples were downsampled: \"requests_total\" (1:17)"
            ])
        for query in [
            "quantile_over_time(0.5, load[6h])", "resets(load[6h])", "delta(load[6h])", "deriv(load[6h])",
            "idelta(load[6h])",
            "predict_linear(load[6h], 60)", "irate(requests_total[6h])", "min_over_time(requests_total[6h])",
        ] {
            #expect(try await infos(query, hours: 24).contains { $0.contains("sees one sample each 1h") }, "\(query)")
        }
        for query in [
            "count_over_time(load[6h])", "increase(requests_total[6h])", "max_over_time(requests_total[6h])",
            "resets(requests_total[6h])",
        ] {
            #expect(try await infos(query, hours: 24) == [], "\(query)")
        }
        #expect(try await infos("count_over_time(requests_total[6h])", hours: Self.hours) == [])
    }
}
