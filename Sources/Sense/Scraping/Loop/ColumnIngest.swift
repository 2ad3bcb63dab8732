import Exposition
import Series
import Synchronization
import Units

// From a page to the store without an object for a sample. The page gives columns: values, and beside them the slot of each
// series, a small number that stays the same while the series stands on the page. What the labels become (honor flags, metric
// relabelling) and which number the store gave them is decided once, when a slot appears, and kept in arrays indexed by slot.
// While the layout of the page stays as it is, a scrape is: compare, swap the values in, hand the two columns to the store.
//
//     page.slots   3 0 1 2 …          standing[slot]   stored as / dropped / to be asked for
//     page.values  v v v v …   ──▶    references, values   ──▶ SampleBlock
//
// Labels are not kept. Where they are needed again (the store forgot an idle series), they are read from the page's own bytes.

/// How a page was taken.
struct IngestOutcome {
    var sampleCount = 0
    var keptCount = 0
    var addedCount = 0
    var refusedCount = 0
    /// The store no longer knows the series of the scrape's own report.
    var isReportLost = false
    /// Why the page was refused; the series are then marked as ended.
    var failure: (any Error)?
}

/// Turns the pages of one target into blocks of samples. Used by one task at a time.
final class ColumnIngest {
    /// What is known of a slot.
    private enum Standing {
        /// Not asked yet, or forgotten by the store.
        case open
        /// Metric relabelling drops it.
        case dropped
        /// A limit of the store forbids it.
        case refused
        case stored(SeriesReference)
    }

    private let job: ScrapeJob
    private let labelling: SampleLabelling
    private let store: any ColumnAppending
    /// Changed by `take` alone, with `pageLock` held, so that `metadata` may be asked for at any time.
    private var page: ScrapePage
    private let pageLock = Mutex(())
    private var standing: [Standing] = []
    /// Of the samples that are stored, parallel to `kept`.
    private var references: [SeriesReference] = []
    /// Places of the stored samples within the page; empty when all of them are stored.
    private var kept: [Int] = []
    private var keepsAll = false
    private var hasOpenSlots = false
    /// Samples that metric relabelling leaves, refused ones included.
    private var keptCount = 0
    /// What gets a stale marker when it vanishes.
    private(set) var live: [SeriesReference] = []

    init(_ job: ScrapeJob, _ labelling: SampleLabelling, store: any ColumnAppending) {
        self.job = job
        self.labelling = labelling
        self.store = store
        let limits = job.limits
        page = ScrapePage(
            limits: ExpositionLimits(
                byteCountMax: Int((limits.body ?? ScrapeLimits.standardBody).bytes), sampleCountMax: .max,
                labelCountMax: .max, textByteCountMax: .max))
    }

    /// Reads a page.
    /// - Parameter report: gives the references and values that are stored with it, once it is known how it went.
    /// - Throws: what the store throws; nothing is counted as stored then.
    func take(
        _ body: [UInt8], _ format: ExpositionFormat, at now: Timestamp,
        report: (IngestOutcome) -> (references: [SeriesReference], values: [Double])
    ) async throws -> IngestOutcome {
        var outcome = IngestOutcome()
        do {
            let changes = try pageLock.withLock { _ in try page.read(body, format) }
            outcome.sampleCount = page.values.count + page.repeatedSlots.count
            if !changes.isSameLayout || hasOpenSlots { try await adopt(changes, &outcome) }
            // As in the reference, what a page repeats counts each time, also among what relabelling left.
            outcome.keptCount = keptCount + page.repeatedSlots.count { !isDropped($0) }
            if let most = job.limits.samples, outcome.keptCount > most {
                throw ScrapingError(
                    .limitExceeded, "sample limit exceeded: \(outcome.keptCount) samples, the limit is \(most)")
            }
            try await resolve()
            try await storePage(at: now, &outcome, report)
            try await storeAside(changes, at: now)
        } catch let error as ExpositionError {
            outcome.failure = error
        } catch let error as ScrapingError {
            outcome.failure = error
        }
        if outcome.failure != nil { outcome.isReportLost = try await end(at: now, report: report(outcome)) }
        return outcome
    }

