import DurableFiles
import Glibc
import Series
import Synchronization
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: damage that somebody meets while the store is in use is known to the store from then on, and costs nothing but the block that it is in.
/// Method: bits flipped in blocks of a disk in memory, met by queries, exports, imports and each kind of maintenance.
@Suite struct StoreDamageNoteTests {
    let files = MemoryFiles()
    let folder = "/data/series"

    private func block(_ name: String) -> String { joined(folder, "blocks/\(name)") }

    /// Blocks of two hours with 240 samples of each of two series.
    private func filled(hours: Int64, _ settings: StoreSettings) async throws -> TimeSeriesStore {
        let store = try openStore(files, settings)
        for step in 0..<(hours * 120) {
            try await store.append(
                batch(epoch + step * 30_000, [(Labels("load"), Double(step)), (Labels("up"), 1)]))
        }
        return store
    }

    private func blocks() throws -> [String] { try files.list(joined(folder, "blocks")) }

    private func reported(_ store: TimeSeriesStore) -> Double? {
        var batch = SampleBatch(at: at(0))
        store.report(into: &batch)
        return batch.rows.first { $0.labels.name == "jaga_series_problems" }?.value
    }

    @Test func `a query that meets damage makes it known, each place once`() async throws {
        let store = try await filled(hours: 8, StoreSettings(retention: .seconds(20 * 3600)))
        try await store.maintain(at: at(epoch + 9 * hour))
        let names = try blocks()
        #expect(names.count == 4 && reported(store) == 0)
        files.flipBit(3, at: 20, of: block(names[1]))
        for _ in 0..<3 { await #expect(throws: StoreError.self) { try await store.samples() } }
        #expect(store.health.problems.map(\.kind) == [.blockDamaged])
        #expect(store.health.problems[0].file == block(names[1]) && store.health.problems[0].byteOffset == 16)
        #expect(store.health.problems[0].isDamage && reported(store) == 1)
        // The index is another place, which names and values of labels meet as well.
        let size = try files.contents(of: block(names[2])).count
        files.flipBit(3, at: size - 120, of: block(names[2]))
        store.state.withLock { $0.indexes = IndexCache() }
        await #expect(throws: StoreError.self) {
            try await store.labelNames([], from: .distantPast, through: .distantFuture)
        }
        await #expect(throws: StoreError.self) {
            try await store.series([[]], from: .distantPast, through: .distantFuture)
        }
        #expect(store.health.problems.map(\.file) == [block(names[1]), block(names[2])])
        #expect(reported(store) == 2)
        // An answer that needs neither goes on, and what is noted is not what the process holds dear: a restart looks anew.
        #expect(try await store.samples([], epoch...epoch + hour).count == 2)
        #expect(try repairStore(folder, files: files).count == 2)
        let again = try openStore(files)
        #expect(
            again.health.problems.map(\.kind) == [.blockSetAside] && reported(again) == 1,
            "what cannot be saved stays told")
        #expect(try await again.samples()[Labels("up")]?.count == 480)
    }

    @Test func `a block that is gone or that the disk does not give is known, and too many open files are no damage`()
        async throws
    {
        _ = try await filled(hours: 6, StoreSettings(retention: .seconds(20 * 3600))).maintain(at: at(epoch + 7 * hour))
        let names = try blocks()
        let faulty = FaultyFiles(files)
        let store = try openStore(faulty, StoreSettings(retention: .seconds(20 * 3600)))
        faulty.arm(.init(.error(EMFILE), call: 1, operations: [.open]))
        await #expect(throws: StoreError.self) { try await store.samples() }
        #expect(store.health.problems == [])
        faulty.arm(.init(.error(EIO), call: 1, operations: [.read]))
        await #expect(throws: StoreError.self) { try await store.samples() }
        #expect(store.health.problems.map(\.kind) == [.blockUnreadable])
        faulty.arm(nil)
        try files.remove(block(names[2]))
        await #expect(throws: StoreError.self) { try await store.samples() }
        #expect(store.health.problems.map(\.kind) == [.blockUnreadable, .blockMissing])
        #expect(store.health.problems.map(\.file) == [block(names[0]), block(names[2])])
        #expect(store.health.problems.map(\.description).allSatisfy { $0.contains("/blocks/") })
    }

    /// Those are in a file of their own once there are many; the log has them all.
    @Test func `the newest hours that the disk does not give back are known, until a start reads them anew`()
        async throws
    {
        let faulty = FaultyFiles(files)
        let store = try openStore(faulty)
        var random = SeededGenerator(seed: 1)
        for step in 0..<480 as Range<Int64> {
            let rows = (0..<60).map { (Labels("load", ["n": "\($0)"]), Double.random(in: 0...1, using: &random)) }
            try await store.append(batch(epoch + step * 10_000, rows))
        }
        let before = try await store.samples()
        faulty.arm(.init(.error(EIO), call: 1, lasts: true, operations: [.read]))
        await #expect(throws: StoreError.self) { try await store.samples() }
        await #expect(throws: StoreError.self) { try await store.maintain(at: at(epoch + 9 * hour)) }
        #expect(store.health.problems.map(\.kind) == [.headPageDamaged])
        #expect(store.health.problems[0].isDamage && reported(store) == 1)
        faulty.arm(nil)
        let again = try openStore(files)
        #expect(again.health.problems == [])
        #expect(try await again.samples() == before)
    }

    @Test func `an import that meets damage fails and makes it known`() async throws {
        let store = try await filled(hours: 2, StoreSettings())
        try await store.maintain(at: at(epoch + 9 * hour))
        files.flipBit(3, at: 20, of: block(try blocks()[0]))
        #expect(throws: StoreError.self) {
            var backfill = Backfill(into: store)
            try backfill.add(SeriesColumns(labels: Labels("load"), times: [epoch + 1], values: [1]))
            _ = try backfill.finish()
        }
        #expect(store.health.problems.map(\.kind) == [.blockDamaged])
    }

    @Test func `an export gives the rest and makes the damage known`() async throws {
        let store = try await filled(hours: 8, StoreSettings(retention: .seconds(20 * 3600)))
        try await store.maintain(at: at(epoch + 9 * hour))
        files.flipBit(3, at: 20, of: block(try blocks()[1]))
        var text = ""
        let outcome = try store.exportOpenMetrics([], from: .distantPast, through: .distantFuture) {
            text += String(decoding: $0, as: UTF8.self)
        }
        // Both series of three spans; of the damaged one nothing, since all of it is in one frame.
        #expect(outcome.written == 3 * 2 * 240 && text.hasSuffix("# EOF\n"))
        #expect(store.health.problems.map(\.file) == [block(try blocks()[1])])
    }

    @Test func `joining leaves a damaged block out, names it, and goes on with the others`() async throws {
        let store = try await filled(hours: 24, StoreSettings(retention: .seconds(1000 * 3600)))
        let before = try await store.samples()
        // All spans in blocks, none joined yet.
        for start in stride(from: epoch, to: epoch + 24 * hour, by: Int(2 * hour)) { try store.writeBlock(from: start) }
        let bad = block(try blocks()[4])
        files.flipBit(3, at: 20, of: bad)
        for _ in 0..<3 { try await store.maintain(at: at(epoch + 30 * hour)) }
        #expect(store.health.problems.map(\.kind) == [.blockDamaged] && store.health.problems[0].file == bad)
        #expect(store.health.maintenanceFault == nil)
        let left = try blocks()
        #expect(try left.count < 7 && files.status(of: bad) != nil, "\(left)")
        #expect(try blocks().filter { $0.hasSuffix(".new") } == [])
        // What the others hold is there, through a restart and after the repair.
        let readable = before.mapValues { $0.filter { !(epoch + 8 * hour..<epoch + 10 * hour).contains($0.time) } }
        for (labels, samples) in readable {
            let found = try await store.samples(
                [LabelMatcher(Labels.metricName, equals: labels.name)], epoch...epoch + 8 * hour - 1)
            #expect(found[labels] == samples.filter { $0.time < epoch + 8 * hour })
        }
        _ = try repairStore(folder, files: files)
        #expect(try await openStore(files).samples() == readable)
    }

    @Test func `coarser steps leave a damaged block out, and it goes at the age at which nothing is kept`() async throws
    {
        let settings = StoreSettings(
            retention: .seconds(20 * 3600),
            keep: [
                KeepRule(
                    matchers: try selector("load"), raw: .seconds(10 * 3600),
                    tiers: [.init(step: .seconds(3600), age: .seconds(40 * 3600))])
            ])
        let store = try await filled(hours: 24, settings)
        for start in stride(from: epoch, to: epoch + 24 * hour, by: Int(2 * hour)) { try store.writeBlock(from: start) }
        let bad = block(try blocks()[1])
        files.flipBit(3, at: 20, of: bad)
        for _ in 0..<2 { try await store.maintain(at: at(epoch + 24 * hour)) }
        #expect(store.health.problems.map(\.file) == [bad] && store.health.maintenanceFault == nil)
        #expect(try files.status(of: bad) != nil)
        // The six blocks older than ten hours but one.
        #expect(store.stats.counts.blocksDownsampled == 5)
        try await store.append(batch(epoch + 43 * hour, [(Labels("load"), 1)]))
        try await store.maintain(at: at(epoch + 43 * hour))
        #expect(try files.status(of: bad) != nil && reported(store) == 1)
        try await store.append(batch(epoch + 44 * hour, [(Labels("load"), 1)]))
        try await store.maintain(at: at(epoch + 44 * hour))
        #expect(try files.status(of: bad) == nil)
        #expect(store.health.problems == [] && reported(store) == 0)
    }

    @Test func `what is deleted cannot come back by way of a damaged block`() async throws {
        let store = try await filled(hours: 4, StoreSettings(retention: .seconds(20 * 3600)))
        for start in [epoch, epoch + 2 * hour] { try store.writeBlock(from: start) }
        try await store.delete(
            [[LabelMatcher(Labels.metricName, equals: "up")]], from: .distantPast, through: .distantFuture)
        files.flipBit(3, at: 20, of: block(try blocks()[0]))
        await #expect(throws: StoreError.self) { try await store.cleanTombstones() }
        #expect(store.health.problems.map(\.kind) == [.blockDamaged])
        _ = try repairStore(folder, files: files)
        let again = try openStore(files)
        try await again.cleanTombstones()
        #expect(try await again.samples()[Labels("up")] == nil)
        #expect(try await again.samples()[Labels("load")]?.count ?? 0 >= 240)
    }

    @Test func `a disk that dies fills no list`() async throws {
        let store = try await filled(hours: 2, StoreSettings())
        try store.writeBlock(from: epoch)
        let path = block(try blocks()[0])
        for place in 0..<1000 as Range<Int64> {
            let problem = StoreProblem(kind: .blockDamaged, file: path, byteOffset: place, count: 0)
            #expect(store.state.withLock { $0.note(problem) })
        }
        #expect(store.health.problems.count == TimeSeriesStore.State.placesPerBlockMax)
        let other = StoreProblem(kind: .blockDamaged, file: block("other"), byteOffset: 0, count: 0)
        #expect(!store.state.withLock { $0.note(other) })
    }
}
