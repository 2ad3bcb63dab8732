import BinaryCoding
import DurableFiles
import Series
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: damage costs what it hit and no more, and is reported with file and offset. Method: segments and blocks are cut and bits
/// flipped at every place.
@Suite struct StoreDamageTests {
    let segment = "/data/series/wal/00000001.wal"

    @Test func `a log cut off anywhere gives all whole batches before the cut`() async throws {
        let (disk, ends) = try await makeLog()
        let whole = try disk.contents(of: segment)
        for length in 0...whole.count {
            let cut = MemoryFiles()
            try cut.createFolders("/data/series/wal")
            try cut.replace(segment, with: Array(whole.prefix(length)))
            let store = try openStore(cut)
            let expected = ends.lastIndex { $0 <= length }.map { $0 + 1 } ?? 0
            #expect(try await store.samples()[Labels("a")]?.count ?? 0 == expected, "cut at \(length)")
            let isClean = length == ends.last || length <= 28 || ends.contains(length)
            if !isClean, let problem = store.health.problems.first {
                // A cut between the two records of a batch leaves whole records.
                #expect(problem.kind == .tailCutOff)
                #expect(problem.byteOffset + problem.count == Int64(length))
                #expect(try cut.contents(of: #require(problem.setAsideAs)).count == Int(problem.count))
            }
            #expect(try await store.append(batch(epoch + hour, [(Labels("a"), 1)])).stored == 1)
            let again = try openStore(cut)
            #expect(again.health.problems.isEmpty, "cut at \(length)")
            #expect(try await again.samples()[Labels("a")]?.count == expected + 1)
        }
    }

    @Test func `a flipped bit anywhere in the log costs at most its own record`() async throws {
        let (disk, ends) = try await makeLog()
        let whole = try disk.contents(of: segment)
        for offset in 0..<whole.count {
            let decayed = MemoryFiles()
            try decayed.createFolders("/data/series/wal")
            try decayed.replace(segment, with: whole)
            decayed.flipBit(offset % 8, at: offset, of: segment)
            let store = try openStore(decayed)
            let problems = store.health.problems
            #expect(!problems.isEmpty, "bit at \(offset)")
            let times = try await store.samples()[Labels("a")]?.map(\.time) ?? []
            let all = (0..<Int64(ends.count)).map { epoch + $0 }
            if problems.contains(where: { $0.kind == .samplesOrphaned || $0.kind == .versionUnknown }) {
                // The declaration itself was hit: its samples cannot be given to a series.
                #expect(offset < ends[0])
            } else {
                #expect(times.count >= all.count - 1, "bit at \(offset)")
                #expect(Set(times).isSubset(of: all))
                let hit = try #require(problems.first)
                #expect(hit.byteOffset <= Int64(offset) && Int64(offset) < hit.byteOffset + hit.count)
            }
        }
    }

    @Test func `a damaged block is set aside and the others are read`() async throws {
        let (disk, names) = try await makeBlocks()
        let path = "/data/series/blocks/\(names[0])"
        let size = try disk.contents(of: path).count
        disk.flipBit(0, at: size - 30, of: path)
        let store = try openStore(disk)
        #expect(store.stats.blockCount == names.count - 1)
        #expect(store.health.problems.map(\.kind) == [.blockDamaged])
        #expect(try disk.status(of: "/data/series/damaged/\(names[0])") != nil)
        #expect(try await store.samples()[Labels("a")]?.first?.time == epoch + 2 * hour)
    }

