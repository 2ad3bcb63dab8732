import BinaryCoding
import BlockingCalls
import Diagnostics
import DurableFiles
import Glibc
public import Series
import Synchronization
import Units

extension TimeSeriesStore: ColumnAppending {
    /// Stores a batch. When this returns, what it counts as stored survives the end of the process; a power cut is survived after
    /// the next sync.
    ///
    /// A sample that is older than the newest one of its series, or than the newest block, is taken when it is inside the window for late
    /// samples, and refused as out of order otherwise; so is one more than ten minutes ahead of its batch. Without such a window a clock
    /// that was set back therefore refuses samples until it has passed the newest one. One that retention would remove at once is refused
    /// as out of order too. The same value for the same instant again is no error and counts as nothing; another is a duplicate,
    /// of a late sample as far as memory tells.
    /// - Throws: `StoreError` of code `ingestionStopped` when the log cannot be written: then no sample of the batch was taken.
    @discardableResult
    public func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        if BlockingThreads.mayBlockHere { return try appendNow(batch) }
        return try await Self.writers.run { try self.appendNow(batch) }
    }

    /// The same for samples by number: the way for whoever reads the same series again and again.
    public func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
        if BlockingThreads.mayBlockHere { return try appendNow(block) }
        return try await Self.writers.run { try self.appendNow(block) }
    }

    /// The numbers of series, made where they are missing. They hold until the store forgets a series that has no samples in memory.
    /// - Returns: nil where a limit forbids a new series, or one with labels of that length.
    public func references(of labels: [Labels]) async throws -> [SeriesReference?] {
        state.withLock { state in
            labels.map { labels in
                guard let number = state.number(of: labels, settings) else { return nil }
                return SeriesReference(UInt64(state.head.series[number].generation) << 32 | UInt64(number))
            }
        }
    }

    func appendNow(_ batch: SampleBatch) throws(StoreError) -> AppendOutcome {
        let admission = try admit(at: batch.timestamp) { admission, segment, state, book, settings in
            admission.plan(batch, in: segment, &state, &book, settings)
        }
        if !batch.exemplars.isEmpty {
            state.withLock { $0.exemplars.add(batch.exemplars, at: batch.timestamp.millisecondsSinceEpoch) }
        }
        return admission.outcome
    }

    func appendNow(_ block: SampleBlock) throws(StoreError) -> (outcome: AppendOutcome, unknown: [Int]) {
        let admission = try admit(at: block.timestamp) { admission, segment, state, book, settings in
            admission.plan(block, in: segment, &state, &book, settings)
        }
        return (admission.outcome, admission.unknown)
    }

    /// Plans under both locks, writes the log, and brings the samples into the head.
    private func admit(
        at time: Timestamp,
        _ plan: (inout Admission, UInt64, inout State, inout LayoutBook, StoreSettings) -> Void
    ) throws(StoreError) -> Admission {
        try log.withLock { log -> Result<Admission, StoreError> in
            var admission = Admission()
            do throws(FileError) {
                try requireSpaceAgain()
                let segment = try log.prepare(at: time.millisecondsSinceEpoch)
                state.withLock { plan(&admission, segment, &$0, &log.book, settings) }
                if !admission.records.bytes.isEmpty {
                    try log.write(admission.records.bytes, lastTime: admission.lastTime)
                }
            } catch {
                log.book.takeBack()
                state.withLock { state in
                    admission.takeBack(&state)
                    state.noteRefusal(error, at: time.millisecondsSinceEpoch, selfLabels)
                }
                return .failure(StoreError(.ingestionStopped, log.folder, cause: error))
            }
            state.withLock { state in
                admission.commit(&state)
                log.writeStretches(&state.head)
                state.note(log)
                state.backfill.note(
                    admission.firstTime, admission.lastTime, at: time.millisecondsSinceEpoch, spanMilliseconds)
                state.counts.add(admission.outcome)
                guard !state.health.isWritable else { return }
                state.health.isWritable = true
                state.health.isDiskFull = false
                state.health.writeFault = nil
            }
            return .success(admission)
        }.get()
    }
}

extension TimeSeriesStore {
    /// A disk that was full must have this much room again before samples are taken again. Without it the odd small record would still find a
    /// corner of the last block of the disk, and the store would seem to come and go.
    /// More than the reserve of the ledger, which is given back to a full disk and is not meant for samples.
    static let roomToGoOn: Int64 = 8 << 20

    private func requireSpaceAgain() throws(FileError) {
        guard state.withLock({ $0.health.isDiskFull }) else { return }
        guard try files.space(at: folder).availableBytes < Self.roomToGoOn else { return }
        throw FileError(.write, logFolder, errorNumber: ENOSPC)
    }
}

extension StoreCounts {
    mutating func add(_ outcome: AppendOutcome) {
        samplesStored += Int64(outcome.stored)
        samplesOutOfOrder += Int64(outcome.outOfOrder)
        samplesDuplicate += Int64(outcome.duplicate)
        samplesOverLimit += Int64(outcome.overLimit)
    }
}

extension TimeSeriesStore.State {
    mutating func noteRefusal(_ error: FileError, at time: Int64, _ selfLabels: Labels) {
        counts.batchesRefused += 1
        health.isWritable = false
        health.isDiskFull = error.isNoSpace
        health.writeFault = error.summary
        noteRefusal(TimeSeriesStore.writableMetric, 0, at: time, selfLabels)
        if error.isNoSpace { noteRefusal(TimeSeriesStore.diskFullMetric, 1, at: time, selfLabels) }
    }

    /// Notes in memory alone that samples are refused. The log cannot take these samples, yet the rules that tell of it must see them.
    private mutating func noteRefusal(_ metric: String, _ value: Double, at time: Int64, _ selfLabels: Labels) {
        let number = head.place(of: Labels(metric).merging(selfLabels))
        if case .stored = head.admit(number, time, value.bitPattern) { head.add(number, time, value) }
    }
}
