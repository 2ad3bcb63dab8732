import Units
import BinaryCoding
import Compression
import Series

/// What of a reading is taken, with the records that say so, and how to take it all back.
struct Admission {
    private(set) var outcome = AppendOutcome()
    private(set) var records = ByteWriter()
    /// The oldest and the newest of the samples that are taken in order.
    private(set) var firstTime = Int64.max
    private(set) var lastTime = Int64.min
    /// Indices of references that the store does not know.
    private(set) var unknown: [Int] = []

    /// What `outcome` counted when the sample before was done with.
    private var storedCount = 0
    private var seen = (outOfOrder: 0, duplicate: 0, overLimit: 0)
    private var numbers: [UInt32] = []
    private var values: [Double] = []
    /// Empty while all samples are of `commonTime`.
    private var times: [Int64] = []
    private var commonTime = Int64.min
    private var histograms: [(number: UInt32, time: Int64, histogram: NativeHistogram)] = []
    private var lateNumbers: [UInt32] = []
    private var lateTimes: [Int64] = []
    private var lateValues: [Double] = []
    /// What of this reading a late sample may meet; empty until the first late one.
    private var pending = PendingSamples()
    private typealias Before = (number: UInt32, lastTime: Int64, lastBits: UInt64)
    private var before: [Before] = []
    private var declared: [Int] = []
    private var declaredMetrics: [(name: String, old: MetricMetadata?)] = []

    /// Decides on a block: the way of every scrape, without a text, a hash of labels or an object.
    mutating func plan(
        _ block: SampleBlock, in segment: UInt64, _ state: inout TimeSeriesStore.State, _ book: inout LayoutBook,
        _ settings: StoreSettings
    ) {
        let time = block.timestamp.millisecondsSinceEpoch
        commonTime = time
        let count = block.references.count
        // Of one instant, which is the present that ages are counted from: none of them is too old.
        for index in takeKnown(block, in: segment, &state)..<count {
            let raw = block.references[index].raw
            let number = Int(truncatingIfNeeded: raw & 0xFFFF_FFFF)
            guard number < state.head.series.count, state.head.series[number].isLive,
                state.head.series[number].generation == UInt32(truncatingIfNeeded: raw >> 32)
            else {
                unknown.append(index)
                continue
            }
            take(number, time, block.values[index], segment, &state, settings)
            if outcome.stored != storedCount { storedCount = outcome.stored } else { passOver(index) }
        }
        outcome.overLimit += block.refusedCount
        state.refused.note(sampleCount: block.refusedCount)
        finish(in: segment, &state, &book)
    }

    /// Takes samples from the start of a block as long as they are newer than all others of their series, which the segment knows. With a
    /// scrape like the one before it those are all.
    /// - Returns: how many were taken.
    private mutating func takeKnown(
        _ block: SampleBlock, in segment: UInt64, _ state: inout TimeSeriesStore.State
    ) -> Int {
        let time = block.timestamp.millisecondsSinceEpoch
        let count = block.references.count
        guard time >= state.head.minimumTime else { return 0 }
        let segment = UInt32(truncatingIfNeeded: segment)
        var taken = 0
        numbers = [UInt32](unsafeUninitializedCapacity: count) { numbers, numbersCount in
            before = [Before](unsafeUninitializedCapacity: count) { before, beforeCount in
                state.head.series.withUnsafeMutableBufferPointer { series in
                    while taken < count {
                        let raw = block.references[taken].raw
                        let number = Int(truncatingIfNeeded: raw & 0xFFFF_FFFF)
                        guard number < series.count, series[number].isLive,
                            series[number].generation == UInt32(truncatingIfNeeded: raw >> 32),
                            series[number].declaredIn == segment, series[number].lastTime < time
                        else { break }
                        numbers.initializeElement(at: taken, to: UInt32(number))
                        before.initializeElement(
                            at: taken, to: (UInt32(number), series[number].lastTime, series[number].lastBits))
                        series[number].lastTime = time
                        series[number].lastBits = block.values[taken].bitPattern
                        taken += 1
                    }
                }
                beforeCount = taken
            }
            numbersCount = taken
        }
        guard taken > 0 else { return 0 }
        values = taken == count ? block.values : Array(block.values[..<taken])
        firstTime = time
        lastTime = time
        outcome.stored = taken
        storedCount = taken
        return taken
    }

