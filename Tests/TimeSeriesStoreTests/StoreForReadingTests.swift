import DurableFiles
import Glibc
import Series
import Synchronization
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: who opens a store to read it finds what a start would find, and leaves the disk as it was, so that damage is still there for who looks for it.
/// Method: a disk in memory with one of everything that a start puts right, looked at file by file before and after.
@Suite struct StoreForReadingTests {
    let files = MemoryFiles()
    let folder = "/data/series"

    /// Every file with its bytes, every folder with its names.
    private func all(_ path: String = "/data") throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try files.list(path) {
            let place = joined(path, name)
            if try files.status(of: place)?.kind == .folder {
                found[place] = []
                found.merge(try all(place)) { $1 }
            } else {
                found[place] = try files.contents(of: place)
            }
        }
        return found
    }

    /// Three blocks, and the newest hours in many short segments.
    private func fill() async throws -> TimeSeriesStore {
        let store = try openStore(files, StoreSettings(retention: .seconds(20 * 3600)), segmentByteCountMax: 2000)
        for step in 0..<2000 as Range<Int64> {
            // Blocks of few samples, then a log of many.
            let time = step < 800 ? epoch + step * 30_000 : epoch + 6 * hour + 40 * 60_000 + (step - 800) * 1000
            try await store.append(
                batch(time, (0..<3).map { (Labels("m", ["n": "\($0)"]), Double(step * $0)) }))
            if step == 810 { try await store.maintain(at: at(epoch + 7 * hour)) }
        }
        try await store.sync()
        return store
    }

    private func damageIndex(of block: String) throws {
        files.flipBit(3, at: try files.contents(of: block).count - 120, of: block)
    }

    @Test func `each start, and each reader, tells of a block that was set aside before`() async throws {
        _ = try await fill()
        let name = try #require(try files.list(joined(folder, "blocks")).first)
        let block = try #require(BlockFormat.Name(name))
        try damageIndex(of: joined(folder, "blocks/\(name)"))
        #expect(try openStore(files).health.problems.filter(\.isDamage).map(\.kind) == [.blockDamaged])
        let place = joined(folder, "damaged/\(name)")
        for store in [
            try openStore(files), try openStore(files),
            try TimeSeriesStore.openForReading(folder: folder, files: files),
        ] {
            let told = store.health.problems.filter(\.isDamage)
            #expect(told.map(\.kind) == [.blockSetAside] && told.map(\.file) == [place])
            #expect(store.lostBlocks.map(\.span) == [at(block.start)..<at(block.end)])
        }
        let repaired = try repairStore(folder, files: files)
        #expect(repaired.filter(\.isDamage).map(\.file) == [place], "once, \(repaired)")
        // What retention has passed is not missing, but a reader does not know it.
        let young = StoreSettings(retention: .seconds(3600))
        #expect(try openStore(files, young).health.problems.filter(\.isDamage).isEmpty)
        // Without blocks the first read of a start is of the one set aside. That the disk does not give it is no reason not to start.
        let faulty = FaultyFiles(files)
        for blockFile in try files.list(joined(folder, "blocks")) {
            try files.remove(joined(folder, "blocks/\(blockFile)"))
        }
        faulty.arm(.init(.error(EIO), call: 1, operations: [.read]))
        #expect(try openStore(faulty).health.problems.filter { $0.kind == .blockSetAside }.map(\.file) == [place])
        try files.remove(place)
        #expect(try openStore(files).health.problems.filter(\.isDamage).isEmpty)
    }

    @Test func `nothing on the disk is changed, and the answer is that of a start`() async throws {
        _ = try await fill()
        let blocks = try files.list(joined(folder, "blocks"))
        let segments = try files.list(joined(folder, "wal"))
        try #require(blocks.count == 3 && segments.count > 5)
        let bad = joined(folder, "blocks/\(blocks[1])")
        try damageIndex(of: bad)
        try files.replace(joined(folder, "blocks/\(blocks[0]).new"), with: [1, 2, 3])
        try files.createFolders(joined(folder, "snapshots/one.unfinished/blocks"))
        try files.createFolders(joined(folder, "head"))
        try files.replace(joined(folder, "head/00009999.chunks"), with: [1, 2, 3])
        // A header, a record in the midst, the end of the last, and one after it that was never begun.
        let log = joined(folder, "wal")
        files.flipBit(3, at: 12, of: joined(log, segments[1]))
        files.flipBit(3, at: 1500, of: joined(log, segments[2]))
        let last = joined(log, segments.last!)
        try files.truncate(last, to: Int64(try files.contents(of: last).count - 3))
        try files.replace(joined(folder, "tombstones"), with: [1, 2, 3])
        try files.remove(joined(folder, "damaged"))
        let before = try all()
        let found = try verifyStore(folder, files: files).problems

        let reading = try TimeSeriesStore.openForReading(folder: folder, files: files)
        let samples = try await reading.samples()
        _ = try reading.exportOpenMetrics([], from: .distantPast, through: .distantFuture) { _ in }
        #expect(try all() == before)
        let problems = reading.health.problems
        #expect(problems.first { $0.kind == .blockDamaged }?.file == bad)
        #expect(problems.allSatisfy { $0.setAsideAs == nil } && reading.health.maintenanceFault == nil, "\(problems)")
        #expect(reading.lostBlocks.map(\.file) == [bad] && reading.stats.blockCount == 2)
        // Who looks for it finds it as before.
        #expect(try verifyStore(folder, files: files).problems == found)
        try files.replace(joined(log, "00009999.wal"), with: [1])
        #expect(try await TimeSeriesStore.openForReading(folder: folder, files: files).samples() == samples)
        try files.remove(joined(log, "00009999.wal"))

        let started = try openStore(files)
        #expect(try await started.samples() == samples)
        #expect(started.health.problems.map(\.kind) == problems.map(\.kind))
        #expect(started.health.problems.first { $0.kind == .blockDamaged }?.setAsideAs != nil)
    }

    @Test func `it takes no samples, and a snapshot of it may be made`() async throws {
        let before = try await fill().samples()
        let there = try all()
        let reading = try TimeSeriesStore.openForReading(folder: folder, files: files)
        await #expect(throws: StoreError.self) {
            try await reading.append(batch(epoch + 50 * hour, [(Labels("m", ["n": "1"]), 1)]))
        }
        #expect(try all() == there)
        try await reading.snapshot(to: "/data/copy")
        #expect(try await TimeSeriesStore.openForReading(folder: "/data/copy", files: files).samples() == before)
        #expect(try all(folder) == there.filter { $0.key.hasPrefix(folder + "/") })
    }

    @Test func `a folder without samples is read as an empty one`() async throws {
        try files.createFolders(folder)
        let reading = try TimeSeriesStore.openForReading(folder: folder, files: files)
        #expect(try await reading.samples().isEmpty && reading.health.problems == [])
        #expect(try files.list(folder) == [])
    }

    // MARK: Blocks that were set aside

    @Test func `a block that a start has set aside is named by verify and by repair until it is put back or given up`()
        async throws
    {
        let before = try await fill().samples()
        let name = try files.list(joined(folder, "blocks"))[1]
        let block = joined(folder, "blocks/\(name)")
        let whole = try files.contents(of: block)
        try damageIndex(of: block)
        #expect(try openStore(files).health.problems.map(\.kind) == [.blockDamaged])
        let aside = joined(folder, "damaged/\(name)")
        for _ in 0..<2 {
            let found = try verifyStore(folder, files: files)
            #expect(found.problems.map(\.kind) == [.blockSetAside] && found.problems[0].file == aside)
            #expect(found.problems[0].count == Int64(whole.count) && found.problems[0].isDamage)
            let text = found.problems[0].description
            #expect(
                text.contains("was set aside, \(whole.count) bytes") && text.contains("'\(folder)/blocks'"), "\(text)")
            #expect(
                text.contains(at(epoch + 2 * hour).rfc3339) && text.contains(at(epoch + 4 * hour).rfc3339), "\(text)")
            // Nothing of it can be saved without its index, so that it stays.
            #expect(try repairStore(folder, files: files) == found.problems)
            #expect(try files.status(of: aside) != nil)
        }
        // The same block from a snapshot has all of it.
        try files.replace(block, with: whole)
        #expect(try verifyStore(folder, files: files).isIntact && repairStore(folder, files: files) == [])
        #expect(try await openStore(files).samples() == before)
        // Set aside once more, beside the first.
        try damageIndex(of: block)
        #expect(try openStore(files).health.problems.map(\.setAsideAs) == [aside + "-2"])
        #expect(try verifyStore(folder, files: files).problems.map(\.file) == [aside, aside + "-2"])
        for path in [aside, aside + "-2"] { try files.remove(path) }
        #expect(try verifyStore(folder, files: files).isIntact)
    }

    /// What a machine reads wrongly once is right on the disk.
    @Test func `a block that was set aside and can be read after all is put back by repair`() async throws {
        let before = try await fill().samples()
        let name = try files.list(joined(folder, "blocks"))[1]
        let block = joined(folder, "blocks/\(name)")
        try damageIndex(of: block)
        _ = try openStore(files)
        try damageIndex(of: joined(folder, "damaged/\(name)"))
        #expect(try verifyStore(folder, files: files).problems.map(\.kind) == [.blockReadable])
        #expect(try repairStore(folder, files: files).map(\.kind) == [.blockPutBack])
        #expect(try verifyStore(folder, files: files).isIntact && repairStore(folder, files: files) == [])
        #expect(try await openStore(files).samples() == before)
    }

    @Test func `what is in use otherwise is not missing: the copy of a repair, and a source of a joined block`()
        async throws
    {
        let store = try await fill()
        let names = try files.list(joined(folder, "blocks"))
        // A copy that a repair keeps can be opened; what it has is in use, or cannot be read.
        files.flipBit(2, at: 20, of: joined(folder, "blocks/\(names[0])"))
        #expect(try repairStore(folder, files: files).map(\.kind) == [.blockDamaged])
        #expect(try files.list(joined(folder, "damaged")).contains(names[0]))
        #expect(try verifyStore(folder, files: files).isIntact)

        // Two were joined; of one the file was damaged before it was removed.
        let blocks = store.state.withLock { Array($0.blocks[1...2]) }
        let source = try files.contents(of: blocks[0].path)
        _ = try store.replace(blocks, by: BlockFormat.Name(start: blocks[0].start, end: blocks[1].end))
        let aside = joined(folder, "damaged/\(blocks[0].name.text)")
        try files.replace(aside, with: source)
        try damageIndex(of: aside)
        #expect(try verifyStore(folder, files: files).isIntact && repairStore(folder, files: files) == [])
    }
}
