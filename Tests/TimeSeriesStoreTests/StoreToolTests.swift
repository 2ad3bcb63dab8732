import DurableFiles
import Glibc
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: what verify, repair, export, backfill and snapshot promise. Method: a disk in memory with bits flipped; blocks of Prometheus made by
/// Debian's `promtool` from our own export, where it is installed.
@Suite struct StoreToolTests {
    let files = MemoryFiles()
    let folder = "/data/series"

    private func filled() async throws -> TimeSeriesStore {
        let store = try openStore(files, StoreSettings(retention: .seconds(20 * 3600)))
        for step in 0..<500 as Range<Int64> {
            let rows = (0..<40).map {
                (Labels("m", ["n": "\($0)", "job": "a \"b\""]), Double(step * Int64($0)) / 4 + .random(in: 0...1))
            }
            try await store.append(batch(epoch + step * 15_000 + 7, rows))
        }
        try await store.maintain(at: at(epoch + 3 * hour))
        try await store.sync()
        return store
    }

    @Test func `a sound store is found sound, and a flipped bit is found and named`() async throws {
        _ = try await filled()
        let sound = try verifyStore(folder, files: files)
        #expect(
            sound.isIntact && sound.blockCount == 1 && sound.blockSampleCount == 480 * 40 && sound.recordCount > 100)
        let block = joined(folder, "blocks/\(try files.list(joined(folder, "blocks"))[0])")
        files.flipBit(2, at: 1000, of: block)
        let segment = joined(folder, "wal/\(try files.list(joined(folder, "wal"))[0])")
        files.flipBit(2, at: 300, of: segment)
        let damaged = try verifyStore(folder, files: files)
        // The flipped bit is in the declarations, so that samples lack theirs.
        #expect(damaged.problems.map(\.kind) == [.blockDamaged, .logDamaged, .samplesOrphaned])
        #expect(damaged.problems[0].byteOffset == 16 && damaged.problems[1].byteOffset <= 300)
    }

    @Test func `deletions that cannot be read are not taken for none`() async throws {
        let store = try await filled()
        try await store.delete(
            [[try LabelMatcher(Labels.metricName, .equal, "m")]], from: at(epoch), through: at(epoch + hour))
        let faulty = FaultyFiles(files)
        // The file of deletions is opened last.
        faulty.arm(.init(.error(EIO), call: .max, operations: [.open]))
        #expect(try verifyStore(folder, files: faulty).isIntact)
        faulty.arm(.init(.error(EIO), call: faulty.callCount, operations: [.open]))
        #expect(try verifyStore(folder, files: faulty).problems.map(\.kind) == [.tombstonesDamaged])
    }

    @Test func `repair keeps all readable chunks and sets the damaged file aside`() async throws {
        let before = try await filled().samples()
        let name = try files.list(joined(folder, "blocks"))[0]
        let block = joined(folder, "blocks/\(name)")
        let size = try files.contents(of: block).count
        #expect(size > 3 * BlockFormat.frameByteCount)
        files.flipBit(2, at: size / 2, of: block)
        await #expect(throws: StoreError.self) { try await openStore(files).samples() }
        let problems = try repairStore(folder, files: files)
        #expect(problems.map(\.kind) == [.blockDamaged] && problems[0].count > 0)
        #expect(try files.status(of: joined(folder, "damaged/\(name)")) != nil)
        #expect(try verifyStore(folder, files: files).isIntact)
        let after = try await openStore(files).samples()
        #expect(after.allSatisfy { labels, samples in samples.allSatisfy(before[labels]!.contains) })
        let whole = after.filter { $0.value.count == 500 }
        #expect(whole.count >= 15 && whole.count < 40)
        #expect(try repairStore(folder, files: files) == [])
    }

    @Test func `repair mends the log, and says what it could not save`() async throws {
        let store = try openStore(files, segmentByteCountMax: 2000)
        for step in 0..<400 as Range<Int64> {
            try await store.append(
                batch(epoch + step, (0..<3).map { (Labels("m", ["n": "\($0)"]), Double(step * $0)) }))
        }
        let log = joined(folder, "wal")
        let names = try files.list(log)
        try #require(names.count > 6)
        // A record in the middle, a header, a whole file, and the beginning of another.
        files.flipBit(3, at: 1500, of: joined(log, names[1]))
        files.flipBit(3, at: 12, of: joined(log, names[2]))
        try files.remove(joined(log, names[3]))
        try files.truncate(joined(log, names[4]), to: 10)
        let found = try verifyStore(folder, files: files)
        #expect(
            found.problems.map(\.kind) == [.logDamaged, .logDamaged, .segmentMissing, .segmentMissing],
            "\(found.problems)")
        #expect(found.problems[2].file == joined(log, names[3]) && found.problems[2].count == 1)
        let before = try await openStore(files, segmentByteCountMax: 2000).samples()

        let told = try repairStore(folder, files: files)
        #expect(told.map(\.kind) == [.logDamaged, .logDamaged, .segmentMissing, .segmentMissing], "\(told)")
        #expect(told[0].setAsideAs != nil && told[1].setAsideAs != nil)
        let after = try verifyStore(folder, files: files)
        #expect(after.isIntact, "\(after.problems)")
        #expect(try files.list(log).filter { $0.hasSuffix(".new") } == [])
        #expect(try repairStore(folder, files: files) == [])
        let again = try openStore(files)
        #expect(again.health.problems == [])
        #expect(try await again.samples() == before)
        #expect(before.values.allSatisfy { $0.count > 200 && $0.count < 400 })
        #expect(try await again.append(batch(epoch + 400, [(Labels("m", ["n": "0"]), 1)])).stored == 1)
        #expect(try verifyStore(folder, files: files).isIntact)
    }

    /// What a start says of samples whose series nobody knows, verify says as well, whichever kind of record they are in.
    @Test func `samples whose declaration is lost are told by verify as by a start`() async throws {
        let store = try openStore(files, StoreSettings(outOfOrderWindow: .seconds(600)))
        // The declarations alone, then readings that each stand on the one before, single samples, a histogram, and a late one.
        let labels = (0..<20).map { Labels("m", ["n": "\($0)"]) }
        try await store.append(batch(epoch, labels.map { ($0, 0) }))
        let declared = Int(store.stats.logByteCount)
        for step in 1..<10 as Range<Int64> {
            try await store.append(batch(epoch + step * 1000, labels.map { ($0, Double(step)) }))
        }
        var single = batch(epoch + 20_000, [])
        single.rows = [
            .init(labels: labels[0], value: 1, timestamp: at(epoch + 20_000)),
            .init(labels: labels[1], value: 1, timestamp: at(epoch + 20_001)),
        ]
        try await store.append(single)
        try await store.append(batch(epoch + 11_000, [(labels[2], 1), (labels[0], 3)]))
        let segment = joined(folder, "wal/00000001.wal")
        let sound = try verifyStore(folder, files: files)
        #expect(sound.isIntact && sound.recordCount > 10, "\(sound.problems)")
        files.flipBit(3, at: declared / 2, of: segment)
        let found = try verifyStore(folder, files: files).problems
        #expect(found.map(\.kind).contains(.samplesOrphaned) && found.allSatisfy { $0.file == segment }, "\(found)")
        // The first start tells the same; a repair leaves them out, and tells where the old bytes are.
        let told = try openStore(files).health.problems
        #expect(told.filter { $0.kind == .samplesOrphaned } == found.filter { $0.kind == .samplesOrphaned })
        let old = try files.contents(of: segment)
        let orphans = try repairStore(folder, files: files).filter { $0.kind == .samplesOrphaned }
        #expect(orphans.count == 1 && orphans[0].description.contains("/damaged/00000001.wal"))
        #expect(try files.contents(of: joined(folder, "damaged/00000001.wal")) == old)
        #expect(try verifyStore(folder, files: files).isIntact)
        #expect(try openStore(files).health.problems == [])
    }

    /// What a start makes of a damaged log is what one makes of the repaired log, and after that there is nothing to tell.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `a repaired log gives what the damaged one gave, and is sound`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let settings = StoreSettings(outOfOrderWindow: .seconds(600))
        // Long enough for chunks that are kept beside it, or short.
        let segmentByteCountMax: Int64 = seed.isMultiple(of: 2) ? 3000 : 60_000
        var store = try openStore(files, settings, segmentByteCountMax: segmentByteCountMax)
        let targets = (0..<3).map { target in
            (0..<[4, 12, 70][target]).map { Labels("m", ["target": "\(target)", "n": "\($0)"]) }
        }
        for step in 0..<300 as Range<Int64> {
            let time = epoch + step * 1000
            // New series come now and then, so that declarations stand between the readings of the others.
            let target = targets[step % 3 > 0 ? 2 : .random(in: 0..<3, using: &random)]
            let isPart = Int.random(in: 0..<100, using: &random) == 0
            var rows = target.prefix(isPart ? .random(in: 3...20, using: &random) : 70).map { ($0, Double(step / 7)) }
            if Int.random(in: 0..<4, using: &random) == 0 {
                let labels = Labels("extra", ["n": "\(step)"])
                if Bool.random(using: &random) {
                    try await store.append(batch(time - 2, [(labels, 1)]))
                } else if target.count < 70 {
                    rows.append((labels, 1))
                }
            }
            try await store.append(batch(time, rows))
            if Int.random(in: 0..<10, using: &random) == 0 {
                try await store.append(batch(time - 5500, [(targets[0][1], 7), (targets[1][0], 8)]))
            }
            if Int.random(in: 0..<10, using: &random) == 0 {
                var histograms = batch(time + 1, [])
                var histogram = NativeHistogram(schema: 0)
                histogram.count = Double(step)
                histograms.rows = [.init(labels: Labels("h"), histogram: histogram)]
                try await store.append(histograms)
            }
            if step == 200 { store = try openStore(files, settings, segmentByteCountMax: segmentByteCountMax) }
        }
        let log = joined(folder, "wal")
        for name in try files.list(log) where Bool.random(using: &random) {
            let path = joined(log, name)
            let size = try files.contents(of: path).count
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let offset = Int.random(in: 0..<size, using: &random)
                // The version's byte would be another matter.
                if offset != 7 { files.flipBit(.random(in: 0..<8, using: &random), at: offset, of: path) }
            }
        }
        let damaged = try openStore(files, settings)
        let before = try await damaged.select([], from: .distantPast, through: .distantFuture)
        let told = try repairStore(folder, files: files, settings: settings)
        #expect(
            told.map(\.kind) == damaged.health.problems.filter { $0.kind != .tailCutOff }.map(\.kind), "seed \(seed)")
        let problems = try verifyStore(folder, files: files).problems
        #expect(problems.isEmpty, "seed \(seed): \(problems)")
        let again = try openStore(files, settings)
        #expect(again.health.problems == [], "seed \(seed)")
        let after = try await again.select([], from: .distantPast, through: .distantFuture)
        #expect(after.map(\.labels) == before.map(\.labels), "seed \(seed)")
        for (own, other) in zip(after, before) {
            #expect(own.times == other.times && own.histograms == other.histograms, "seed \(seed), \(own.labels)")
            #expect(own.values.map(\.bitPattern) == other.values.map(\.bitPattern), "seed \(seed), \(own.labels)")
        }
        #expect(try repairStore(folder, files: files, settings: settings) == [], "seed \(seed)")
    }

    @Test func `repair leaves a segment of another version alone, and takes no strange name for a thousand lost files`()
        async throws
    {
        let store = try openStore(files)
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        let log = joined(folder, "wal")
        var bytes = try files.contents(of: joined(log, "00000001.wal"))
        bytes[7] = UInt8(ascii: "9")
        try files.replace(joined(log, "00000001.wal"), with: bytes)
        try files.replace(joined(log, "99999999.wal"), with: LogFormat.header(number: 99_999_999, createdAt: 0))
        #expect(try verifyStore(folder, files: files).problems.map(\.kind) == [.versionUnknown])
        #expect(try repairStore(folder, files: files).map(\.kind) == [.versionUnknown])
        #expect(try files.list(log) == ["00000001.wal", "99999999.wal"])
        #expect(try files.contents(of: joined(log, "00000001.wal")) == bytes)
    }

    @Test func `a history that is imported twice takes its room once, and the second import says so`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(200 * 3600)))
        func history(_ step: Int64, _ shift: Double) throws -> BackfillOutcome {
            var backfill = Backfill(into: store)
            for number in 0..<5 {
                try backfill.add(
                    SeriesColumns(
                        labels: Labels("m", ["n": "\(number)"]), times: (0..<400).map { epoch + $0 * step },
                        values: (0..<400).map { Double($0 * number) + shift }))
            }
            return try backfill.finish()
        }
        let first = try history(600_000, 0)
        #expect(first.stored == 2000 && first.known == 0)
        let samples = try await store.samples()
        // At once, and after the blocks were joined.
        for _ in 0..<2 {
            let size = store.stats.blockByteCount
            let count = store.stats.blockCount
            let second = try history(600_000, 7)
            #expect(second.stored == 0 && second.known == 2000 && second.blocksWritten == 0)
            #expect(store.stats.blockByteCount == size && store.stats.blockCount == count)
            #expect(try await store.samples() == samples)
            try await store.maintain(at: at(epoch + 80 * hour))
        }
        // One with samples in between adds those.
        let third = try history(300_000, 7)
        #expect(third.stored == 1000 && third.known == 1000)
        #expect(try await store.samples().values.allSatisfy { $0.count == 600 })
        for _ in 0..<5 { try await store.maintain(at: at(epoch + 80 * hour)) }
        #expect(store.stats.blockSampleCount == 3000)
        #expect(try await openStore(files).samples().values.allSatisfy { $0.count == 600 })
    }

    @Test func `an imported history is joined in few rounds`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(3000 * 3600)))
        var backfill = Backfill(into: store)
        try backfill.add(
            SeriesColumns(
                labels: Labels("m"), times: (0..<1440).map { epoch + $0 * hour }, values: (0..<1440).map { Double($0) })
        )
        #expect(try backfill.finish().blocksWritten == 720)
        var rounds = 1
        while try store.maintainNow(at: at(epoch + 1500 * hour)) { rounds += 1 }
        // 60 days of 12 blocks each, and 20 windows of three days of those, and so on.
        #expect(rounds <= 4, "\(rounds)")
        #expect(store.stats.counts.blocksCompacted < 100)
        #expect(store.stats.blockCount < 30, "\(store.stats.blockCount)")
        #expect(try await store.samples()[Labels("m")]?.count == 1440)
    }

    /// A block of the future would be the newest, and nothing of the present would come after it.
    @Test func `samples of the future are refused and the present goes on`() async throws {
        let store = try openStore(files)
        var backfill = Backfill(into: store, latest: at(epoch + hour))
        try backfill.add(
            SeriesColumns(labels: Labels("a"), times: [epoch, epoch + 2 * hour, .max], values: [1, 2, 3]))
        let outcome = try backfill.finish()
        #expect(outcome.stored == 1 && outcome.ahead == 2)
        #expect(try await store.append(batch(epoch + hour, [(Labels("b"), 1)])).stored == 1)
    }

    @Test func `old samples are written as blocks and join what is there`() async throws {
        let store = try openStore(files)
        try await store.append(batch(epoch + 100 * hour, [(Labels("a"), 1)]))
        var backfill = Backfill(into: store, pendingCountMax: 100)
        let times = (0..<300).map { epoch + $0 * 600_000 as Int64 }
        for start in stride(from: 0, to: 300, by: 50) {
            try backfill.add(
                SeriesColumns(
                    labels: Labels("a"), times: Array(times[start..<start + 50]),
                    values: (start..<start + 50).map { Double($0) }))
        }
        try backfill.add(SeriesColumns(labels: Labels("a"), times: [epoch + 101 * hour], values: [5]))
        let outcome = try backfill.finish()
        #expect(outcome.stored == 300 && outcome.tooNew == 1)
        try await store.append(batch(epoch + 101 * hour, [(Labels("a"), 2)]))
        let expected = times + [epoch + 100 * hour, epoch + 101 * hour]
        #expect(try await store.samples()[Labels("a")]?.map(\.time) == expected)
        try await store.maintain(at: at(epoch + 101 * hour))
        #expect(try await openStore(files).samples()[Labels("a")]?.map(\.time) == expected)
    }

    @Test func `a snapshot is a store of its own with what is in memory`() async throws {
        let store = try await filled()
        try await store.delete([[LabelMatcher("n", equals: "3")]], from: .distantPast, through: .distantFuture)
        let before = try await store.samples()
        try await store.snapshot(to: "/data/snapshots/1")
        try await store.append(batch(epoch + 50 * hour, [(Labels("m", ["n": "1"]), 1)]))
        let copy = try TimeSeriesStore.open(folder: "/data/snapshots/1", files: files)
        #expect(try await copy.samples() == before)
        #expect(before.count == 39)
        await #expect(throws: StoreError.self) { try await store.snapshot(to: "/data/snapshots/1") }
    }

    @Test func `an export counts native histograms and stale markers apart`() async throws {
        let store = try openStore(files)
        var batch = batch(epoch, [(Labels("gone"), staleMarker), (Labels("here"), 1)])
        var histogram = NativeHistogram(schema: 3)
        histogram.count = 2
        for name in ["a", "b"] { batch.rows.append(.init(labels: Labels(name), histogram: histogram)) }
        try await store.append(batch)
        var text: [UInt8] = []
        let outcome = try store.exportOpenMetrics([], from: .distantPast, through: .distantFuture) { text += $0 }
        #expect(outcome == ExportOutcome(written: 1, histograms: 2, staleMarkers: 1))
        #expect(text.filter { $0 == 0x0A }.count == 2)
    }

    @Test func `a beginning is stored where it is newer than its series, and passed over without a word elsewhere`()
        async throws
    {
        let store = try openStore(files, StoreSettings(outOfOrderWindow: .seconds(600)))
        try await store.append(batch(epoch, [(Labels("known"), 5)]))
        for (time, stored) in [(epoch - 60_000, 1), (epoch, 0), (epoch + 1000, 1), (epoch + 1000, 0)] {
            var beginnings = batch(epoch + 2000, [])
            beginnings.isOfBeginnings = true
            for name in ["known", "new"] {
                beginnings.rows.append(.init(labels: Labels(name), value: 0, timestamp: at(time)))
            }
            let outcome = try await store.append(beginnings)
            // The one is new at first, and then as old as its first zero.
            let expected = time == epoch ? 1 : time < epoch ? 1 : 2 * stored
            #expect(outcome.stored == expected && outcome.outOfOrder + outcome.duplicate == 0, "\(time): \(outcome)")
            #expect(outcome.leftOut.allSatisfy { $0.reason == .repeated } && outcome.leftOut.count == 2 - expected)
        }
        let samples = try await store.samples()
        #expect(samples[Labels("known")]?.map(\.time) == [epoch, epoch + 1000])
        #expect(samples[Labels("new")]?.map(\.time) == [epoch - 60_000, epoch, epoch + 1000])
    }

    @Test func `names that Unicode holds for the same one keep their own metadata, also over a start`() async throws {
        let names = ["caf\u{E9}", "cafe\u{301}"]
        let store = try openStore(files)
        var batch = batch(epoch, names.map { (Labels($0), 1) })
        for name in names { batch.metadata[name] = MetricMetadata(name, .counter, "\(name.unicodeScalars.count)") }
        try await store.append(batch)
        for store in [store, try openStore(files)] {
            let metadata = try await store.metadata()
            #expect(metadata.count == 2 && names.map { metadata[$0]?.help } == ["4", "5"])
        }
    }

    @Test(.enabled(if: access("/usr/bin/promtool", X_OK) == 0, "promtool is not installed"))
    func `promtool makes blocks of what is exported, and they come back the same`() async throws {
        let store = try await filled()
        try await store.append(
            batch(
                epoch + 3 * hour,
                [
                    (Labels("odd", ["x": "back\\slash\nline"]), .infinity), (Labels("nan"), .nan),
                    (Labels("gone"), staleMarker),
                ]))
        var text: [UInt8] = []
        let outcome = try store.exportOpenMetrics([], from: .distantPast, through: .distantFuture) { text += $0 }
        #expect(outcome.written == 20_002 && outcome.histograms == 0 && outcome.staleMarkers == 1)
        var template = Array("/tmp/jaga-promtool-XXXXXX".utf8CString)
        let scratch = try #require(mkdtemp(&template).map { String(cString: $0) })
        let disk = RealFiles()
        defer { try? disk.removeTree(scratch) }
        try disk.replace(scratch + "/text", with: text)
        // No shell is asked to quote anything: the folder's name is our own.
        #expect(
            system(
                "promtool tsdb create-blocks-from openmetrics \(scratch)/text \(scratch)/out >/dev/null 2>\(scratch)/errors"
            ) == 0)
        let imported = try TimeSeriesStore.open(folder: "/import/series", files: files)
        var backfill = Backfill(into: imported)
        var seriesCount = 0
        for name in try disk.list(scratch + "/out") where try disk.status(of: "\(scratch)/out/\(name)/index") != nil {
            try PrometheusBlock("\(scratch)/out/\(name)").forEachSeries { columns in
                seriesCount += 1
                try backfill.add(columns)
            }
        }
        #expect(try backfill.finish().stored == 20_002)
        #expect(seriesCount >= 42)
        let expected = try await store.samples().filter { $0.key != Labels("gone") }
        let found = try await imported.samples()
        #expect(Set(found.keys) == Set(expected.keys))
        for (labels, samples) in expected where labels != Labels("nan") {
            #expect(found[labels] == samples, "\(labels)")
        }
        // What is damaged is refused with its place.
        let block = try #require(try disk.list(scratch + "/out").first)
        var index = try disk.contents(of: "\(scratch)/out/\(block)/index")
        index[200] ^= 4
        try disk.replace("\(scratch)/out/\(block)/index", with: index)
        #expect(throws: StoreError.self) { try PrometheusBlock("\(scratch)/out/\(block)").forEachSeries { _ in } }
    }
}