    /// Decides on a batch, whose series are known by their labels.
    mutating func plan(
        _ batch: SampleBatch, in segment: UInt64, _ state: inout TimeSeriesStore.State, _ book: inout LayoutBook,
        _ settings: StoreSettings
    ) {
        let batchTime = batch.timestamp.millisecondsSinceEpoch
        commonTime = batchTime
        let (latest, overflow) = batchTime.addingReportingOverflow(TimeSeriesStore.aheadMillisecondsMax)
        // As retention counts: a clock that is wrong refuses nothing for its age.
        let present = min(batchTime, state.newestTaken)
        let oldestKept = state.head.oldestKept(at: present, settings.shortestAge)
        numbers.reserveCapacity(batch.rows.count)
        values.reserveCapacity(batch.rows.count)
        for (index, row) in batch.rows.enumerated() {
            defer { if outcome.stored != storedCount { storedCount = outcome.stored } else { passOver(index) } }
            let time = row.timestamp?.millisecondsSinceEpoch ?? batchTime
            guard overflow || time <= latest, time >= oldestKept || isKept(time, row.labels, present, state, settings)
            else {
                outcome.outOfOrder += 1
                continue
            }
            guard let number = state.number(of: row.labels, settings) else {
                outcome.overLimit += 1
                state.refused.note(sampleCount: 1)
                continue
            }
            if batch.isOfBeginnings, !state.head.isNewer(time, than: number) { continue }
            if let histogram = row.histogram {
                take(number, time, histogram, segment, &state)
            } else {
                take(number, time, row.value, segment, &state, settings)
            }
        }
        writeMetadata(batch.metadata, in: segment, &state)
        finish(in: segment, &state, &book)
    }

    /// Whether a sample of some age is still kept of its series.
    private func isKept(
        _ time: Int64, _ labels: Labels, _ present: Int64, _ state: TimeSeriesStore.State, _ settings: StoreSettings
    ) -> Bool {
        time >= state.head.oldestKept(at: present, settings.age(of: labels))
    }

    /// Notes a sample that was not stored just now, and why: whichever count has risen.
    private mutating func passOver(_ index: Int) {
        let reason: AppendOutcome.LeftOut.Reason =
            outcome.outOfOrder > seen.outOfOrder
            ? .outOfOrder
            : outcome.duplicate > seen.duplicate
                ? .duplicate : outcome.overLimit > seen.overLimit ? .overLimit : .repeated
        seen = (outcome.outOfOrder, outcome.duplicate, outcome.overLimit)
        outcome.leftOut.append(.init(index: index, reason: reason))
    }

    @inline(__always)
    private mutating func take(
        _ number: Int, _ time: Int64, _ value: Double, _ segment: UInt64, _ state: inout TimeSeriesStore.State,
        _ settings: StoreSettings
    ) {
        let old = (UInt32(number), state.head.series[number].lastTime, state.head.series[number].lastBits)
        switch state.head.admit(number, time, value.bitPattern) {
        case .stored:
            if time != commonTime || !times.isEmpty { noteOwnTime(time) }
            numbers.append(UInt32(number))
            values.append(value)
            before.append(old)
            firstTime = min(firstTime, time)
            lastTime = max(lastTime, time)
            if state.head.declare(number, in: segment) { declared.append(number) }
            outcome.stored += 1
        case .repeated: break
        case .duplicate: outcome.duplicate += 1
        case .outOfOrder: takeLate(number, time, value, segment, &state, settings)
        }
    }

    private mutating func noteOwnTime(_ time: Int64) {
        if times.isEmpty { times = [Int64](repeating: commonTime, count: numbers.count) }
        times.append(time)
    }

    private mutating func takeLate(
        _ number: Int, _ time: Int64, _ value: Double, _ segment: UInt64, _ state: inout TimeSeriesStore.State,
        _ settings: StoreSettings
    ) {
        let window = settings.outOfOrderWindow.wholeMilliseconds
        guard window > 0, time >= (state.newestTaken &- window), time < state.newestTaken else {
            outcome.outOfOrder += 1
            return
        }
        switch lateVerdict(number, time, value.bitPattern, state.head) {
        case .repeated: return
        case .duplicate: outcome.duplicate += 1
        case .stored, .outOfOrder:
            lateNumbers.append(UInt32(number))
            lateTimes.append(time)
            lateValues.append(value)
            pending.addLate(UInt32(number), time, value.bitPattern)
            if state.head.declare(number, in: segment) { declared.append(number) }
            outcome.stored += 1
        }
    }

