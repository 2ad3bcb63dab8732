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
            guard (try? await clock.sleep(for: settings.fsyncInterval)) != nil else { break }
            _ = try? await sync()
            if clock.now >= nextMaintenance {
                nextMaintenance = clock.now.advanced(by: Self.maintenanceInterval)
                _ = try? await maintain(at: wall.now)
            }
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
        if let failure { throw note(failure) }
    }

    /// Moves every span that ended more than a quarter of a span before `now` from memory into a block, and removes blocks that are
    /// older than the retention. Counted from the older of `now` and the newest sample, so that a clock that
    /// was set wrong while the program was off does not remove anything.
    /// - Throws: `StoreError`; then the samples are where they were. It stands in `health` as well.
    public func maintain(at now: Timestamp) async throws {
        try await Self.writers.run { try self.maintainNow(at: now) }
    }

    func maintainNow(at now: Timestamp) throws(StoreError) {
        do throws(FileError) {
            while let start = nextSpan(at: now.millisecondsSinceEpoch) { try writeBlock(from: start) }
            try removeOldBlocks(at: now.millisecondsSinceEpoch)
            let minimum = state.withLock { $0.head.minimumTime }
            if let failure = log.withLock({ log -> FileError? in
                defer { state.withLock { $0.note(log) } }
                do throws(FileError) { try log.removeSegments(before: minimum) } catch { return error }
                return nil
            }) {
                throw failure
            }
        } catch {
            throw note(error)
        }
        state.withLock { $0.health.maintenanceFault = nil }
    }

    private func note(_ error: FileError) -> StoreError {
        state.withLock { $0.health.maintenanceFault = error.summary }
        return StoreError(.fileFailed, folder, cause: error)
    }

    /// The oldest span in memory, when it is time to write it.
    private func nextSpan(at now: Int64) -> Int64? {
        guard let first = state.withLock({ $0.head.firstTime }) else { return nil }
        let start = spanStart(of: first, spanMilliseconds)
        return start + spanMilliseconds + spanMilliseconds / 4 <= now ? start : nil
    }

    private func writeBlock(from start: Int64) throws(FileError) {
        let end = start + spanMilliseconds
        let (series, metadata) = state.withLock { state -> ([BlockSeries], [MetricMetadata]) in
            // From here on nothing is taken for this span: what came now would be in neither the block nor the head.
            state.head.minimumTime = max(state.head.minimumTime, end)
            let series = state.head.series.compactMap { entry -> BlockSeries? in
                let chunks = entry.chunks.filter { $0.minTime < end }
                return chunks.isEmpty ? nil : BlockSeries(labels: entry.labels, chunks: chunks)
            }
            return (series, state.metadata.values.sorted { $0.name < $1.name })
        }
        try writeBlockFile(
            series, start: start, end: end, metadata: metadata, in: blockFolder, files: files)
        let block: Block
        do throws(StoreError) {
            block = try Block(
                joined(blockFolder, BlockFormat.name(start: start, end: end)), start: start, end: end, files: files)
        } catch {
            throw FileError(.read, blockFolder, errorNumber: (error.cause as? FileError)?.errorNumber ?? 5)
        }
        // The numbers of the series change, and a segment knows them by number: the log goes on in a new one.
        let failure = log.withLock { log -> FileError? in
            var failure: FileError?
            do throws(FileError) { try log.rotate() } catch { failure = error }
            state.withLock { state in
                state.head.dropSamples(before: end)
                state.metadataDeclaredIn = [:]
                state.blocks.append(block)
                state.blocks.sort { $0.start < $1.start }
                state.counts.blocksWritten += 1
            }
            return failure
        }
        if let failure { throw failure }
    }

    private func removeOldBlocks(at now: Int64) throws(FileError) {
        let newest = state.withLock { $0.newestTime } ?? now
        let limit = min(now, newest) - settings.retention.wholeMilliseconds
        for block in state.withLock({ $0.blocks.filter { $0.end <= limit } }) {
            // Out of the list first: a query that comes now does not look for the file any more.
            state.withLock { state in
                state.blocks.removeAll { $0.path == block.path }
                state.indexes.forget(block.path)
            }
            do throws(FileError) {
                try files.remove(block.path)
            } catch  where error.code != .notFound {
                state.withLock { state in
                    state.blocks.append(block)
                    state.blocks.sort { $0.start < $1.start }
                }
                throw error
            } catch {}
            state.withLock { $0.counts.blocksRemoved += 1 }
        }
    }
}

extension TimeSeriesStore.State {
    var newestTime: Int64? { head.lastTime ?? blocks.last.map { $0.end - 1 } }
    var oldestTime: Int64? { blocks.first?.start ?? head.firstTime }
}

extension TimeSeriesStore {
    /// Whether samples are taken, and what went wrong.
    public var health: StoreHealth { state.withLock { $0.health } }

    public var stats: StoreStats {
        state.withLock { state in
            StoreStats(
                seriesCount: state.head.series.count { !$0.isEmpty },
                headSampleCount: state.head.series.reduce(0) { $0 + $1.sampleCount },
                headByteCount: state.head.series.reduce(0) { $0 + $1.byteCount },
                blockCount: state.blocks.count,
                blockSampleCount: state.blocks.reduce(0) { $0 + $1.sampleCount },
                blockByteCount: state.blocks.reduce(0) { $0 + $1.byteCount },
                logByteCount: state.logByteCount, logSegmentCount: state.logSegmentCount,
                oldest: state.oldestTime.map { Timestamp(millisecondsSinceEpoch: $0) },
                newest: state.newestTime.map { Timestamp(millisecondsSinceEpoch: $0) },
                minimumTime: Timestamp(millisecondsSinceEpoch: state.head.minimumTime),
                counts: state.counts, health: state.health)
        }
    }
}
