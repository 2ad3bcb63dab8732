import DurableFiles
import Glibc
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: whatever system call fails while a snapshot is made, old samples are taken in or a damaged block or log is repaired, the store keeps all
/// it had, nothing half done looks whole, and doing it again succeeds. Method: the first call fails, then the second, and so on until
/// the work is through; once and for good, with the process ending there and with the power failing there.
@Suite struct StoreToolFaultTests {
    struct Case: CustomTestStringConvertible {
        var number: Int32
        var lasts: Bool
        var powerCut: MemoryFiles.Loss?

        var testDescription: String {
            "\(number) \(lasts ? "for good" : "once"), \(powerCut.map { "power cut: \($0)" } ?? "process ends")"
        }
    }

    static let cases: [Case] =
        [false, true].flatMap { lasts in
            ([nil] + MemoryFiles.Loss.allCases.map { $0 }).map { Case(number: EIO, lasts: lasts, powerCut: $0) }
        } + [Case(number: ENOSPC, lasts: true, powerCut: nil)]

    static let settings = StoreSettings(retention: .seconds(20 * 3600), blockSpan: .seconds(3600))
    static let snapshot = "/data/series/snapshots/one"

    /// Five hours of three series in blocks and memory, and something deleted.
    private func fill(_ store: TimeSeriesStore) async throws {
        for step in 0..<15 as Range<Int64> {
            let rows = (0..<3).map { (Labels("m", ["n": "\($0)"]), Double(step) + Double($0) / 8) }
            try await store.append(batch(epoch + step * 1_200_000, rows))
        }
        try await store.maintain(at: at(epoch + 5 * hour))
        try await store.delete([[LabelMatcher("n", equals: "1")]], from: at(epoch), through: at(epoch + hour))
        try await store.sync()
    }

    /// Fails call after call of `work`, ends the process or the power there, and looks at the store that is opened then.
    /// - Parameter check: with the store as it was before, a new one on the disk, and whether `work` said that it was done.
    private func disturb(
        _ test: Case, preparing prepare: (MemoryFiles) throws -> Void = { _ in },
        work: (FaultyFiles, TimeSeriesStore?) async throws -> Void,
        check: (MemoryFiles, [Labels: [StoreModel.Sample]], Bool, Comment) async throws -> Void, opensStore: Bool = true
    ) async throws {
        var call = 0
        while true {
            call += 1
            let disk = MemoryFiles()
            let files = FaultyFiles(disk)
            var store: TimeSeriesStore? = try openStore(files, Self.settings)
            try await fill(store!)
            let before = try await store!.samples()
            if !opensStore { store = nil }
            try prepare(disk)
            files.arm(.init(.error(test.number), call: call, lasts: test.lasts, operations: FaultyFiles.changes))
            var isDone = false
            do {
                try await work(files, store)
                isDone = true
            } catch is StoreError {}
            let disturbed = files.failedCount > 0
            files.arm(nil)
            if let store { _ = try await store.samples() }
            if let loss = test.powerCut { disk.powerCut(loss) } else { disk.endProcess() }
            try await check(disk, before, isDone, "call \(call)")
            guard disturbed else {
                #expect(isDone)
                break
            }
            try #require(call < 300)
        }
        #expect(call > 10)
    }

    @Test(arguments: cases) func `a repair of the log keeps all that could be read before it`(test: Case) async throws {
        // Some of the log is in the newest segment alone: what a batch after a restart wrote.
        func newest(_ disk: MemoryFiles) throws -> String {
            "/data/series/wal/\(try disk.list("/data/series/wal").last!)"
        }
        var readable: [Labels: [StoreModel.Sample]] = [:]
        try await disturb(
            test,
            preparing: { disk in
                let segment = try newest(disk)
                let bytes = try disk.contents(of: segment)
                // The header, and a byte of a record in the middle.
                disk.flipBit(1, at: 10, of: segment)
                disk.flipBit(1, at: bytes.count / 2, of: segment)
                try disk.sync(segment)
                // One more, so that the damaged one is not the last.
                let number = LogFormat.segmentNumber(of: try disk.list("/data/series/wal").last!)! + 2
                try disk.replace(
                    "/data/series/wal/\(LogFormat.segmentName(number))",
                    with: LogFormat.header(number: number, createdAt: 0))
            },
            work: { files, _ in
                _ = try repairStore("/data/series", files: files, settings: Self.settings)
            },
            check: { disk, before, isDone, place in
                let found = try verifyStore("/data/series", files: disk)
                #expect(found.isIntact || !isDone, "\(place): \(found.problems)")
                let after = try await openStore(disk, Self.settings).samples()
                #expect(after.allSatisfy { labels, samples in samples.allSatisfy(before[labels]!.contains) }, place)
                if readable.isEmpty { readable = after }
                #expect(after == readable, place)
                _ = try repairStore("/data/series", files: disk, settings: Self.settings)
                #expect(try verifyStore("/data/series", files: disk).isIntact, place)
                #expect(try await openStore(disk, Self.settings).samples() == readable, place)
            }, opensStore: false)
    }

