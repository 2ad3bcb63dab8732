import DurableFiles
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: joining, deleting, downsampling and late samples change what they should and nothing else, and limits are kept. Method: single
/// cases for each promise on a disk in memory, each looked at again after a restart.
@Suite struct StoreUpkeepTests {
    let files = MemoryFiles()

    /// One sample every five minutes for `hours`.
    private func fill(_ store: TimeSeriesStore, hours: Int64, _ value: (Int64) -> Double = { Double($0) }) async throws
    {
        for step in 0..<(hours * 12) {
            let time = epoch + step * 300_000
            try await store.append(
                batch(time, [(Labels("requests_total"), value(step)), (Labels("load"), Double(step % 7))]))
            if step % 12 == 11 { try await store.maintain(at: at(time)) }
        }
        try await store.maintain(at: at(epoch + (hours + 6) * hour))
    }

    @Test func `a span that is being filled late waits until nothing has come for a minute`() async throws {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        let now = epoch + 24 * hour
        let series = (0..<4).map { Labels("m", ["n": "\($0)"]) }
        // Yesterday, a quarter of a span at a time, one series after the other; maintenance comes in the middle of it.
        for step in 0..<40 as Range<Int64> {
            let start = epoch + step * 150_000
            let arrival = now + step * 5000
            for (number, labels) in series.enumerated() {
                var batch = SampleBatch(at: at(arrival))
                for offset in stride(from: Int64(0), to: 150_000, by: 15_000) {
                    batch.rows.append(.init(labels: labels, value: Double(offset), timestamp: at(start + offset)))
                }
                let outcome = try await store.append(batch)
                #expect(outcome == AppendOutcome(stored: 10), "step \(step), series \(number)")
                if step % 4 == 1, number == 1 { try await store.maintain(at: at(arrival)) }
            }
        }
        #expect(try await store.samples().values.allSatisfy { $0.count == 400 })
        try await store.maintain(at: at(now + 40 * 5000 + 60_000))
        #expect(store.blockEnd == epoch + 40 * 150_000)
        #expect(try await store.samples().values.allSatisfy { $0.count == 400 })
    }

    @Test func `blocks are joined as windows end, and answers stay the same`() async throws {
        let store = try openStore(files)
        try await fill(store, hours: 80)
        #expect(store.stats.counts.blocksCompacted > 5)
        // 24 h at most where the retention is 15 days.
        #expect(store.stats.blockCount <= 10)
        for store in [store, try openStore(files)] {
            let found = try await store.samples()
            #expect(found.mapValues(\.count) == [Labels("requests_total"): 960, Labels("load"): 960])
            #expect(found[Labels("requests_total")]?.map(\.bits) == (0..<960).map { Double($0).bitPattern })
            let part = try await store.samples(
                [LabelMatcher("__name__", equals: "load")], epoch + hour...epoch + 2 * hour)
            #expect(part[Labels("load")]?.count == 13)
        }
    }

    @Test func `blocks that were joined but not yet removed are removed at the next start`() async throws {
        let faulty = FaultyFiles(files)
        let store = try openStore(faulty)
        for step in 0..<6 as Range<Int64> {
            try await store.append(batch(epoch + step * 2 * hour, [(Labels("a"), Double(step))]))
        }
        faulty.arm(.init(.error(5), call: 1, lasts: true, operations: [.remove]))
        await #expect(throws: StoreError.self) { try await store.maintain(at: at(epoch + 40 * hour)) }
        faulty.arm(nil)
        let before = try await store.samples()
        let again = try openStore(files)
        #expect(try await again.samples() == before)
        try await again.maintain(at: at(epoch + 40 * hour))
        let names = try files.list("/data/series/blocks").compactMap { BlockFormat.Name($0) }.sorted {
            $0.start < $1.start
        }
        #expect(zip(names, names.dropFirst()).allSatisfy { $0.end <= $1.start })
        #expect(try await again.samples() == before)
    }

