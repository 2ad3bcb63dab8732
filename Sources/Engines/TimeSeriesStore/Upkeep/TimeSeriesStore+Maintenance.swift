import BlockingCalls
import Diagnostics
import DurableFiles
import Series
import Synchronization
public import Units

extension TimeSeriesStore {
    /// How often blocks are written and removed. Both are due every few hours at most; a minute keeps the memory of a late block small.
    static let maintenanceInterval = Duration.seconds(60)

    /// Syncs the log at its interval and maintains the blocks, until the task is cancelled; then syncs once more.
    public func run(clock: some Clock<Duration>, wall: any WallClock) async {
        var nextMaintenance = clock.now.advanced(by: Self.maintenanceInterval)
        while !Task.isCancelled {
            // A sleep fails only by being cancelled. What the others meet stands in `health`, and the next round tries again.
            guard (try? await clock.sleep(for: settings.fsyncInterval)) != nil else { break }
            _ = try? await sync()
            let begin = clock.now
            guard begin >= nextMaintenance else { continue }
            let hasMore = (try? await maintain(at: wall.now)) ?? false
            // With more to join the next round follows after a pause as long as this one took.
            let took = begin.duration(to: clock.now)
            nextMaintenance = clock.now.advanced(
                by: hasMore ? min(took, Self.maintenanceInterval) : Self.maintenanceInterval)
        }
        flush()
    }

    /// Makes everything acknowledged so far safe from a power cut.
    /// - Throws: `StoreError`; it stands in `health` as well.
    public func sync() async throws {
        try await Self.writers.run { try self.syncNow() }
    }

    /// `sync` for the end of the program: blocks, and notes its failure in `health` only.
    public func flush() {
        try? syncNow()
    }

    func syncNow() throws(StoreError) {
        let failure = log.withLock { log -> FileError? in
            do throws(FileError) { try log.sync() } catch { return error }
            return nil
        }
        state.withLock { state in
            state.counts.syncs += 1
            if failure != nil { state.counts.syncFailures += 1 }
        }
        if let failure { throw note(StoreError(.fileFailed, folder, cause: failure)) }
    }

    /// Moves every span that ended more than a quarter of a span before `now` from memory into a block, unless it is being filled just now, joins blocks into larger ones,
    /// and removes or coarsens what is older than it may be. Ages are counted from the older of `now` and the newest sample, so that a clock that
    /// was set wrong while the program was off does not remove anything.
    /// - Returns: whether there are more blocks to join than one round does.
    /// - Throws: `StoreError`; then the samples are where they were. It stands in `health` as well.
    @discardableResult
    public func maintain(at now: Timestamp) async throws -> Bool {
        try await Self.writers.run { try self.maintainNow(at: now) }
    }

    @discardableResult
    func maintainNow(at now: Timestamp) throws(StoreError) -> Bool {
        let now = now.millisecondsSinceEpoch
        state.withLock { $0.indexes.grow() }
        let result = changes.withLock { _ -> Result<Bool, StoreError> in
            do throws(StoreError) {
                while let start = nextSpan(at: now) { try writeBlock(from: start) }
                try writeLateBlocks()
                try removeSegments()
                try applyRetention(at: now)
                return .success(try compact())
            } catch {
                return .failure(error)
            }
        }
        do throws(StoreError) {
            let hasMore = try result.get()
            state.withLock { $0.health.maintenanceFault = nil }
            return hasMore
        } catch {
            throw note(error)
        }
    }

    func note(_ error: StoreError) -> StoreError {
        noteDamage(error)
        state.withLock { $0.health.maintenanceFault = (error.cause as? any Failure)?.summary ?? error.summary }
        return error
    }

    /// The oldest span in memory, when it is time to write it.
    private func nextSpan(at now: Int64) -> Int64? {
        state.withLock { state in
            state.backfill.forget(before: state.head.minimumTime)
            guard let first = state.head.firstTime else { return nil }
            let start = spanStart(of: first, spanMilliseconds)
            let isReady =
                Backfilling.isDue(start, spanMilliseconds, at: now) && !state.backfill.isFilling(start, at: now)
            return isReady ? start : nil
        }
    }

    /// Removes the segments of the log that hold nothing but what is in blocks.
    private func removeSegments() throws(StoreError) {
        let minimum = state.withLock { $0.head.minimumTime }
        let failure = log.withLock { log -> FileError? in
            defer { state.withLock { $0.note(log) } }
            do throws(FileError) { try log.removeSegments(before: minimum) } catch { return error }
            return nil
        }
        if let failure { throw StoreError(.fileFailed, logFolder, cause: failure) }
    }

