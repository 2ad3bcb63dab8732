import DurableFiles
import Glibc
import Series
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
        #expect(damaged.problems.map(\.kind) == [.blockDamaged, .logDamaged])
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

    @Test func `promtool makes blocks of what is exported, and they come back the same`() async throws {
        guard access("/usr/bin/promtool", X_OK) == 0 else { return }
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
        #expect(outcome.written == 20_002 && outcome.leftOut == 1)
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
