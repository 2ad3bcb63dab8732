import Diagnostics
import DurableFiles
import FoundationEssentials
import Glibc
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: the store answers what plain arrays answer, through restarts, blocks and retention. Method: single cases for each
/// promise on a disk in memory; random operations against the model stand in `StoreModelTests`.
@Suite struct TimeSeriesStoreTests {
    let files = MemoryFiles()

    @Test func `samples come back sorted by labels, with stale markers and odd numbers to the bit`() async throws {
        let store = try openStore(files)
        let oddNaN = Double(bitPattern: 0x7ff8_dead_beef_0001)
        try await store.append(
            batch(epoch, [(Labels("b"), 1), (Labels("a", ["x": "2"]), -0.0), (Labels("a"), .infinity)]))
        try await store.append(batch(epoch + 1, [(Labels("b"), staleMarker), (Labels("a"), oddNaN)]))
        let columns = try await store.select([], from: .distantPast, through: .distantFuture)
        #expect(columns.map(\.labels) == [Labels("a"), Labels("a", ["x": "2"]), Labels("b")])
        #expect(columns[0].values.map(\.bitPattern) == [Double.infinity.bitPattern, oddNaN.bitPattern])
        #expect(columns[1].values[0].sign == .minus)
        #expect(columns[2].values[1].isStaleMarker)
        #expect(columns[2].times == [epoch, epoch + 1])
    }

    @Test func `both ends of the range are included`() async throws {
        let store = try openStore(files)
        for offset in 0..<300 { try await store.append(batch(epoch + Int64(offset), [(Labels("a"), Double(offset))])) }
        let columns = try await store.select([], from: at(epoch + 100), through: at(epoch + 250))
        #expect(columns[0].times == (100...250).map { epoch + $0 })
        #expect(try await store.select([], from: at(epoch + 300), through: at(epoch + 400)).isEmpty)
    }

    @Test func `what is refused is counted by reason, and the same sample twice is no error`() async throws {
        let store = try openStore(files)
        let a = Labels("a")
        #expect(try await store.append(batch(epoch, [(a, 1)])) == AppendOutcome(stored: 1))
        #expect(try await store.append(batch(epoch, [(a, 1)])) == AppendOutcome())
        #expect(try await store.append(batch(epoch, [(a, 2)])) == AppendOutcome(duplicate: 1))
        #expect(try await store.append(batch(epoch - 1, [(a, 1)])) == AppendOutcome(outOfOrder: 1))
        var ahead = batch(epoch, [])
        ahead.rows = [.init(labels: a, value: 1, timestamp: at(epoch + 600_001))]
        #expect(try await store.append(ahead) == AppendOutcome(outOfOrder: 1))
        ahead.rows = [.init(labels: a, value: 1, timestamp: at(epoch + 600_000))]
        #expect(try await store.append(ahead) == AppendOutcome(stored: 1))
        #expect(store.stats.counts.samplesOutOfOrder == 2 && store.stats.counts.samplesDuplicate == 1)
    }

    @Test func `a clock that was set back is refused until it has passed the newest sample`() async throws {
        let store = try openStore(files)
        let a = Labels("a")
        try await store.append(batch(epoch + hour, [(a, 1)]))
        #expect(try await store.append(batch(epoch, [(a, 2)])).outOfOrder == 1)
        #expect(try await store.append(batch(epoch + hour + 1, [(a, 3)])).stored == 1)
        #expect(try await store.samples()[a]?.count == 2)
    }