    @Test(arguments: cases) func `a snapshot is whole or not there`(test: Case) async throws {
        try await disturb(test) { _, store in
            try await store!.snapshot(to: Self.snapshot)
        } check: { disk, before, isDone, place in
            if try disk.status(of: Self.snapshot) != nil {
                let copy = try TimeSeriesStore.open(folder: Self.snapshot, files: disk)
                #expect(copy.health.problems.isEmpty, place)
                #expect(try await copy.samples() == before, place)
            } else {
                #expect(!isDone, place)
            }
            let store = try openStore(disk, Self.settings)
            #expect(try await store.samples() == before, place)
            let left = (try? disk.list("/data/series/snapshots")) ?? []
            #expect(left.allSatisfy { $0 == "one" }, "\(place): \(left)")
            try await store.snapshot(to: "/data/series/snapshots/two")
            #expect(
                try await TimeSeriesStore.open(folder: "/data/series/snapshots/two", files: disk).samples() == before)
        }
    }

    @Test(arguments: cases) func `old samples that are taken in are never half a series' worth of anything stored`(
        test: Case
    ) async throws {
        let times = (1...40).map { epoch - $0 * 300_000 as Int64 }.sorted()
        func take(_ store: TimeSeriesStore) throws -> BackfillOutcome {
            var backfill = Backfill(into: store, pendingCountMax: 25)
            for name in ["m", "old"] {
                try backfill.add(
                    SeriesColumns(labels: Labels(name, ["n": "0"]), times: times, values: times.map { Double($0) }))
            }
            return try backfill.finish()
        }
        try await disturb(test) { _, store in
            _ = try take(store!)
        } check: { disk, before, isDone, place in
            let store = try openStore(disk, Self.settings)
            #expect(store.health.problems.isEmpty, place)
            func look(_ store: TimeSeriesStore, isWhole: Bool) async throws {
                let found = try await store.samples()
                for (labels, samples) in before {
                    let there = found[labels] ?? []
                    #expect(samples.allSatisfy(there.contains), "\(place): \(labels)")
                    let more = there.filter { !samples.contains($0) }.map(\.time)
                    #expect(Set(more).isSubset(of: times), "\(place): \(labels)")
                }
                let old = found[Labels("old", ["n": "0"])]?.map(\.time) ?? []
                #expect(Set(old).isSubset(of: times) && old.count == Set(old).count, place)
                if isWhole { #expect(old == times, place) }
            }
            try await look(store, isWhole: isDone && test.powerCut == nil)
            // Giving the same again finishes it, and doubles nothing.
            _ = try take(store)
            try await look(store, isWhole: true)
            try await look(try openStore(disk, Self.settings), isWhole: true)
        }
    }

    @Test(arguments: cases) func `a repair that fails has lost nothing that could be read`(test: Case) async throws {
        try await disturb(
            test,
            preparing: { disk in
                let name = try #require(try disk.list("/data/series/blocks").first)
                let path = "/data/series/blocks/\(name)"
                // In the first frame: one series or more cannot be read any more.
                disk.flipBit(3, at: 40, of: path)
            },
            work: { files, _ in
                _ = try repairStore("/data/series", files: files, settings: Self.settings)
            },
            check: { disk, before, isDone, place in
                let last = Set(before[Labels("m", ["n": "0"])]!.map(\.time)).filter { $0 >= epoch + hour }
                _ = try repairStore("/data/series", files: disk, settings: Self.settings)
                #expect(try verifyStore("/data/series", files: disk).isIntact, place)
                let after = try await openStore(disk, Self.settings).samples()
                for (labels, samples) in after {
                    #expect(samples.allSatisfy(before[labels]!.contains), "\(place): \(labels)")
                }
                // What the damage did not hit is all there.
                let there = Set((after[Labels("m", ["n": "0"])] ?? []).map(\.time))
                #expect(there.isSuperset(of: last), place)
                #expect(!(try disk.list("/data/series/damaged")).isEmpty, place)
            }, opensStore: false)
    }
}
