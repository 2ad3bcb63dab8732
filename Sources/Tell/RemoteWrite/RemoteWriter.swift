import Diagnostics
public import DurableFiles
public import Logging
public import Series
import Synchronization
public import Units

// Sends a copy of all samples to other stores by Prometheus' remote write. What is appended goes into the store first and then into a
// queue on disk, of which each address takes its share at its own pace (see `WriteQueue`, `RemoteSender`).

/// What all addresses share.
struct RemoteSurroundings: Sendable {
    var clock: any Clock<Duration>
    var wallClock: any WallClock
    var logger: Logger
    var userAgent: String
    /// Added to every series that lacks them.
    var externalLabels: Labels
    var metadata: @Sendable () async -> MetadataByName
}

/// How much of the queue is kept when receivers are down.
public struct RemoteQueueLimits: Sendable, Hashable {
    /// Bytes on disk.
    public var sizeMax: Int64
    public var ageMax: Duration
    /// Bytes of one file.
    public var segmentByteCount: Int64

    public init(sizeMax: Int64 = 4 << 30, ageMax: Duration = .seconds(7 * 86_400), segmentByteCount: Int64 = 16 << 20) {
        self.sizeMax = sizeMax
        self.ageMax = ageMax
        self.segmentByteCount = segmentByteCount
    }
}

/// What pages show of an address.
public struct RemoteWriteStatus: Sendable, Hashable {
    public var name: String
    /// Scheme, host and port.
    public var url: String
    public var sentSamples: Int
    public var failedSamples: Int
    public var lostSamples: Int
    public var newestSentAt: Timestamp?
    public var newestQueuedAt: Timestamp?
    public var queueByteCount: Int64
    /// Why the last request failed; nil when it worked.
    public var lastError: String?
}

/// The queue and its addresses.
public final class RemoteWriter: Sendable {
    private let queue: WriteQueue
    private let around: RemoteSurroundings
    private let state: Mutex<State>
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    private struct State {
        var senders: [RemoteSender]
        /// Samples that did not even get into the queue.
        var unqueuedCount = 0
        var lastQueueError: String?
    }

    /// Opens the queue.
    /// - Parameters:
    ///   - folder: of the queue's files; made if missing.
    ///   - metadata: what is known of the metrics.
    /// - Throws: `FileError`.
    public init(
        _ settings: [RemoteWriteSettings], folder: String, files: any FileSystem, limits: RemoteQueueLimits,
        externalLabels: Labels, clock: any Clock<Duration>, wallClock: any WallClock, logger: Logger, userAgent: String,
        metadata: @escaping @Sendable () async -> MetadataByName
    ) throws {
        queue = try WriteQueue(
            folder: folder, files: files,
            limits: QueueLimits(
                sizeMax: limits.sizeMax, ageMax: limits.ageMax, segmentByteCount: limits.segmentByteCount))
        around = RemoteSurroundings(
            clock: clock, wallClock: wallClock, logger: logger, userAgent: userAgent, externalLabels: externalLabels,
            metadata: metadata)
        let (queue, around) = (queue, around)
        state = Mutex(State(senders: try settings.map { try RemoteSender($0, queue, around) }))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    private var senders: [RemoteSender] { state.withLock { $0.senders } }

    /// Queues a batch. A queue that cannot be written costs the copy, never the sample: it is counted and said.
    func append(_ batch: SampleBatch) {
        do { try queue.append(batch) } catch { noteUnqueued(batch.rows.count, error) }
    }

    func append(_ block: SampleBlock, labels: (SeriesReference) -> Labels?) {
        do {
            let leftOut = try queue.append(block, labels: labels)
            if leftOut > 0 { state.withLock { $0.unqueuedCount += leftOut } }
        } catch {
            noteUnqueued(block.references.count, error)
        }
    }

    private func noteUnqueued(_ count: Int, _ error: any Error) {
        let isNew = state.withLock { state in
            state.unqueuedCount += count
            defer { state.lastQueueError = describe(error) }
            return state.lastQueueError == nil
        }
        if isNew { around.logger.error("remote write: samples could not be queued: \(describe(error))") }
    }

    /// Sends until the task is cancelled. What was not acknowledged by then is sent after the next start.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            for sender in senders { group.addTask { await sender.run() } }
            group.addTask { await self.maintain() }
            await group.waitForAll()
        }
        save()
    }

    /// Once a second: sync, save positions, remove what is done.
    private func maintain() async {
        while (try? await around.clock.sleep(for: .seconds(1))) != nil {
            save()
            keepLimits()
        }
    }

    private func save() {
        do {
            try queue.sync()
            for sender in senders { try sender.savePosition() }
            if let first = senders.map(\.position.segment).min() { try queue.release(before: first) }
            state.withLock { $0.lastQueueError = nil }
        } catch {
            around.logger.error("remote write: the queue could not be saved: \(describe(error))")
        }
    }

    /// Gives up the oldest segments while the queue is larger or older than allowed.
    private func keepLimits() {
        while let segment = queue.segmentOverLimit(at: around.wallClock.now), let next = queue.segment(after: segment) {
            let start = QueuePosition(segment: next, offset: Int64(QueueFormat.magic.count))
            for sender in senders where sender.position < start {
                var reader = QueueReader(queue, at: sender.position)
                // Counting what is lost; a segment that cannot even be read counts as nothing.
                let count = (try? reader.count(before: start)) ?? 0
                sender.lose(before: start, sampleCount: count)
                around.logger.error(
                    "remote write: the queue is full, \(count) samples are lost",
                    metadata: ["remote_name": "\(sender.settings.name)"])
            }
            do { try queue.release(before: next) } catch {
                around.logger.error("remote write: \(describe(error))")
                return
            }
        }
    }

    /// All addresses.
    public var statuses: [RemoteWriteStatus] {
        let newest = queue.appended.newestTime
        let size = queue.byteCount
        func time(_ milliseconds: Int64) -> Timestamp? {
            milliseconds == .min ? nil : Timestamp(millisecondsSinceEpoch: milliseconds)
        }
        return senders.map { sender in
            let tally = sender.tally
            return RemoteWriteStatus(
                name: sender.settings.name, url: sender.url, sentSamples: tally.samples + tally.histograms,
                failedSamples: tally.failedSamples, lostSamples: tally.lost, newestSentAt: time(tally.newestSentTime),
                newestQueuedAt: time(newest), queueByteCount: size, lastError: tally.lastError)
        }
    }

    /// Adds what the addresses count (`prometheus_remote_storage_…`).
    public func report(into batch: inout SampleBatch) {
        let appended = queue.appended
        for sender in senders {
            sender.tally.report(into: &batch, sender.settings, url: sender.url, newestTime: appended.newestTime)
        }
        func put(_ name: String, _ type: MetricType, _ help: String, _ value: Double) {
            batch.add(name, [:], value)
            batch.metadata[name] = MetricMetadata(name, type, help)
        }
        put("prometheus_remote_storage_samples_in_total", .counter, "Samples queued.", Double(appended.sampleCount))
        if appended.newestTime > .min {
            put(
                "prometheus_remote_storage_highest_timestamp_in_seconds", .gauge, "The newest sample queued.",
                Double(appended.newestTime) / 1000)
        }
        put("jaga_remote_queue_bytes", .gauge, "Size of the queue on disk.", Double(queue.byteCount))
        put(
            "jaga_remote_queue_refused_samples_total", .counter, "Samples that could not be written to the queue.",
            Double(state.withLock { $0.unqueuedCount }))
    }
}