    /// Whether the series has a sample of that instant, as far as is known without reading a chunk: among its late samples, its open ones, and those
    /// that come with this reading. Against a finished chunk or a block a late sample is stored; of the two a reader takes the one
    /// that came in order.
    private mutating func lateVerdict(_ number: Int, _ time: Int64, _ bits: UInt64, _ head: Head) -> Head.Verdict {
        while pending.count < numbers.count {
            let index = pending.count
            pending.add(numbers[index], times.isEmpty ? commonTime : times[index], values[index].bitPattern)
        }
        while pending.histogramCount < histograms.count {
            let entry = histograms[pending.histogramCount]
            pending.addHistogram(entry.number, entry.time)
        }
        if let verdict = pending.verdict(number, time, bits) { return verdict }
        let verdict = head.late[number]?.verdict(time, bits) ?? .stored
        return verdict == .stored ? head.openVerdict(number, time, bits) : verdict
    }

    private mutating func take(
        _ number: Int, _ time: Int64, _ histogram: NativeHistogram, _ segment: UInt64,
        _ state: inout TimeSeriesStore.State
    ) {
        guard histogram.isWellFormed else {
            outcome.outOfOrder += 1
            return
        }
        let old = (UInt32(number), state.head.series[number].lastTime, state.head.series[number].lastBits)
        switch state.head.admit(number, time, histogram.admissionBits) {
        case .stored:
            histograms.append((UInt32(number), time, histogram))
            before.append(old)
            firstTime = min(firstTime, time)
            lastTime = max(lastTime, time)
            if state.head.declare(number, in: segment) { declared.append(number) }
            outcome.stored += 1
        case .repeated: break
        case .duplicate: outcome.duplicate += 1
        case .outOfOrder: outcome.outOfOrder += 1
        }
    }

    // MARK: Records

    private mutating func finish(
        in segment: UInt64, _ state: inout TimeSeriesStore.State, _ book: inout LayoutBook
    ) {
        writeDeclarations(state.head)
        if !numbers.isEmpty, times.isEmpty {
            book.write(
                numbers, commonTime, values, in: segment, to: &records,
                beginsChunk: state.head.beginsChunk(Int(numbers[0]), at: commonTime))
        } else {
            writeSamples(.samples, numbers, times, values)
        }
        if !lateNumbers.isEmpty {
            writeSamples(.late, lateNumbers, lateTimes, lateValues)
            // The segment stays until what is newer than these has moved to blocks, and they with it.
            lastTime = max(lastTime, state.newestTaken)
        }
        for entry in histograms {
            var chunk: [UInt8] = []
            encodeHistograms([entry.histogram], into: &chunk)
            // One that no record holds is refused by the callers' formats long before.
            guard chunk.count < LogFormat.payloadByteCountMax / 2 else { continue }
            records.record(.histograms) { writer in
                writer.varint(UInt64(entry.number))
                writer.zigzag(entry.time)
                writer.raw(chunk)
            }
        }
    }

    private mutating func writeSamples(
        _ type: LogFormat.RecordType, _ numbers: [UInt32], _ times: [Int64], _ values: [Double]
    ) {
        for start in stride(from: 0, to: numbers.count, by: LogFormat.sampleCountMax) {
            let range = start..<min(numbers.count, start + LogFormat.sampleCountMax)
            records.record(type) { $0.samples(numbers[range], times[range], values[range]) }
        }
    }

