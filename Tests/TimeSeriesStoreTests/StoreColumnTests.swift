import BinaryCoding
import DurableFiles
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: samples by number are stored as samples by labels are, also through restarts, odd times and forgotten series. Method: seeded
/// readings of several targets, compared with plain arrays; the same reading order is kept, left and taken up again.
@Suite struct StoreColumnTests {
    let files = MemoryFiles()

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `blocks of samples give what the model gives`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let settings = StoreSettings(blockSpan: .seconds(600))
        var store = try openStore(files, settings, segmentByteCountMax: seed.isMultiple(of: 2) ? 4000 : 8 << 20)
        var model = StoreModel()
        let targets = (0..<3).map { target in
            (0..<40).map { Labels("m\($0)", ["instance": "host-\(target)"]) }
        }
        var references = try await known(store, targets)
        var values = targets.map { $0.map { _ in 0.0 } }
        var now = epoch
        for step in 0..<400 {
            for target in targets.indices {
                let place: Comment = "seed \(seed), step \(step), target \(target)"
                for index in values[target].indices {
                    values[target][index] = next(values[target][index], index, &random)
                }
                var chosen = Array(targets[target].indices)
                if Int.random(in: 0..<10, using: &random) == 0 { chosen.removeLast(5) }
                let time = now + Int64(target) * 7 + (Int.random(in: 0..<5, using: &random) == 0 ? 1 : 0)
                let rows = chosen.map { (targets[target][$0], values[target][$0]) }
                let expected = model.append(batch(time, rows))
                let block = SampleBlock(
                    timestamp: at(time), references: chosen.map { references[target][$0] },
                    values: chosen.map { values[target][$0] })
                let (outcome, unknown) = try await store.append(block)
                #expect(unknown.isEmpty, place)
                #expect(outcome == expected, place)
            }
            now += 1000
            if Int.random(in: 0..<60, using: &random) == 0 {
                files.endProcess()
                store = try openStore(files, settings, segmentByteCountMax: 8 << 20)
                #expect(store.health.problems.isEmpty, "seed \(seed), step \(step)")
                references = try await known(store, targets)
            }
            if step % 100 == 99 {
                #expect(try await store.samples() == model.series, "seed \(seed), step \(step)")
                try await store.maintain(at: at(now))
                model.minimumTime = store.stats.minimumTime.millisecondsSinceEpoch
                references = try await known(store, targets)
                #expect(try await store.samples() == model.series, "seed \(seed), step \(step), maintained")
            }
        }
        #expect(try await openStore(files, settings).samples() == model.series, "seed \(seed)")
    }

    /// While the log is read back, the series of one list are taken in step; whatever else brings a sample of one of them must end that.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `readings that share series, single samples and late ones between them are all read back`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed: seed)
        let settings = StoreSettings(blockSpan: .seconds(600), outOfOrderWindow: .seconds(60))
        let store = try openStore(files, settings)
        let series = (0..<30).map { Labels("m\($0)", ["instance": "host"]) }
        let references = try await store.references(of: series).map { try #require($0) }
        // Overlapping lists, one of them in another order.
        let lists = [Array(0..<30), Array(0..<12), Array(8..<25), Array((0..<30).reversed()), Array(20..<30)]
        var values = series.map { _ in 0.0 }
        var now = epoch
        var list = 0
        for _ in 0..<600 {
            now += Int64.random(in: 1...900, using: &random)
            for index in values.indices where Int.random(in: 0..<4, using: &random) == 0 {
                values[index] = next(values[index], index, &random)
            }
            switch Int.random(in: 0..<40, using: &random) {
            case 0: list = Int.random(in: 0..<lists.count, using: &random)
            case 1:
                let one = Int.random(in: 0..<30, using: &random)
                _ = try await store.append(batch(now, [(series[one], values[one])]))
                continue
            case 2:
                let one = Int.random(in: 0..<30, using: &random)
                _ = try await store.append(batch(now - 30_000, [(series[one], 4711)]))
                continue
            case 3:
                // A new series, declared between the readings.
                _ = try await store.append(batch(now, [(Labels("new", ["n": "\(now)"]), 1)]))
                continue
            default: break
            }
            // Two lists in turn for a while, now and then.
            let chosen = lists[(list + (now % 7 == 0 ? 1 : 0)) % lists.count]
            _ = try await store.append(
                SampleBlock(
                    timestamp: at(now), references: chosen.map { references[$0] }, values: chosen.map { values[$0] }))
        }
        let before = try await store.samples()
        files.endProcess()
        let again = try openStore(files, settings)
        #expect(again.health.problems.isEmpty, "seed \(seed)")
        #expect(try await again.samples() == before, "seed \(seed)")
        // What the start believes to be the newest sample decides on the next one.
        let references2 = try await again.references(of: series).map { try #require($0) }
        let repeated = try await again.append(
            SampleBlock(timestamp: at(now), references: references2, values: values))
        let fresh = try await again.append(
            SampleBlock(timestamp: at(now + 1), references: references2, values: values))
        #expect(repeated.outcome.outOfOrder == 0, "seed \(seed)")
        #expect(fresh.outcome.stored == 30, "seed \(seed)")
    }

    @Test func `an answer that the processors share is the one of each series alone, and keeps to the limit`()
        async throws
    {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        let series = (0..<700).map { Labels("m", ["n": "\(1000 + $0)"]) }
        for step in 0..<300 as Range<Int64> {
            let rows = series.indices.filter { $0 % 50 != 49 || step < 10 }
                .map { (series[$0], Double(Int64($0) * step) / 8) }
            _ = try await store.append(batch(epoch + step * 5000, rows))
            // In blocks, in chunks of the head and open.
            if step == 200 { try await store.maintain(at: at(epoch + step * 5000)) }
        }
        let (from, through) = (at(epoch + 40_000), at(epoch + 290 * 5000))
        let together = try await store.select([LabelMatcher("__name__", equals: "m")], from: from, through: through)
        #expect(together.map(\.labels) == series)
        for (labels, columns) in zip(series, together) {
            let alone = try await store.select(
                [LabelMatcher("n", equals: labels["n"]!)], from: from, through: through)
            #expect(alone == [columns])
        }
        await #expect(throws: TooManySamples.self) {
            try await store.select(
                [LabelMatcher("__name__", equals: "m")], from: from, through: through,
                within: SelectionBounds(samplesMax: 50_000))
        }
    }

    private func known(_ store: TimeSeriesStore, _ targets: [[Labels]]) async throws -> [[SeriesReference]] {
        var all: [[SeriesReference]] = []
        for labels in targets { all.append(try await store.references(of: labels).map { try #require($0) }) }
        return all
    }

    private func next(_ value: Double, _ index: Int, _ random: inout SeededGenerator) -> Double {
        switch index % 8 {
        case 0, 1: value
        case 2: value + 1
        case 3: ((value + 0.01) * 100).rounded() / 100
        case 4: Double.random(in: 0...1, using: &random)
        case 5: Double(Int.random(in: 0..<1000, using: &random)) * 4096
        case 6: Int.random(in: 0..<20, using: &random) == 0 ? staleMarker : 7
        default: Double(bitPattern: random.next())
        }
    }

    @Test func `a reference of a forgotten series is unknown, and of no other series`() async throws {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        let old = try #require(try await store.references(of: [Labels("old")])[0])
        #expect(
            try await store.append(SampleBlock(timestamp: at(epoch), references: [old], values: [1])).outcome.stored
                == 1)
        try await store.maintain(at: at(epoch + hour))
        let new = try #require(try await store.references(of: [Labels("new")])[0])
        #expect(new != old)
        let (outcome, unknown) = try await store.append(
            SampleBlock(timestamp: at(epoch + hour), references: [old, new], values: [2, 3]))
        #expect(unknown == [0] && outcome.counts == AppendOutcome(stored: 1))
        #expect(try await store.samples()[Labels("new")]?.count == 1)
        #expect(try await store.samples()[Labels("old")]?.count == 1)
    }

    @Test func `a reading like the one before costs the log a few bytes a changed sample`() async throws {
        let store = try openStore(files)
        let labels = (0..<1000).map { Labels("m", ["n": "\($0)"]) }
        let references = try await store.references(of: labels).compactMap(\.self)
        var sizes: [Int64] = []
        for step in 0..<100 as Range<Int64> {
            let before = store.stats.logByteCount
            // A third rises evenly, the rest stands still.
            let values = (0..<1000).map { $0 % 3 == 0 ? Double(step * 17) : 5.5 }
            _ = try await store.append(
                SampleBlock(timestamp: at(epoch + step * 1000), references: references, values: values))
            sizes.append(store.stats.logByteCount - before)
        }
        // The reading with which the head begins chunks begins anew in the log too.
        #expect((sizes[50..<60] + sizes[80...]).allSatisfy { $0 < 260 }, "\(sizes)")
    }

    @Test func `a lost record costs the readings up to the next that begins anew, and no value is wrong`() async throws
    {
        let store = try openStore(files)
        let labels = (0..<20).map { Labels("m", ["n": "\($0)"]) }
        let references = try await store.references(of: labels).compactMap(\.self)
        var ends: [Int64] = []
        for step in 0..<300 as Range<Int64> {
            let values = (0..<20).map { Double(step * ($0 + 1)) }
            _ = try await store.append(SampleBlock(timestamp: at(epoch + step), references: references, values: values))
            ends.append(store.stats.logByteCount)
        }
        let good = try await store.samples()
        for hit in [0, 1, 60, 127, 128, 129, 250] {
            let decayed = MemoryFiles()
            try decayed.createFolders("/data/series/wal")
            let segment = "/data/series/wal/00000001.wal"
            try decayed.replace(segment, with: try files.contents(of: segment))
            decayed.flipBit(3, at: Int(ends[hit]) - 3, of: segment)
            let found = try openStore(decayed)
            #expect(found.health.problems.contains { $0.kind == .logDamaged })
            let samples = try await found.samples()
            for (labels, column) in samples { #expect(column.allSatisfy(good[labels]!.contains), "hit \(hit)") }
            let lost = 300 - samples[labels[0]]!.count
            #expect(lost == (hit < 128 ? 128 : hit < 256 ? 256 : 300) - hit, "hit \(hit)")
        }
    }

    @Test func `a batch refused by a full disk leaves nothing that later readings lean on`() async throws {
        let store = try openStore(files)
        let labels = (0..<50).map { Labels("m", ["n": "\($0)"]) }
        let references = try await store.references(of: labels).compactMap(\.self)
        var model = StoreModel()
        for step in 0..<40 as Range<Int64> {
            let values = (0..<50).map { Double(step * step + $0) }
            let block = SampleBlock(timestamp: at(epoch + step), references: references, values: values)
            if step % 7 == 3 {
                files.setCapacity(bytes: store.stats.logByteCount + 5)
                await #expect(throws: StoreError.self) { try await store.append(block) }
                files.setCapacity(bytes: .max)
            } else {
                _ = try await store.append(block)
                _ = model.append(batch(epoch + step, Array(zip(labels, values))))
            }
        }
        #expect(try await store.samples() == model.series)
        let again = try openStore(files)
        #expect(try await again.samples() == model.series)
        #expect(again.health.problems.isEmpty)
    }

    @Test func `histograms and numbers of one series come back in order, from the head, the log and a block`()
        async throws
    {
        var random = SeededGenerator(seed: 5)
        let store = try openStore(files)
        let histograms = randomHistograms(&random) + randomHistograms(&random) + randomHistograms(&random)
        let labels = Labels("latency")
        for (step, histogram) in histograms.enumerated() {
            var next = SampleBatch(at: at(epoch + Int64(step) * 1000))
            next.rows = [
                step % 50 == 7 ? .init(labels: labels, value: staleMarker) : .init(labels: labels, histogram: histogram)
            ]
            next.rows.append(.init(labels: Labels("plain"), value: Double(step)))
            #expect(try await store.append(next).stored == 2)
        }
        func check(_ store: TimeSeriesStore) async throws {
            let found = try await store.select(
                [LabelMatcher("__name__", equals: "latency")], from: .distantPast, through: .distantFuture)
            let column = try #require(found.first)
            #expect(column.times == histograms.indices.map { epoch + Int64($0) * 1000 })
            let kept = histograms.indices.filter { $0 % 50 != 7 }
            #expect(column.histograms.map(\.index) == kept)
            #expect(column.histograms.map(\.histogram) == kept.map { histograms[$0] })
            #expect(histograms.indices.filter { $0 % 50 == 7 }.allSatisfy { column.values[$0].isStaleMarker })
        }
        try await check(store)
        try await check(try openStore(files))
        try await store.maintain(at: at(epoch + 5 * hour))
        #expect(store.stats.blockCount == 1)
        try await check(store)
        try await check(try openStore(files))
    }

    @Test func `exemplars are kept newest first out, found by selector and time`() async throws {
        let store = try openStore(files, StoreSettings(exemplarsMax: 3))
        for step in 0..<5 as Range<Int64> {
            var next = batch(epoch + step, [(Labels("m"), 1)])
            next.exemplars = [
                Exemplar(
                    series: Labels("m", ["n": "\(step % 2)"]), labels: Labels([("trace_id", "t\(step)")]),
                    value: Double(step), timestamp: step == 3 ? nil : epoch + step)
            ]
            try await store.append(next)
            try await store.append(next)
        }
        let all = try await store.exemplars(
            [[LabelMatcher("__name__", equals: "m")]], from: .distantPast, through: .distantFuture)
        #expect(all.map(\.value) == [4, 3, 3] || all.map(\.value) == [2, 4, 3])
        let one = try await store.exemplars(
            [[LabelMatcher("n", equals: "0")]], from: at(epoch + 4), through: at(epoch + 4))
        #expect(one.map(\.timestamp) == [epoch + 4])
    }

    /// A store gives a number that became free to another series, and the segment that it writes to may be the same where it could not
    /// begin a new one. A layout of the same numbers goes on then without its list.
    @Test func `a number that is declared anew in a segment is looked up anew by the layouts that have it`()
        async throws
    {
        let numbers = (0..<10 as Range<UInt32>).map(\.self)
        var book = LayoutBook()
        var records = ByteWriter()
        func labels(_ number: UInt32) -> Labels { Labels("old", ["n": "\(number)"]) }
        records.record(.series) { writer in
            for number in numbers {
                writer.varint(Int(number))
                writer.labels(labels(number))
            }
        }
        book.write(numbers, epoch, numbers.map(Double.init), in: 1, to: &records)
        records.record(.series) { writer in
            writer.varint(3)
            writer.labels(Labels("new"))
        }
        book.write(numbers, epoch + 1, numbers.map { Double($0) + 100 }, in: 1, to: &records)
        let files = MemoryFiles()
        try files.createFolders("/data/series/wal")
        try files.replace(
            "/data/series/wal/00000001.wal", with: LogFormat.header(number: 1, createdAt: epoch) + records.bytes)

        let store = try openStore(files)
        #expect(store.health.problems.isEmpty)
        let found = try await store.samples()
        func sample(_ time: Int64, _ value: Double) -> StoreModel.Sample {
            StoreModel.Sample(time: time, bits: value.bitPattern)
        }
        #expect(found[Labels("new")] == [sample(epoch + 1, 103)])
        #expect(found[labels(3)] == [sample(epoch, 3)])
        #expect(found[labels(4)] == [sample(epoch, 4), sample(epoch + 1, 104)])
    }
}