    @Test func `a flipped bit anywhere in a block is noticed, never answered`() async throws {
        let (disk, names) = try await makeBlocks()
        let path = "/data/series/blocks/\(names[0])"
        let whole = try disk.contents(of: path)
        let good = try await openStore(disk).samples()
        for offset in 0..<whole.count {
            let decayed = MemoryFiles()
            try decayed.createFolders("/data/series/blocks")
            try decayed.replace(path, with: whole)
            decayed.flipBit(offset % 8, at: offset, of: path)
            let store = try openStore(decayed)
            if !store.health.problems.isEmpty {
                #expect(try decayed.status(of: path) == nil)
                continue
            }
            do {
                let found = try await store.samples()
                // Bytes that mean nothing: the zeros of header and footer.
                #expect(found == good.mapValues { $0.filter { $0.time < epoch + 2 * hour } }, "bit at \(offset)")
                #expect((8..<16).contains(offset) || offset >= whole.count - 24, "bit at \(offset)")
                // No answer comes from there, but who looks for decay finds it, and it can be mended.
                let verified = try verifyStore("/data/series", files: decayed).problems
                #expect(verified.map(\.kind) == [.blockDamaged] && verified[0].byteOffset == Int64(offset))
                #expect(try repairStore("/data/series", files: decayed).map(\.kind) == [.blockDamaged])
                #expect(try verifyStore("/data/series", files: decayed).isIntact)
                #expect(try await openStore(decayed).samples() == found)
            } catch let error as StoreError {
                #expect(error.code == .damaged && error.byteOffset != nil)
                #expect(try !verifyStore("/data/series", files: decayed).isIntact)
            }
        }
    }

    @Test func `bytes between the frames and the index are found`() async throws {
        let (disk, names) = try await makeBlocks()
        let path = "/data/series/blocks/\(names[0])"
        var bytes = try disk.contents(of: path)
        // The footer as it would be with the index one byte further on; its checksums hold.
        let footer = bytes.count - BlockFormat.footerByteCount
        let indexOffset = bytes[footer..<footer + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes.insert(0x5A, at: indexOffset)
        var writer = ByteWriter()
        writer.fixed(UInt64(indexOffset + 1))
        bytes.replaceSubrange(footer + 1..<footer + 9, with: writer.bytes)
        writer = ByteWriter()
        writer.fixed(Checksum.of(Array(bytes[footer + 1..<footer + 69])))
        bytes.replaceSubrange(footer + 69..<footer + 73, with: writer.bytes)
        try disk.replace(path, with: bytes)
        #expect(try openStore(disk).health.problems == [])
        let found = try verifyStore("/data/series", files: disk).problems
        #expect(found.map(\.kind) == [.blockDamaged] && found.first?.byteOffset == Int64(indexOffset))
        #expect(try repairStore("/data/series", files: disk).count == 1)
        #expect(try verifyStore("/data/series", files: disk).isIntact)
    }

    @Test func `a segment of a later version is left alone and named`() async throws {
        let (disk, _) = try await makeLog()
        var bytes = try disk.contents(of: segment)
        bytes[7] = UInt8(ascii: "9")
        try disk.replace(segment, with: bytes)
        let store = try openStore(disk)
        #expect(store.health.problems.map(\.kind) == [.versionUnknown])
        try await store.append(batch(epoch, [(Labels("b"), 1)]))
        #expect(try disk.contents(of: segment) == bytes)
    }

    @Test func `a block that was not finished leaves its samples in the log`() async throws {
        let disk = MemoryFiles()
        let store = try openStore(disk)
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        try disk.replace("/data/series/blocks/1-2.block.new", with: [1, 2, 3])
        #expect(try await openStore(disk).samples()[Labels("a")]?.count == 1)
        #expect(try disk.list("/data/series/blocks") == [])
    }

    /// A log of ten batches of one sample, and the length of the segment after each.
    private func makeLog() async throws -> (MemoryFiles, [Int]) {
        let disk = MemoryFiles()
        let store = try openStore(disk)
        var ends: [Int] = []
        for step in 0..<10 as Range<Int64> {
            try await store.append(batch(epoch + step, [(Labels("a"), Double(step))]))
            ends.append(Int(store.stats.logByteCount))
        }
        return (disk, ends)
    }

    private func makeBlocks() async throws -> (MemoryFiles, [String]) {
        let disk = MemoryFiles()
        // So short a retention joins no blocks.
        let store = try openStore(disk, StoreSettings(retention: .seconds(20 * 3600)))
        for step in 0..<6 as Range<Int64> {
            try await store.append(batch(epoch + step * hour, [(Labels("a"), Double(step)), (Labels("b"), 1)]))
        }
        try await store.maintain(at: at(epoch + 20 * hour))
        return (disk, try disk.list("/data/series/blocks"))
    }
}
