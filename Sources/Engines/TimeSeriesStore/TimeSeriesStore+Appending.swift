import BinaryCoding
import BlockingCalls
import Diagnostics
import DurableFiles
public import Series
import Synchronization
import Units

extension TimeSeriesStore {
    /// Stores a batch. When this returns, what it counts as stored survives the end of the process; a power cut is survived after
    /// the next sync.
    ///
    /// A sample is refused as out of order when it is older than the newest one of its series or than the newest block, or more than ten
    /// minutes ahead of its batch. A clock that was set back therefore refuses samples until it has passed the newest one.
    /// The same value for the same instant again is no error and counts as nothing.
    /// - Throws: `StoreError` of code `ingestionStopped` when the log cannot be written: then no sample of the batch was taken.
    @discardableResult
    public func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        try await Self.writers.run { try self.appendNow(batch) }
    }

    func appendNow(_ batch: SampleBatch) throws(StoreError) -> AppendOutcome {
        try log.withLock { log -> Result<AppendOutcome, StoreError> in
            do throws(StoreError) { return .success(try append(batch, to: &log)) } catch { return .failure(error) }
        }.get()
    }

    private func append(_ batch: SampleBatch, to log: inout LogWriter) throws(StoreError) -> AppendOutcome {
        for row in batch.rows
        where row.labels.pairs.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count })
            > LogFormat.labelsByteCountMax
        {
            throw StoreError(.labelsTooLong, row.labels.name)
        }
        var admission = Admission()
        do throws(FileError) {
            let segment = try log.prepare(at: batch.timestamp.millisecondsSinceEpoch)
            state.withLock { admission.plan(batch, in: segment, &$0) }
            if !admission.records.bytes.isEmpty { try log.write(admission.records.bytes, lastTime: admission.lastTime) }
        } catch {
            state.withLock { state in
                admission.takeBack(&state)
                state.counts.batchesRefused += 1
                state.health.isWritable = false
                state.health.isDiskFull = error.isNoSpace
                state.health.writeFault = error.summary
                state.noteRefusal(at: batch.timestamp.millisecondsSinceEpoch, selfLabels)
            }
            throw StoreError(.ingestionStopped, log.folder, cause: error)
        }
        state.withLock { state in
            state.note(log)
            for sample in admission.samples { state.head.add(sample.place, sample.time, sample.value) }
            state.counts.samplesStored += Int64(admission.outcome.stored)
            state.counts.samplesOutOfOrder += Int64(admission.outcome.outOfOrder)
            state.counts.samplesDuplicate += Int64(admission.outcome.duplicate)
            guard !state.health.isWritable else { return }
            state.health.isWritable = true
            state.health.isDiskFull = false
            state.health.writeFault = nil
        }
        return admission.outcome
    }
}

/// What of a batch is taken, with the records that say so, and how to take it all back.
private struct Admission {
    private(set) var samples: [PendingSample] = []
    private(set) var outcome = AppendOutcome()
    private(set) var records = ByteWriter()
    private(set) var lastTime = Int64.min
    private var before: [(lastTime: Int64, lastValueBits: UInt64)] = []
    private var declaredPlaces: [Int] = []
    private var declaredMetrics: [(name: String, old: MetricMetadata?)] = []

    mutating func plan(_ batch: SampleBatch, in segment: UInt64, _ state: inout TimeSeriesStore.State) {
        let batchTime = batch.timestamp.millisecondsSinceEpoch
        let (latest, overflow) = batchTime.addingReportingOverflow(TimeSeriesStore.aheadMillisecondsMax)
        samples.reserveCapacity(batch.rows.count)
        for row in batch.rows {
            let time = row.timestamp?.millisecondsSinceEpoch ?? batchTime
            guard overflow || time <= latest else {
                outcome.outOfOrder += 1
                continue
            }
            let place = state.head.place(of: row.labels)
            let old = state.head.series[place]
            switch state.head.admit(place, time, row.value) {
            case .stored:
                samples.append(PendingSample(place: place, time: time, value: row.value))
                before.append((old.lastTime, old.lastValueBits))
                lastTime = max(lastTime, time)
                if state.head.declare(place, in: segment) { declaredPlaces.append(place) }
                outcome.stored += 1
            case .outOfOrder: outcome.outOfOrder += 1
            case .duplicate: outcome.duplicate += 1
            case .repeated: break
            }
        }
        writeDeclarations(state.head)
        writeMetadata(batch.metadata, in: segment, &state)
        for start in stride(from: 0, to: samples.count, by: LogFormat.sampleCountMax) {
            let part = samples[start..<min(samples.count, start + LogFormat.sampleCountMax)]
            records.record(.samples) { $0.samples(part) }
        }
    }

    /// Several records where the labels are many, each well below the limit of a record.
    private mutating func writeDeclarations(_ head: Head) {
        var next = 0
        while next < declaredPlaces.count {
            records.record(.series) { writer in
                let limit = writer.count + LogFormat.payloadByteCountMax / 4
                while next < declaredPlaces.count, writer.count < limit {
                    writer.varint(declaredPlaces[next])
                    writer.labels(head.series[declaredPlaces[next]].labels)
                    next += 1
                }
            }
        }
    }

    private mutating func writeMetadata(
        _ metadata: [String: MetricMetadata], in segment: UInt64, _ state: inout TimeSeriesStore.State
    ) {
        var pending: [MetricMetadata] = []
        for (name, entry) in metadata {
            let old = state.metadata[name]
            guard old != entry || state.metadataDeclaredIn[name] != segment else { continue }
            // A help text past this is no help; the log's records have a limit.
            guard entry.name.utf8.count + entry.help.utf8.count <= LogFormat.labelsByteCountMax else { continue }
            declaredMetrics.append((name, old))
            state.metadata[name] = entry
            state.metadataDeclaredIn[name] = segment
            pending.append(entry)
        }
        var next = 0
        while next < pending.count {
            records.record(.metadata) { writer in
                let limit = writer.count + LogFormat.payloadByteCountMax / 4
                while next < pending.count, writer.count < limit {
                    writer.metadata(pending[next])
                    next += 1
                }
            }
        }
    }

    func takeBack(_ state: inout TimeSeriesStore.State) {
        for (sample, old) in zip(samples, before).reversed() {
            state.head.restore(sample.place, lastTime: old.lastTime, lastValueBits: old.lastValueBits)
        }
        for place in declaredPlaces { state.head.withdraw(place) }
        for (name, old) in declaredMetrics {
            state.metadata[name] = old
            state.metadataDeclaredIn[name] = nil
        }
    }
}