    @Test func `names, values and metadata are known in the head and in blocks`() async throws {
        let store = try openStore(files)
        var first = batch(epoch, [(Labels("up", ["job": "shop", "zone": "a"]), 1)])
        first.metadata["up"] = MetricMetadata("up", .gauge, "whether it answers")
        try await store.append(first)
        try await store.append(batch(epoch + 4 * hour, [(Labels("down", ["job": "web"]), 1)]))
        try await store.maintain(at: at(epoch + 3 * hour))
        #expect(store.stats.blockCount == 1)
        for store in [store, try openStore(files)] {
            #expect(
                try await store.labelNames([], from: .distantPast, through: .distantFuture)
                    == ["__name__", "job", "zone"])
            #expect(
                try await store.labelValues("job", [], from: .distantPast, through: .distantFuture) == ["shop", "web"])
            #expect(
                try await store.labelValues("job", [], from: at(epoch + 4 * hour), through: .distantFuture) == ["web"])
            #expect(
                try await store.labelValues(
                    "job", [LabelMatcher("zone", equals: "a")], from: .distantPast, through: .distantFuture)
                    == ["shop"])
            #expect(try await store.metadata()["up"] == MetricMetadata("up", .gauge, "whether it answers"))
        }
    }

    @Test func `a span moves to a block, the log shrinks, and the answer stays the same`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(20 * 3600)))
        for step in 0..<1000 as Range<Int64> {
            try await store.append(
                batch(epoch + step * 15_000, [(Labels("a"), Double(step)), (Labels("b"), Double(step % 7))]))
        }
        let before = try await store.samples()
        let logBytes = store.stats.logByteCount
        try await store.maintain(at: at(epoch + 1000 * 15_000))
        #expect(store.stats.blockCount == 1)
        #expect(try await store.samples() == before)
        #expect(store.stats.headSampleCount == 2 * (1000 - 480))
        try await store.append(batch(epoch + 5 * hour, [(Labels("a"), 1)]))
        try await store.maintain(at: at(epoch + 9 * hour))
        #expect(store.stats.blockCount == 3)
        #expect(store.stats.logByteCount < logBytes)
        #expect(store.stats.headSampleCount == 0)
        #expect(try await openStore(files).samples().mapValues(\.count) == [Labels("a"): 1001, Labels("b"): 1000])
        #expect(store.stats.blockByteCount < 2001 * 8)
    }

    @Test func `retention removes whole blocks, and a clock far ahead removes nothing`() async throws {
        let store = try openStore(files, StoreSettings(retention: .seconds(24 * 3600)))
        for step in 0..<30 as Range<Int64> {
            try await store.append(batch(epoch + step * hour, [(Labels("a"), Double(step))]))
        }
        try await store.maintain(at: at(epoch + 10_000 * hour))
        #expect(try await store.samples()[Labels("a")]?.first?.time == epoch + 4 * hour)
        #expect(store.stats.counts.blocksRemoved == 2)
        #expect(store.stats.oldest == at(epoch + 4 * hour))
        try await store.maintain(at: at(epoch + 20_000 * hour))
        #expect(store.stats.counts.blocksRemoved == 2)
    }

    @Test func `a restart finds everything acknowledged without a sync`() async throws {
        let store = try openStore(files)
        for step in 0..<500 as Range<Int64> {
            try await store.append(batch(epoch + step, (0..<20).map { (Labels("m", ["n": "\($0)"]), Double(step)) }))
        }
        files.endProcess()
        let again = try openStore(files)
        #expect(try await again.samples() == store.samples())
        #expect(again.stats.counts.samplesReplayed == 10_000)
        #expect(again.health.problems.isEmpty)
        #expect(try await again.append(batch(epoch + 499, [(Labels("m", ["n": "3"]), 499)])) == AppendOutcome())
        #expect(try await again.append(batch(epoch + 500, [(Labels("m", ["n": "3"]), 1)])).stored == 1)
    }

    @Test func `a full disk stops storing, keeps answering, and storing goes on when there is room`() async throws {
        let store = try openStore(files)
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        files.setCapacity(bytes: store.stats.logByteCount + 20)
        let error = await #expect(throws: StoreError.self) {
            try await store.append(batch(epoch + 1, [(Labels("a"), 2), (Labels("new"), 2)]))
        }
        #expect(error?.code == .ingestionStopped)
        #expect(error?.oneLine.contains("No space left on device") == true)
        #expect(!store.health.isWritable && store.health.isDiskFull)
        #expect(try await store.samples()[Labels("a")]?.count == 1)
        // The rule that tells of it sees it, although the log could not take it.
        let word = try await store.select(
            [LabelMatcher("__name__", equals: "jaga_series_writable")], from: at(epoch), through: at(epoch + 1))
        #expect(word.map(\.values) == [[0]])
        files.setCapacity(bytes: .max)
        #expect(try await store.append(batch(epoch + 1, [(Labels("a"), 2), (Labels("new"), 2)])).stored == 2)
        #expect(store.health.isWritable && store.health.writeFault == nil)
        let reopened = try openStore(files)
        #expect(try await reopened.samples() == store.samples())
        #expect(reopened.health.problems.isEmpty)
    }

    @Test func `a start on a full disk answers, says that it takes nothing, and takes samples when there is room`()
        async throws
    {
        let before = try openStore(files)
        try await before.append(batch(epoch, [(Labels("a"), 1)]))
        files.endProcess()
        // Some room, but not as much as is asked for: the reserve of the ledger may have given it.
        files.setCapacity(bytes: before.stats.logByteCount + 4 << 20)
        let store = try openStore(files)
        #expect(!store.health.isWritable && store.health.isDiskFull)
        #expect(store.health.writeFault?.contains("No space left on device") == true)
        #expect(store.health.problems == [])
        #expect(try await store.samples()[Labels("a")]?.count == 1)
        await #expect(throws: StoreError.self) { try await store.append(batch(epoch + 1, [(Labels("a"), 2)])) }
        let word = try await store.select(
            [LabelMatcher("__name__", equals: "jaga_series_writable")], from: at(epoch), through: at(epoch + 1))
        #expect(word.map(\.values) == [[0]])
        files.setCapacity(bytes: .max)
        #expect(try await store.append(batch(epoch + 1, [(Labels("a"), 2)])).stored == 1)
        #expect(store.health.isWritable && !store.health.isDiskFull)
    }

    @Test func `numbers of segments have no gap, whatever fails`() async throws {
        let faulty = FaultyFiles(files)
        let store = try openStore(faulty, segmentByteCountMax: 300)
        for step in 0..<60 as Range<Int64> {
            if step % 3 == 1 {
                // Any call that makes, fills, syncs or closes a segment.
                faulty.arm(.init(.error(5), call: Int(step) % 5 + 1, operations: FaultyFiles.changes))
            }
            _ = try? await store.append(batch(epoch + step, [(Labels("a"), Double(step))]))
            faulty.arm(nil)
        }
        files.endProcess()
        let names = try files.list("/data/series/wal").compactMap { LogFormat.segmentNumber(of: $0) }
        #expect(names == Array(1...UInt64(names.count)))
        let again = try openStore(files)
        #expect(again.health.problems == [])
        #expect(try await again.samples() == store.samples())
    }

    @Test func `the store says of itself how it is`() async throws {
        let store = try TimeSeriesStore.open(
            folder: "/data/series", files: files, selfLabels: Labels([("host", "web-1")]))
        try await store.append(batch(epoch, [(Labels("a"), 1), (Labels("b"), 1)]))
        try await store.append(batch(epoch, [(Labels("a"), 2)]))
        var report = SampleBatch(at: at(epoch))
        store.report(into: &report)
        func value(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
            let wanted = Labels(name, labels).merging(Labels([("host", "web-1")]))
            return report.rows.first { $0.labels == wanted }?.value
        }
        #expect(value("jaga_series_writable") == 1)
        #expect(value("jaga_series_in_memory") == 2)
        #expect(value("jaga_series_samples_stored_total") == 2)
        #expect(value("jaga_series_samples_refused_total", ["reason": "duplicate"]) == 1)
        #expect(value("jaga_series_newest_timestamp_seconds") == Double(epoch) / 1000)
        #expect(report.rows.allSatisfy { report.metadata[$0.labels.name] != nil })
    }

    @Test func `the real disk keeps what the one in memory keeps`() async throws {
        let disk = RealFiles()
        var template = Array("\(FileManager.default.temporaryDirectory.path)/jaga series XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { try? disk.removeTree(folder) }
        let lock = try disk.lockDataFolder(folder, holder: getpid())
        let store = try TimeSeriesStore.open(folder: folder + "/series")
        for step in 0..<600 as Range<Int64> {
            try await store.append(batch(epoch + step * 15_000, [(Labels("a"), Double(step)), (Labels("b"), 1)]))
        }
        try await store.sync()
        try await store.maintain(at: at(epoch + 3 * hour))
        let again = try TimeSeriesStore.open(folder: folder + "/series")
        #expect(again.stats.blockCount == 1 && again.health.problems.isEmpty)
        #expect(try await again.samples() == store.samples())
        #expect(try await again.samples()[Labels("a")]?.count == 600)
        try lock.release()
    }

    @Test func `labels that no record can hold are refused by name`() async throws {
        let store = try openStore(files)
        let error = await #expect(throws: StoreError.self) {
            try await store.append(batch(epoch, [(Labels("a", ["x": String(repeating: "y", count: 70_000)]), 1)]))
        }
        #expect(error?.summary == "the labels of a are too long to be stored")
    }

    @Test func `a batch of many samples takes several records and comes back whole`() async throws {
        let store = try openStore(files)
        try await store.append(batch(epoch, (0..<10_000).map { (Labels("m", ["n": "\($0)"]), Double($0)) }))
        #expect(try await openStore(files).samples() == store.samples())
        #expect(store.stats.seriesCount == 10_000)
    }

    @Test func `a cancelled query ends with a cancellation`() async throws {
        let store = try openStore(files)
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        try await store.maintain(at: at(epoch + 5 * hour))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await store.select([], from: .distantPast, through: .distantFuture)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test(arguments: [
        ("=", "a", 1), ("!=", "a", 2), ("=", "", 1), ("!=", "", 2),
    ])
    func `matchers by equality find what they should`(op: String, value: String, expected: Int) async throws {
        let store = try openStore(files)
        try await store.append(
            batch(epoch, [(Labels("m", ["l": "a"]), 1), (Labels("m", ["l": "b"]), 1), (Labels("m"), 1)]))
        let matcher = try LabelMatcher("l", #require(.init(rawValue: op)), value)
        #expect(try await store.samples([matcher]).count == expected)
        try await store.maintain(at: at(epoch + 5 * hour))
        #expect(try await store.samples([matcher]).count == expected)
    }
}