    /// Moves a span from memory to disk.
    func writeBlock(from start: Int64) throws(StoreError) {
        let end = start + spanMilliseconds
        let (snapshot, metadata) = state.withLock { state -> (HeadSnapshot, [MetricMetadata]) in
            // From here on nothing is taken in order for this span: what came now would be in neither the block nor the head.
            state.head.minimumTime = max(state.head.minimumTime, end)
            state.head.sealAll(before: end)
            return (snapshotOfAll(state.head, from: start, through: end - 1), state.sortedMetadata)
        }
        let name = freeName(BlockFormat.Name(start: start, end: end))
        let gatherer = SampleGatherer(readers: [], resolutions: [], head: snapshot, from: start, through: end - 1)
        gatherer.addHead()
        let block = try writeBlock(name, metadata: metadata) { writer throws(StoreError) in
            try addSeries(of: gatherer, to: &writer)
        }
        // The numbers of series may be used anew now, and a segment knows them by number: the log goes on in a new one.
        let failure = log.withLock { log -> FileError? in
            var failure: FileError?
            do throws(FileError) { try log.rotate() } catch { failure = error }
            state.withLock { state in
                for (number, late) in state.head.late {
                    var rest = late
                    rest.drop(from: start, before: end)
                    state.head.late[number] = rest.times.isEmpty ? nil : rest
                }
                state.head.dropSamples(before: end)
                state.metadataDeclaredIn = [:]
                if let block { state.insert(block) }
                state.counts.blocksWritten += block == nil ? 0 : 1
            }
            return failure
        }
        if let failure { throw StoreError(.fileFailed, logFolder, cause: failure) }
    }

    func snapshotOfAll(_ head: Head, from start: Int64, through end: Int64) -> HeadSnapshot {
        var all = SeriesSet(capacity: head.seriesCapacity)
        head.insertAll(into: &all)
        return HeadSnapshot(head, all, from: start, through: end)
    }

    /// Writes the samples that came for spans which are in blocks already.
    private func writeLateBlocks() throws(StoreError) {
        while true {
            let found = state.withLock { state -> (Int64, HeadSnapshot, [MetricMetadata])? in
                let minimum = state.head.minimumTime
                guard let first = state.head.late.values.compactMap(\.times.first).min(), first < minimum else {
                    return nil
                }
                let start = spanStart(of: first, spanMilliseconds)
                let end = min(minimum, start + spanMilliseconds)
                return (start, snapshotOfLate(state.head, from: start, through: end - 1), state.sortedMetadata)
            }
            guard let (start, snapshot, metadata) = found else { return }
            let end = start + spanMilliseconds
            let name = freeName(BlockFormat.Name(start: start, end: end, part: 1))
            let gatherer = SampleGatherer(readers: [], resolutions: [], head: snapshot, from: start, through: end - 1)
            gatherer.addHead()
            let block = try writeBlock(name, metadata: metadata) { writer throws(StoreError) in
                try addSeries(of: gatherer, to: &writer)
            }
            state.withLock { state in
                for (number, late) in state.head.late {
                    var rest = late
                    // What came while the block was written stays: it is not in there.
                    let written = snapshot.late(of: number)
                    rest.drop { $0 < end && $0 >= start && written.contains($0) }
                    state.head.late[number] = rest.times.isEmpty ? nil : rest
                }
                if let block { state.insert(block) }
                state.counts.blocksWritten += block == nil ? 0 : 1
            }
        }
    }

    private func snapshotOfLate(_ head: Head, from start: Int64, through end: Int64) -> HeadSnapshot {
        var set = SeriesSet(capacity: head.seriesCapacity)
        for (number, late) in head.late where !late.range(start, end).isEmpty { set.insert(number) }
        return HeadSnapshot(head, set, from: start, through: end)
    }

    /// Adds every series of a gatherer, without what was deleted.
    func addSeries(of gatherer: SampleGatherer, to writer: inout BlockWriter) throws(StoreError) {
        let tombstones = state.withLock { $0.tombstones }
        for (slot, labels) in gatherer.ordered() {
            let found = try gatherer.samples(of: slot)
            var samples = BlockSamples(times: found.times, values: found.values, histograms: found.histograms)
            samples.remove(tombstones.filter { $0.matches(labels) })
            try fileAccess(folder) { () throws(FileError) in try writer.add(labels, samples) }
        }
    }

    /// Writes a block; one without a sample is not kept.
    /// - Parameter target: the folder, where it is not the store's own.
    func writeBlock(
        _ name: BlockFormat.Name, in target: String? = nil, metadata: [MetricMetadata], sources: [String] = [],
        _ body: (inout BlockWriter) throws(StoreError) -> Void
    ) throws(StoreError) -> Block? {
        let folder = target ?? blockFolder
        let path = joined(folder, name.text)
        var writer: BlockWriter
        do throws(FileError) {
            writer = try BlockWriter.begin(name, in: folder, files: files)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
        do throws(StoreError) {
            try body(&writer)
            if writer.sampleCount == 0 {
                writer.abandon()
                return nil
            }
            try fileAccess(path) { () throws(FileError) in try writer.finish(metadata: metadata, sources: sources) }
        } catch {
            writer.abandon()
            throw error
        }
        return try Block(path, name: name, files: files)
    }
}

extension TimeSeriesStore.State {
    var newestTime: Int64? { head.lastTime ?? blocks.map(\.end).max().map { $0 - 1 } }
    var oldestTime: Int64? { [blocks.map(\.start).min(), head.firstTime].compactMap(\.self).min() }
    var sortedMetadata: [MetricMetadata] { metadata.values.sorted { precedes($0.name, $1.name) } }

    /// Keeps the order: finer before coarser, earlier before later.
    mutating func insert(_ block: Block) {
        blocks.removeAll { $0.name == block.name }
        indexes.forget(block.path)
        blocks.append(block)
        blocks.sort { left, right in
            (left.name.resolution, left.start, left.name.part, left.end)
                < (right.name.resolution, right.start, right.name.part, right.end)
        }
    }
}