    /// Several records where the labels are many, each well below the limit of a record; packed where that is worth it.
    private mutating func writeDeclarations(_ head: Head) {
        var next = 0
        while next < declared.count {
            var part = ByteWriter()
            let isMany = declared.count - next > 16
            let limit = isMany ? LogFormat.declarationByteCountMax / 4 : LogFormat.payloadByteCountMax / 4
            while next < declared.count, part.count < limit {
                part.varint(declared[next])
                part.labels(head.labels(of: declared[next]))
                next += 1
            }
            if isMany, let packed = Self.packed(part.bytes),
                packed.count + 10 <= LogFormat.payloadByteCountMax, packed.count < part.count
            {
                records.record(.packedSeries) { writer in
                    writer.varint(part.count)
                    writer.raw(packed)
                }
            } else if part.count <= LogFormat.payloadByteCountMax {
                records.record(.series) { $0.raw(part.bytes) }
            } else {
                // What does not shrink goes one by one: each fits by itself.
                var reader = ByteReader(part.bytes)
                while !reader.isAtEnd {
                    let start = reader.offset
                    guard (try? reader.varint()) != nil, (try? reader.labels()) != nil else { break }
                    records.record(.series) { $0.raw(part.bytes[start..<reader.offset]) }
                }
            }
        }
    }

    /// - Returns: nil where there is no memory to pack; the plain form serves then.
    private static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        guard var compressor = try? ZstdBlockCompressor(level: 3) else { return nil }
        return try? compressor.compress(bytes)
    }

    private mutating func writeMetadata(
        _ metadata: MetadataByName, in segment: UInt64, _ state: inout TimeSeriesStore.State
    ) {
        guard !metadata.isEmpty else { return }
        var pending: [MetricMetadata] = []
        for (name, entry) in metadata {
            let old = state.metadata[name]
            guard old != entry || state.metadataDeclaredIn[ByteText(name)] != segment else { continue }
            // A help text past this is no help; the log's records have a limit.
            guard entry.name.utf8.count + entry.help.utf8.count + entry.unit.utf8.count <= LogFormat.labelsByteCountMax
            else { continue }
            declaredMetrics.append((name, old))
            state.metadata[name] = entry
            state.metadataDeclaredIn[ByteText(name)] = segment
            pending.append(entry)
        }
        var next = 0
        while next < pending.count {
            records.record(.describedMetadata) { writer in
                let limit = writer.count + LogFormat.payloadByteCountMax / 4
                while next < pending.count, writer.count < limit {
                    writer.metadata(pending[next])
                    next += 1
                }
            }
        }
    }

    // MARK: The end

    /// Brings what was written into the head.
    func commit(_ state: inout TimeSeriesStore.State) {
        if times.isEmpty {
            state.head.add(numbers, commonTime, values)
        } else {
            for index in numbers.indices { state.head.add(Int(numbers[index]), times[index], values[index]) }
        }
        for entry in histograms { state.head.add(Int(entry.number), entry.time, entry.histogram) }
        for index in lateNumbers.indices {
            state.head.late[Int(lateNumbers[index]), default: LateSamples()]
                .insert(lateTimes[index], lateValues[index])
        }
        state.newestTaken = max(state.newestTaken, lastTime)
    }

    func takeBack(_ state: inout TimeSeriesStore.State) {
        for old in before.reversed() {
            state.head.restore(Int(old.number), lastTime: old.lastTime, lastBits: old.lastBits)
        }
        for number in declared { state.head.withdraw(number) }
        for (name, old) in declaredMetrics {
            state.metadata[name] = old
            state.metadataDeclaredIn[ByteText(name)] = nil
        }
    }
}

/// The samples of a reading that are to be taken, by series and instant.
private struct PendingSamples {
    private struct Key: Hashable {
        var number: UInt32
        var time: Int64
    }

    /// Nil for a histogram.
    private var bitsByKey: [Key: UInt64?] = [:]
    /// Of those that are taken in order.
    private(set) var count = 0
    private(set) var histogramCount = 0

    mutating func add(_ number: UInt32, _ time: Int64, _ bits: UInt64) {
        addLate(number, time, bits)
        count += 1
    }

    mutating func addLate(_ number: UInt32, _ time: Int64, _ bits: UInt64) {
        bitsByKey.updateValue(bits, forKey: Key(number: number, time: time))
    }

    mutating func addHistogram(_ number: UInt32, _ time: Int64) {
        bitsByKey.updateValue(nil, forKey: Key(number: number, time: time))
        histogramCount += 1
    }

    /// - Returns: nil where there is no sample of that instant.
    func verdict(_ number: Int, _ time: Int64, _ bits: UInt64) -> Head.Verdict? {
        guard let known = bitsByKey[Key(number: UInt32(number), time: time)] else { return nil }
        return known == bits ? .repeated : .duplicate
    }
}
