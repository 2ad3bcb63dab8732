import DurableFiles
import PromQL
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: samples that were kept one a step are found by every query that would have found those that they stand for, and a step has one
/// sample in the end. Method: a store in memory that is fed and maintained hour by hour, asked by the query engine and directly.
@Suite struct StoreCoarseTests {
    private let files = MemoryFiles()
    private static let fiveMinutes: Int64 = 300_000

    private func settings(_ steps: [(step: Int64, age: Int64)]) throws -> StoreSettings {
        StoreSettings(
            retention: .seconds(24 * 3600),
            keep: [
                KeepRule(
                    matchers: try selector("{__name__=~\"load|requests_total\"}"), raw: .seconds(12 * 3600),
                    tiers: steps.map { .init(step: .seconds($0.step * 3600), age: .seconds($0.age * 3600)) })
            ])
    }

    /// A sample a minute for `hours`; `gone` ends after the first day without a marker.
    private func fill(_ store: TimeSeriesStore, hours: Int64) async throws {
        for minute in 0..<(hours * 60) {
            let time = epoch + minute * 60_000
            var rows = [(Labels("load"), Double(minute / 60)), (Labels("requests_total"), Double(minute))]
            if minute < 24 * 60 { rows.append((Labels("load", ["instance": "gone"]), 1)) }
            try await store.append(batch(time, rows))
            if minute % 60 == 59 { try await store.maintain(at: at(time)) }
        }
        try await store.maintain(at: at(epoch + hours * hour))
    }

    @Test func `a plain selector finds coarse samples at every instant and step`() async throws {
        let store = try openStore(files, settings([(1, 500)]))
        try await fill(store, hours: 60)
        #expect(store.stats.counts.blocksDownsampled > 3)
        let engine = QueryEngine(store)
        // Off the hour, where the newest sample is up to an hour old.
        for minutes in [1, 7, 30, 58, 59] as [Int64] {
            let instant = epoch + 20 * hour + minutes * 60_000
            let value = try await engine.instant("load{instance=\"\"}", at: at(instant)).samples
            #expect(value?.map(\.value) == [minutes == 59 ? 20 : 19], "\(minutes)")
            let counter = try await engine.instant("requests_total", at: at(instant)).samples
            let expected: Double = minutes == 59 ? 20 * 60 + 59 : 19 * 60 + 59
            #expect(counter?.first?.value == expected, "\(minutes)")
        }
        let times = (0..<59 * 12).map { epoch + hour + $0 * Self.fiveMinutes }
        let range = try await engine.range(
            "load{instance=\"\"}", from: at(times[0]), through: at(times.last!),
            step: .milliseconds(Self.fiveMinutes))
        guard case .matrix(let rows) = range.value else {
            Issue.record("no matrix")
            return
        }
        #expect(rows.map(\.times) == [times])
    }

    @Test func `an ended series stands for its step and the look-back, and no longer`() async throws {
        let store = try openStore(files, settings([(1, 500)]))
        try await fill(store, hours: 60)
        let engine = QueryEngine(store)
        let last = epoch + 24 * hour - 60_000
        let reach = hour + Self.fiveMinutes
        func count(_ time: Int64) async throws -> Int? {
            try await engine.instant("load{instance=\"gone\"}", at: at(time)).samples?.count
        }
        #expect(try await count(last + reach - 1) == 1)
        #expect(try await count(last + reach) == 0)
        // A range that ends there has the samples of the step that lies in it, and nothing more.
        let over = "count_over_time(load{instance=\"gone\"}[30m])"
        #expect(try await engine.instant(over, at: at(last + 29 * 60_000)).samples?.map(\.value) == [60])
        #expect(try await engine.instant(over, at: at(last + 31 * 60_000)).samples?.count == 0)
        // Both at once: the wider reach is that of the selector alone.
        let both = "count_over_time(load{instance=\"gone\"}[30m]) or load{instance=\"gone\"}"
        #expect(try await engine.instant(both, at: at(last + 40 * 60_000)).samples?.count == 1)
    }

    @Test func `samples as they came keep the look-back to the millisecond`() async throws {
        let store = try openStore(files, settings([(1, 500)]))
        try await fill(store, hours: 30)
        let newest = epoch + 30 * hour - 60_000
        let engine = QueryEngine(store)
        for (after, count) in [(0, 1), (Self.fiveMinutes - 1, 1), (Self.fiveMinutes, 0), (hour, 0)] as [(Int64, Int)] {
            let found = try await engine.instant("load{instance=\"\"}", at: at(newest + after)).samples
            #expect(found?.count == count, "\(after)")
        }
        // The store reads nothing for them from before the range.
        let looks = SelectionBounds.InstantLooks(from: at(newest), lookback: .seconds(300))
        let found = try await store.select(
            [LabelMatcher(Labels.metricName, equals: "load")], from: at(newest - 1), through: at(newest),
            within: SelectionBounds(looks: looks))
        #expect(found.map(\.times) == [[newest]] && found[0].coarse.isEmpty)
    }