    @Test func `deleted samples are gone at once, after a restart, and from the disk when cleaned`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(20 * 3600)))
        for step in 0..<48 as Range<Int64> {
            try await store.append(
                batch(epoch + step * 600_000, [(Labels("a", ["n": "1"]), 1), (Labels("a", ["n": "2"]), 2)]))
        }
        try await store.maintain(at: at(epoch + 5 * hour))
        let second = [LabelMatcher("n", equals: "2")]
        try await store.delete([second], from: at(epoch + hour), through: at(epoch + 6 * hour))
        let expected = [Labels("a", ["n": "1"]): 48, Labels("a", ["n": "2"]): 6 + 11]
        #expect(try await store.samples().mapValues(\.count) == expected)
        let again = try openStore(files, StoreSettings(retention: .seconds(20 * 3600)))
        #expect(try await again.samples().mapValues(\.count) == expected)
        let size = again.stats.blockSampleCount
        try await again.cleanTombstones()
        #expect(again.stats.blockSampleCount < size)
        #expect(try await again.samples().mapValues(\.count) == expected)
        try await again.maintain(at: at(epoch + 20 * hour))
        try await again.cleanTombstones()
        #expect(try await openStore(files).samples().mapValues(\.count) == expected)
        // What comes later is not deleted.
        try await again.delete([second], from: .distantPast, through: .distantFuture)
        try await again.append(batch(epoch + 30 * hour, [(Labels("a", ["n": "2"]), 9)]))
        #expect(try await again.samples(second).mapValues(\.count) == [Labels("a", ["n": "2"]): 1])
    }

    @Test func `late samples inside the window join the others, others are refused and counted`() async throws {
        let settings = StoreSettings(retention: .seconds(20 * 3600), outOfOrderWindow: .seconds(3 * 3600))
        let store = try openStore(files, settings)
        let a = Labels("a")
        for step in 0..<60 as Range<Int64> {
            try await store.append(batch(epoch + step * 600_000, [(a, Double(step))]))
        }
        let newest = epoch + 59 * 600_000
        try await store.maintain(at: at(newest))
        let late = newest - 2 * hour + 1
        #expect(try await store.append(batch(late, [(a, -1)])).counts == AppendOutcome(stored: 1))
        #expect(try await store.append(batch(late, [(a, -1)])).counts == AppendOutcome())
        #expect(try await store.append(batch(late, [(a, -2)])).counts == AppendOutcome(duplicate: 1))
        #expect(try await store.append(batch(newest - 3 * hour - 1, [(a, -1)])).counts == AppendOutcome(outOfOrder: 1))
        // Into a span that is in a block already.
        let block = newest - 3 * hour + 1
        #expect(block < store.stats.minimumTime.millisecondsSinceEpoch)
        #expect(try await store.append(batch(block, [(a, -3)])).counts == AppendOutcome(stored: 1))
        let expected = ((0..<60).map { epoch + $0 * 600_000 } + [late, block]).sorted()
        for round in 0..<3 {
            #expect(try await store.samples()[a]?.map(\.time) == expected, "round \(round)")
            #expect(try await openStore(files, settings).samples()[a]?.map(\.time) == expected, "round \(round)")
            try await store.maintain(at: at(newest + Int64(round) * 3 * hour))
        }
        #expect(store.stats.counts.samplesOutOfOrder == 1 && store.stats.counts.samplesDuplicate == 1)
    }

    @Test func `a rule moves old samples to coarser steps, and counters rise as much as before`() async throws {
        let settings = StoreSettings(
            retention: .seconds(24 * 3600),
            keep: [
                KeepRule(
                    matchers: try selector("{__name__=~\"requests_total|load\"}"), raw: .seconds(12 * 3600),
                    tiers: [.init(step: .seconds(3600), age: .seconds(72 * 3600))])
            ])
        let store = try openStore(files, settings)
        // A counter with a reset in the middle of a step.
        let value: (Int64) -> Double = { $0 < 30 ? Double($0 * 10) : Double(($0 - 30) * 10 + 3) }
        for step in 0..<480 as Range<Int64> {
            let time = epoch + step * 300_000
            try await store.append(
                batch(
                    time,
                    [
                        (Labels("requests_total"), value(step)), (Labels("load"), Double(step % 12)),
                        (Labels("other"), 1),
                    ]))
            if step % 12 == 11 { try await store.maintain(at: at(time)) }
        }
        #expect(store.stats.counts.blocksDownsampled > 3)
        for store in [store, try openStore(files, settings)] {
            let found = try await store.samples()
            #expect(found[Labels("other")]!.first!.time >= epoch + 14 * hour)
            let counter = try #require(found[Labels("requests_total")])
            #expect(counter.first?.time == epoch)
            #expect(counter.count < 300)
            func rise(_ samples: [StoreModel.Sample]) -> Double {
                zip(samples, samples.dropFirst()).reduce(0) { sum, pair in
                    let (before, after) = (Double(bitPattern: pair.0.bits), Double(bitPattern: pair.1.bits))
                    return sum + (after < before ? after : after - before)
                }
            }
            let all = (0..<480).map { StoreModel.Sample(time: epoch + $0 * 300_000, bits: value($0).bitPattern) }
            #expect(rise(counter) == rise(all))
            let load = try #require(found[Labels("load")])
            // Whole steps of 0…11 have the mean 5.5.
            #expect(load.prefix(10).allSatisfy { Double(bitPattern: $0.bits) == 5.5 })
            #expect(Set(load.map(\.time)).count == load.count)
        }
        // 72 h after the last one, the newest only counts as present when it comes.
        try await store.append(batch(epoch + 200 * hour, [(Labels("load"), 1)]))
        try await store.maintain(at: at(epoch + 200 * hour))
        #expect(try await store.samples().mapValues(\.count) == [Labels("load"): 1])
    }

    @Test func `the oldest blocks go when they take more than they may`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(20 * 3600), retentionSize: ByteCount(2000)))
        for step in 0..<60 as Range<Int64> {
            try await store.append(batch(epoch + step * hour / 3, (0..<10).map { (Labels("m\($0)"), Double(step)) }))
        }
        try await store.maintain(at: at(epoch + 30 * hour))
        #expect(store.stats.blockByteCount <= 2000 && store.stats.blockCount > 0)
        #expect(store.stats.counts.blocksRemoved > 0)
    }

    @Test func `series are counted by names that are told apart by their bytes`() async throws {
        let store = try openStore(files, StoreSettings(seriesPerMetricMax: 1))
        for name in ["caf\u{E9}", "cafe\u{301}"] {
            for value in ["1", "2"] {
                try await store.append(batch(epoch, [(Labels(name, ["job": name, name: value]), 1)]))
            }
        }
        let report = store.cardinality()
        for counts in [report.metrics, report.jobs, report.refusedMetrics] {
            #expect(counts.map { Array($0.name.utf8) } == ["cafe\u{301}", "caf\u{E9}"].map { Array($0.utf8) })
            #expect(counts.map(\.count) == [1, 1])
        }
        #expect(report.labelNames.count == 4)
    }

    @Test func `limits refuse series beyond them and name the offenders`() async throws {
        let store = try openStore(files, StoreSettings(seriesMax: 30, seriesPerMetricMax: 5, seriesPerTargetMax: 12))
        func labels(_ metric: String, _ count: Int, _ target: String) -> [(Labels, Double)] {
            (0..<count).map { (Labels(metric, ["n": "\($0)", "job": "j", "instance": target]), 1) }
        }
        #expect(
            try await store.append(batch(epoch, labels("wide", 9, "a"))).counts
                == AppendOutcome(stored: 5, overLimit: 4))
        #expect(try await store.append(batch(epoch, labels("x", 5, "a"))).stored == 5)
        #expect(
            try await store.append(batch(epoch, labels("y", 5, "a"))).counts == AppendOutcome(stored: 2, overLimit: 3))
        for number in 0..<5 { try await store.append(batch(epoch, labels("z\(number)", 5, "t\(number)"))) }
        #expect(store.stats.seriesCount == 30)
        #expect(
            try await store.references(of: [
                Labels("one more"), Labels("wide", ["n": "0", "job": "j", "instance": "a"]),
            ]).map { $0 != nil } == [false, true])
        let report = store.cardinality(limit: 3)
        #expect(report.seriesCount == 30 && report.targets.first == .init(name: "j/a", count: 12))
        #expect(report.refusedMetrics.contains { $0.name == "wide" && $0.count == 4 })
        #expect(report.labelNames.first?.name == "__name__" && report.metrics.count == 3)
        #expect(store.stats.counts.samplesOverLimit > 0)
    }

    @Test func `samples of refused series are counted each time they come, by batch and beside a block`() async throws {
        let store = try openStore(files, StoreSettings(seriesMax: 1))
        let (a, b) = (Labels("a"), Labels("b"))
        let known = try #require(try await store.references(of: [a])[0])
        #expect(try await store.references(of: [b]) == [nil])
        for round in 1...3 {
            let block = SampleBlock(
                timestamp: at(epoch + Int64(round)), references: [known], values: [Double(round)], refusedCount: 2)
            #expect(try await store.append(block).outcome.overLimit == 2)
        }
        let batched = try await store.append(batch(epoch + 9, [(a, 9), (b, 9)]))
        #expect(batched.stored == 1 && batched.leftOut == [.init(index: 1, reason: .overLimit)])
        var page = SampleBatch(at: at(epoch))
        store.report(into: &page)
        #expect(page.rows.first { $0.labels.name == "jaga_series_limit_refusals_total" }?.value == 7)
        #expect(store.stats.counts.samplesOverLimit == 7)
    }

    @Test func `a series with labels longer than the log takes is refused alone, and named at no length`() async throws
    {
        let store = try openStore(files)
        let long = Labels(String(repeating: "n", count: 400), ["x": String(repeating: "v", count: 70_000)])
        let references = try await store.references(of: [Labels("a"), long, Labels("b")])
        #expect(references.map { $0 != nil } == [true, false, true])
        let outcome = try await store.append(batch(epoch, [(Labels("a"), 1), (long, 2), (Labels("b"), 3)]))
        #expect(outcome.stored == 2 && outcome.overLimit == 1)
        #expect(outcome.leftOut == [.init(index: 1, reason: .overLimit)])
        let named = try #require(store.cardinality().refusedMetrics.first)
        #expect(named.name.hasPrefix("nnn") && named.name.utf8.count < 100)
        #expect(try await openStore(files).select([], from: .distantPast, through: .distantFuture).count == 2)
    }

    @Test func `what is not stored is told sample by sample, with the reason`() async throws {
        let store = try openStore(files)
        let labels = (0..<4).map { Labels("m", ["n": "\($0)"]) }
        try await store.append(batch(epoch, labels.map { ($0, 1) }))
        var mixed = batch(epoch, [(labels[0], 1), (labels[1], 2)])
        mixed.rows.append(.init(labels: labels[2], value: 1, timestamp: at(epoch - 1)))
        mixed.rows.append(.init(labels: labels[3], value: 1, timestamp: at(epoch + 1)))
        #expect(
            try await store.append(mixed).leftOut == [
                .init(index: 0, reason: .repeated), .init(index: 1, reason: .duplicate),
                .init(index: 2, reason: .outOfOrder),
            ])
        let numbers = try await store.references(of: labels).map { $0! }
        let block = SampleBlock(timestamp: at(epoch), references: numbers, values: [1, 1, 5, 1])
        #expect(
            try await store.append(block).outcome.leftOut == [
                .init(index: 0, reason: .repeated), .init(index: 1, reason: .repeated),
                .init(index: 2, reason: .duplicate), .init(index: 3, reason: .outOfOrder),
            ])
    }

    @Test func `labels that Unicode takes for the same are two series, in memory, in a block and after a start`()
        async throws
    {
        let twins = ["caf\u{E9}", "cafe\u{301}"]
        var store = try openStore(files)
        for step in 0..<3 as Range<Int64> {
            try await store.append(
                batch(epoch + step * 2 * hour, twins.map { (Labels("m", ["shop": $0]), Double($0.utf8.count)) }))
        }
        func check(_ place: String) async throws {
            for twin in twins {
                let found = try await store.select(
                    [LabelMatcher("shop", equals: twin)], from: .distantPast, through: .distantFuture)
                #expect(found.count == 1 && found[0].values.allSatisfy { $0 == Double(twin.utf8.count) }, "\(place)")
            }
            let values = try await store.labelValues("shop", [], from: .distantPast, through: .distantFuture)
            #expect(values.map(ByteText.init) == [twins[1], twins[0]].map(ByteText.init), "\(place)")
            #expect(
                try await store.select(
                    [LabelMatcher("__name__", equals: "m")], from: .distantPast, through: .distantFuture
                ).count == 2)
        }
        try await check("in memory")
        try await store.maintain(at: at(epoch + 12 * hour))
        #expect(store.stats.blockCount > 0)
        try await check("in a block")
        store = try openStore(files)
        try await check("after a start")
    }

    @Test func `series are listed for any of several selectors`() async throws {
        let store = try openStore(files)
        try await store.append(
            batch(epoch, [(Labels("a"), 1), (Labels("b", ["x": "1"]), 1), (Labels("b", ["x": "2"]), 1)]))
        let found = try await store.series(
            [
                [LabelMatcher("__name__", equals: "a")], [LabelMatcher("x", equals: "2")],
                [LabelMatcher("__name__", equals: "a")],
            ],
            from: .distantPast, through: .distantFuture)
        #expect(found == [Labels("a"), Labels("b", ["x": "2"])])
        #expect(
            try await store.series(
                [[LabelMatcher("__name__", equals: "a")]], from: at(epoch + 1), through: at(epoch + 2)) == [])
    }

    @Test(arguments: [
        ("up", "[__name__=\"up\"]"), ("{job=\"a b\", x!~'y.*',}", "[job=\"a b\", x!~\"y.*\"]"),
        ("up{ job = \"x\\\"y\" }", "[__name__=\"up\", job=\"x\\\"y\"]"),
        ("{\"über.all\", a!=\"1\"}", "[__name__=\"über.all\", a!=\"1\"]"),
    ])
    func `selectors are read`(text: String, expected: String) throws {
        #expect("\(try selector(text))" == expected)
    }

    @Test(arguments: [
        "", "{", "{}", "up{", "up{a}", "up{a=1}", "up{a=\"1\"", "up{a=~\"(\"}", "{a=\"\"}", "up x",
        "up{a=\"1\" b=\"2\"}",
    ])
    func `what is no selector is refused`(text: String) {
        #expect(throws: SelectorFault.self) { try selector(text) }
    }

    @Test func `a store of version 1 is read whole`() async throws {
        let golden = GoldenFolder.path + "/version1"
        for part in ["wal", "blocks"] {
            try files.createFolders("/data/series/\(part)")
            for name in try RealFiles().list("\(golden)/\(part)") {
                try files.replace(
                    "/data/series/\(part)/\(name)", with: try RealFiles().contents(of: "\(golden)/\(part)/\(name)"))
            }
        }
        let store = try openStore(files)
        #expect(store.health.problems.isEmpty)
        #expect(store.stats.blockCount == 1)
        func check(_ store: TimeSeriesStore) async throws {
            let found = try await store.samples()
            #expect(found.count == 6)
            #expect(found.values.allSatisfy { $0.map(\.time) == (0..<1200).map { epoch + $0 * 15_000 + $0 % 3 } })
            let requests = Labels([("__name__", "requests_total"), ("job", "shop"), ("instance", "web-2")])
            #expect(found[requests]?.map(\.bits) == (0..<1200).map { Double($0 * 3).bitPattern })
            let up = Labels([("__name__", "up"), ("job", "shop"), ("zone", "Zürich")])
            #expect(found[up]?.map(\.bits) == (0..<1200).map { ($0 == 700 ? staleMarker : 1).bitPattern })
            let odd: [Double] = [.infinity, -0.0, Double(bitPattern: 0x7ff8_dead_beef_0001), .nan]
            #expect(found[Labels("odd")]?.map(\.bits) == (0..<1200).map { odd[$0 % 4].bitPattern })
            #expect(found[Labels("load1")]?.map(\.bits) == (0..<1200).map { (Double($0 % 37) / 7).bitPattern })
            #expect(try await store.metadata()["up"] == MetricMetadata("up", .gauge, "whether it answers"))
        }
        try await check(store)
        // Moved to blocks of this version, and joined with those of the old one.
        try await store.maintain(at: at(epoch + 30 * hour))
        #expect(store.stats.counts.blocksCompacted > 0)
        try await check(store)
        try await check(try openStore(files))
    }
}

enum GoldenFolder {
    static let path = String(#filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }) + "/Golden"
}