    /// Marks every living series as ended, as a scrape that failed does.
    /// - Returns: whether the store no longer knows the series of the report.
    @discardableResult
    func end(
        at now: Timestamp, report: (references: [SeriesReference], values: [Double]) = ([], [])
    ) async throws -> Bool {
        let ended = live
        live = []
        let block = SampleBlock(
            timestamp: now, references: ended + report.references,
            values: [Double](repeating: staleMarker, count: ended.count) + report.values)
        guard !block.references.isEmpty else { return false }
        return try await store.append(block).unknown.contains { $0 >= ended.count }
    }

    /// Takes note of slots that came and went.
    private func adopt(_ changes: ScrapePage.Changes, _ outcome: inout IngestOutcome) async throws {
        while standing.count < page.slotCount { standing.append(.open) }
        for series in changes.vanished { standing[series.slot] = .open }
        hasOpenSlots = true
        for series in changes.appeared {
            // Whatever goes wrong below, the slot stays open and is looked at again with the next page.
            standing[series.slot] = .open
        }
        var asked: [(slot: Int, labels: Labels)] = []
        for series in changes.appeared {
            if let labels = try labelling.labels(of: series.labels) {
                asked.append((series.slot, labels))
            } else {
                standing[series.slot] = .dropped
            }
        }
        outcome.addedCount = asked.count
        try await ask(asked)
        keptCount = page.slots.count { !isDropped($0) }
    }

    private func isDropped(_ slot: UInt32) -> Bool {
        if case .dropped = standing[Int(slot)] { true } else { false }
    }

    /// The store's numbers for new series.
    private func ask(_ series: [(slot: Int, labels: Labels)]) async throws {
        guard !series.isEmpty else { return }
        // Over the limit nothing is stored, so no series is made for it.
        if let most = job.limits.samples, page.values.count > most {
            let droppedCount = page.slots.count { isDropped($0) }
            if page.values.count - droppedCount > most { return }
        }
        let answers = try await store.references(of: series.map(\.labels))
        for (series, reference) in zip(series, answers) {
            standing[series.slot] = reference.map { .stored($0) } ?? .refused
        }
    }

    /// Asks for what is still open, and puts the columns together anew.
    private func resolve() async throws {
        guard hasOpenSlots else { return }
        let open = page.slots.indices.filter { index in
            if case .open = standing[Int(page.slots[index])] { true } else { false }
        }
        if !open.isEmpty {
            var asked: [(slot: Int, labels: Labels)] = []
            for (sample, own) in page.labels(ofSamples: open).sorted(by: { $0.key < $1.key }) {
                let slot = Int(page.slots[sample])
                if let labels = try labelling.labels(of: own) {
                    asked.append((slot, labels))
                } else {
                    standing[slot] = .dropped
                }
            }
            try await ask(asked)
        }
        references.removeAll(keepingCapacity: true)
        kept.removeAll(keepingCapacity: true)
        for (index, slot) in page.slots.enumerated() {
            guard case .stored(let reference) = standing[Int(slot)] else { continue }
            references.append(reference)
            kept.append(index)
        }
        keepsAll = kept.count == page.slots.count
        hasOpenSlots = false
    }