    @Test(arguments: [true, false])
    func `a selection tells which samples stand for a step`(isLatestEnough: Bool) async throws {
        let store = try openStore(files, settings([(1, 500)]))
        try await fill(store, hours: 60)
        let instant = epoch + 20 * hour + 30 * 60_000
        let looks = SelectionBounds.InstantLooks(from: at(instant), lookback: .seconds(300))
        let found = try await store.select(
            [LabelMatcher(Labels.metricName, equals: "requests_total")], from: at(instant - Self.fiveMinutes + 1),
            through: at(instant), within: SelectionBounds(isLatestEnough: isLatestEnough, looks: looks))
        #expect(found.map(\.times) == [[epoch + 20 * hour - 60_000]])
        #expect(found.map(\.coarse) == [[CoarseStretch(before: .max, step: hour)]])
        // Over the place where coarse ends and fine begins.
        let all = try await store.select(
            [LabelMatcher(Labels.metricName, equals: "requests_total")], from: at(epoch), through: at(epoch + 60 * hour)
        )
        let stretch = try #require(all.first?.coarse.first)
        #expect(all.first?.coarse.count == 1 && stretch.step == hour)
        let fine = try #require(all.first).times.filter { $0 >= stretch.before }
        #expect(zip(fine, fine.dropFirst()).allSatisfy { $1 - $0 == 60_000 } && fine.count > 600)
    }

    @Test func `a window that is too short for coarse samples is told, in ranges and at one instant`() async throws {
        let store = try openStore(files, settings([(1, 500)]))
        try await fill(store, hours: 60)
        let engine = QueryEngine(store)
        func warnings(_ query: String, from: Int64, through: Int64) async throws -> [String] {
            let (start, end) = (at(epoch + from * hour + 30 * 60_000), at(epoch + through * hour + 30 * 60_000))
            return from == through
                ? try await engine.instant(query, at: end).warnings
                : try await engine.range(query, from: start, through: end, step: .seconds(300)).warnings
        }
        // Nothing lies in the five minutes before half past.
        let halfPast = at(epoch + 20 * hour + 30 * 60_000)
        #expect(try await engine.instant("rate(requests_total[5m])", at: halfPast).samples == [])
        for (from, through) in [(20, 20), (10, 20), (20, 59)] as [(Int64, Int64)] {
            let told = try await warnings("rate(requests_total[5m])", from: from, through: through)
            #expect(
                told == [
                    "PromQL warning: a range of 5m is too short for samples that were downsampled to one each 1h, take at "
                        + "least 2h: \"requests_total\" (1:6)"
                ], "\(from) to \(through)")
        }
        #expect(try await warnings("rate(requests_total[90m])", from: 20, through: 20).count == 1)
        #expect(try await warnings("rate(requests_total[2h])", from: 10, through: 20) == [])
        #expect(try await warnings("avg_over_time(requests_total[1h])", from: 10, through: 20) == [])
        #expect(try await warnings("max_over_time(requests_total[30m])", from: 10, through: 20).count == 1)
        // Where samples are as they came, nothing is said.
        #expect(try await warnings("rate(requests_total[5m])", from: 58, through: 58) == [])
        #expect(try await warnings("rate(requests_total[5m])", from: 55, through: 59) == [])
    }

    @Test func `a step longer than a block has one sample in the end`() async throws {
        let settings = try settings([(6, 2000)])
        let store = try openStore(files, settings)
        try await fill(store, hours: 120)
        for store in [store, try openStore(files, settings)] {
            for metric in ["load", "requests_total"] {
                let found = try await store.select(
                    [LabelMatcher(Labels.metricName, equals: metric), LabelMatcher("instance", equals: "")],
                    from: .distantPast, through: .distantFuture)
                let columns = try #require(found.first)
                let coarse = columns.times.filter { $0 < columns.coarse.first?.before ?? .min }
                #expect(coarse.count >= 12)
                let steps = Dictionary(grouping: coarse) { $0 / (6 * hour) }
                // A counter also keeps the very first sample of what was joined.
                let allowed = metric == "load" ? 1 : 2
                for (step, times) in steps where (step + 1) * 6 * hour < epoch + 96 * hour {
                    #expect(times.count <= allowed, "\(metric) at \(step * 6 * hour): \(times.count)")
                }
                if metric == "load" {
                    // The mean of six hours of which each has its number.
                    let place = try #require(
                        columns.times.firstIndex { $0 > epoch + 6 * hour && ($0 + 60_000) % (6 * hour) == 0 })
                    let hours = (columns.times[place] + 60_000 - epoch) / hour
                    #expect(columns.values[place] == Double(hours) - 3.5)
                } else {
                    let rise = zip(columns.values, columns.values.dropFirst()).reduce(0) { $0 + $1.1 - $1.0 }
                    #expect(rise == Double(120 * 60 - 1))
                }
            }
        }
    }
}
