import BlockingCalls
import Diagnostics
import DurableFiles
import Synchronization
import Units

// A snapshot is put together in `<folder>.unfinished` and renamed when all of it is on the disk, so that a folder with the name that was
// asked for is always a whole one. What a process that was killed left behind is removed by the next snapshot to the same folder, and,
// where it lies in the store's own `snapshots`, by the next start.

extension TimeSeriesStore {
    /// What the name of a snapshot ends in until it is whole.
    static let unfinishedSuffix = ".unfinished"

    /// Where the daemon puts snapshots, one folder each.
    public var snapshotFolder: String { joined(folder, "snapshots") }

    /// Puts a copy of everything stored now into `folder`, which must not exist: blocks as hard links where the file system has them, what
    /// is in memory as blocks of its own, and the list of what was deleted. The copy is a store's folder by itself: `open` reads it.
    /// - Throws: `StoreError`; then what was begun is removed.
    public func snapshot(to folder: String) async throws {
        try await Self.writers.run { try self.snapshotNow(to: folder) }
    }

    func snapshotNow(to target: String) throws(StoreError) {
        var given = target
        while given.count > 1, given.hasSuffix("/") { given.removeLast() }
        let target = given
        let beside = target + Self.unfinishedSuffix
        let failure = changes.withLock { _ -> StoreError? in
            do throws(StoreError) {
                let exists = try fileAccess(target) { () throws(FileError) in try files.status(of: target) != nil }
                guard !exists else { throw StoreError(.snapshotExists, target) }
                try fileAccess(beside) { () throws(FileError) in try files.removeTree(beside) }
                try writeSnapshot(beside)
                try fileAccess(target) { () throws(FileError) in
                    try files.rename(beside, to: target)
                    try files.syncFolder(parentFolder(of: target))
                }
                return nil
            } catch {
                if error.code != .snapshotExists {
                    // Best effort: what remains has a name that nobody takes for a snapshot's, and the next one removes it.
                    try? files.removeTree(beside)
                }
                return error
            }
        }
        if let failure { throw failure }
    }

    private func writeSnapshot(_ target: String) throws(StoreError) {
        let targetBlocks = joined(target, "blocks")
        try fileAccess(target) { () throws(FileError) in try files.createFolders(targetBlocks) }
        let (blocks, head, spans, metadata, tombstones) = state.withLock { state in
            let head = snapshotOfAll(state.head, from: .min, through: .max)
            let spans = state.head.spanStarts
            return (state.blocks, head, spans, state.sortedMetadata, state.tombstones)
        }
        for block in blocks {
            let name = block.name.text
            try fileAccess(block.path) { () throws(FileError) in
                try files.linkOrCopy(block.path, to: joined(targetBlocks, name))
            }
        }
        for start in spans {
            let end = start + spanMilliseconds
            let gatherer = SampleGatherer(readers: [], resolutions: [], head: head, from: start, through: end - 1)
            gatherer.addHead()
            var last = start
            for slot in 0..<gatherer.slotCount {
                last = max(last, gatherer.pieces[slot].map { min($0.last, end - 1) }.max() ?? start)
            }
            var name = freeName(BlockFormat.Name(start: start, end: last + 1))
            name.part += blocks.count { $0.name == name }
            _ = try writeBlock(name, in: targetBlocks, metadata: metadata) { writer throws(StoreError) in
                try addSeries(of: gatherer, to: &writer)
            }
        }
        try fileAccess(target) { () throws(FileError) in
            if !tombstones.isEmpty {
                try files.replace(joined(target, TombstoneFile.name), with: TombstoneFile.bytes(tombstones))
            }
            try files.syncFolder(targetBlocks)
            try files.syncFolder(target)
        }
    }
}

extension Head {
    /// Starts of the spans that have samples in memory.
    var spanStarts: [Int64] {
        var starts = Set(spans.map(\.start))
        for column in columns where column.users > 0 { starts.insert(column.spanEnd - spanMilliseconds) }
        for open in histograms.values { starts.insert(spanStart(of: open.times[0], spanMilliseconds)) }
        for samples in late.values {
            for time in samples.times { starts.insert(spanStart(of: time, spanMilliseconds)) }
        }
        return starts.sorted()
    }
}

extension FileSystem {
    /// Copies by pieces, so that memory holds one.
    func linkOrCopy(_ old: String, to new: String) throws(FileError) {
        do throws(FileError) {
            try link(old, to: new)
        } catch {
            // Another file system, or one without links.
            let source = try openForReading(old)
            var copy = try create(new)
            var offset: Int64 = 0
            while true {
                let part = try source.read(at: offset, count: 1 << 20)
                if part.isEmpty { break }
                try copy.write(part)
                offset += Int64(part.count)
            }
            try copy.sync()
            try copy.close()
        }
    }
}