    private func storePage(
        at now: Timestamp, _ outcome: inout IngestOutcome,
        _ report: (IngestOutcome) -> (references: [SeriesReference], values: [Double])
    ) async throws {
        let values = page.values
        outcome.refusedCount = keptCount - references.count
        var columns = keepsAll ? values : kept.map { values[$0] }
        var owners = references
        var tracked = references
        var byTime: [Int64: (references: [SeriesReference], values: [Double])] = [:]
        if job.honorsTimestamps, !page.times.isEmpty {
            (owners, columns, tracked, byTime) = split(columns)
        }
        if tracked != live {
            // Two series of the page may have become one, so what lives is asked for, not what vanished.
            let living = Set(tracked)
            let ended = live.isEmpty ? [] : Set(live).subtracting(living)
            owners += ended
            columns += [Double](repeating: staleMarker, count: ended.count)
            live = tracked
        }
        let sampleCount = owners.count
        let own = report(outcome)
        owners += own.references
        columns += own.values
        for (time, group) in byTime.sorted(by: { $0.key < $1.key }) {
            let block = SampleBlock(
                timestamp: Timestamp(millisecondsSinceEpoch: time), references: group.references, values: group.values)
            let answer = try await store.append(block)
            outcome.refusedCount += answer.outcome.outOfOrder + answer.outcome.duplicate
            forget(answer.unknown.map { block.references[$0] })
        }
        let block = SampleBlock(
            timestamp: now, references: owners, values: columns,
            refusedCount: max(0, keptCount - references.count))
        let answer = try await store.append(block)
        outcome.refusedCount += answer.outcome.outOfOrder + answer.outcome.duplicate
        if !answer.unknown.isEmpty {
            outcome.isReportLost = answer.unknown.contains { $0 >= sampleCount }
            try await storeAgain(block, answer.unknown.filter { $0 < sampleCount })
        }
    }

    /// Samples with a time of their own apart from the others.
    private func split(_ columns: [Double]) -> (
        [SeriesReference], [Double], [SeriesReference], [Int64: (references: [SeriesReference], values: [Double])]
    ) {
        var owners: [SeriesReference] = []
        var values: [Double] = []
        var tracked: [SeriesReference] = []
        var byTime: [Int64: (references: [SeriesReference], values: [Double])] = [:]
        for (place, index) in kept.enumerated() {
            let time = page.times[index]
            if time == .min {
                owners.append(references[place])
                values.append(columns[place])
            } else {
                byTime[time, default: ([], [])].references.append(references[place])
                byTime[time]!.values.append(columns[place])
            }
            if time == .min || job.tracksTimestampStaleness { tracked.append(references[place]) }
        }
        return (owners, values, tracked, byTime)
    }

    /// The store forgot these series: they are asked for anew and their samples stored once more.
    private func storeAgain(_ block: SampleBlock, _ unknown: [Int]) async throws {
        guard !unknown.isEmpty else { return }
        let lost = Set(unknown.map { block.references[$0] })
        forget(lost)
        var valueBySample: [Int: Double] = [:]
        for (place, index) in kept.enumerated() where lost.contains(references[place]) {
            valueBySample[index] = page.values[index]
        }
        try await resolve()
        var again = SampleBlock(timestamp: block.timestamp, references: [], values: [])
        for (place, index) in kept.enumerated() {
            guard let value = valueBySample[index] else { continue }
            again.references.append(references[place])
            again.values.append(value)
        }
        live = live.filter { !lost.contains($0) } + again.references
        if !again.references.isEmpty { _ = try await store.append(again) }
    }

    private func forget(_ lost: some Collection<SeriesReference>) {
        guard !lost.isEmpty else { return }
        let lost = Set(lost)
        for slot in standing.indices {
            if case .stored(let reference) = standing[slot], lost.contains(reference) { standing[slot] = .open }
        }
        hasOpenSlots = true
    }

    /// Metadata and exemplars: seldom new.
    private func storeAside(_ changes: ScrapePage.Changes, at now: Timestamp) async throws {
        guard !changes.metadata.isEmpty || !changes.exemplars.isEmpty else { return }
        var batch = SampleBatch(at: now)
        for entry in changes.metadata { batch.metadata[entry.name] = entry }
        if !changes.exemplars.isEmpty {
            let own = page.labels(ofSamples: changes.exemplars.map(\.sample))
            for exemplar in changes.exemplars {
                guard let series = try own[exemplar.sample].flatMap({ try labelling.labels(of: $0) }) else { continue }
                batch.exemplars.append(
                    Exemplar(
                        series: series, labels: exemplar.labels, value: exemplar.value, timestamp: exemplar.timestamp))
            }
        }
        try await store.append(batch)
    }

    /// The metadata of the last page.
    func metadata() -> MetadataByName { pageLock.withLock { _ in page.metadata() } }
}
