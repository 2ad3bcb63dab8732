import DurableFiles
import Series
import Synchronization
import Units

// What is to be sent is first written down here: a row of segments that each address reads at its own pace. So nothing is lost while
// a receiver is down, whatever happens to this process meanwhile.
//
//     append ──▶ │ 7 │ 8 │ 9 … ◀── end        files `00000007.queue` …
//                  ▲       ▲
//          position of a   position of b      files `<name>.position`
//
//   - A record that was appended survives the end of the process; once a second it is synced and survives a power cut.
//   - A position moves on only when the receiver has acknowledged everything before it; it is written beside, synced and renamed.
//     After a crash the last second is perhaps sent twice: at least once, and per series in order.
//   - A segment goes when all addresses are past it. When the queue is larger or older than allowed, the oldest segment goes though
//     they are not; what they lost is counted.
//   - After a start, writing begins with a new segment. A torn record at the end of an old one ends that segment.

/// How large the queue may become.
struct QueueLimits: Sendable, Hashable {
    var sizeMax: Int64 = 4 << 30
    var ageMax: Duration = .seconds(7 * 86_400)
    var segmentByteCount: Int64 = 16 << 20
}

/// The queue on disk that all addresses share.
final class WriteQueue: Sendable {
    let folder: String
    let files: any FileSystem
    let limits: QueueLimits
    private let state: Mutex<State>

    /// What is in memory of the segment that is written.
    private struct State: ~Copyable {
        var file: AppendFile
        var number: Int
        var length: Int64
        /// Earlier segments, oldest first, with their sizes and the time of their last record.
        var closed: [(number: Int, byteCount: Int64, lastAt: Timestamp)]
        var ids: [Labels: UInt32] = [:]
        var nextID: UInt32 = 0
        var idByReference: [SeriesReference: UInt32] = [:]
        var sampleCount = 0
        var newestTime = Int64.min
        var hasUnsynced = false
        /// A write failed in the midst: what the segment defines is not to be trusted, and nothing more is written to it.
        var isTorn = false
        var listeners: [AsyncStream<Void>.Continuation] = []
    }

    /// Opens the queue, or makes it.
    /// - Throws: `FileError`.
    init(folder: String, files: any FileSystem, limits: QueueLimits) throws {
        self.folder = folder
        self.files = files
        self.limits = limits
        try files.createFolders(folder)
        var closed: [(number: Int, byteCount: Int64, lastAt: Timestamp)] = []
        for name in try files.list(folder) {
            guard let number = Self.number(of: name) else { continue }
            let path = joined(folder, name)
            guard let status = try files.status(of: path) else { continue }
            closed.append((number, status.byteCount, Timestamp(millisecondsSinceEpoch: status.modifiedAt)))
        }
        closed.sort { $0.number < $1.number }
        let number = (closed.last?.number ?? 0) + 1
        let file = try Self.newSegment(number, folder, files)
        state = Mutex(
            State(file: file, number: number, length: Int64(QueueFormat.magic.count), closed: closed))
    }

    static func path(_ number: Int, in folder: String) -> String {
        let digits = String(number)
        return joined(folder, "\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).queue")
    }

    private static func number(of name: String) -> Int? {
        guard name.hasSuffix(".queue") else { return nil }
        return Int(name.dropLast(".queue".count))
    }

    private static func newSegment(_ number: Int, _ folder: String, _ files: any FileSystem) throws -> AppendFile {
        var file = try files.create(path(number, in: folder))
        try file.write(QueueFormat.magic)
        try files.syncFolder(folder)
        return file
    }

    /// Behind the last record.
    var end: QueuePosition { state.withLock { QueuePosition(segment: $0.number, offset: $0.length) } }

    /// Samples appended since the start, and the newest time among them.
    var appended: (sampleCount: Int, newestTime: Int64) { state.withLock { ($0.sampleCount, $0.newestTime) } }

    /// The oldest place that there is.
    var beginning: QueuePosition {
        state.withLock { state in
            QueuePosition(segment: state.closed.first?.number ?? state.number, offset: Int64(QueueFormat.magic.count))
        }
    }

    /// The segment after `number`, or nil when that is the one that is written.
    func segment(after number: Int) -> Int? {
        state.withLock { state in
            guard number < state.number else { return nil }
            return state.closed.first { $0.number > number }?.number ?? state.number
        }
    }

    /// Speaks up when something was appended.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.listeners.append(continuation) }
        return stream
    }

    /// Writes down samples by number.
    /// - Parameter labels: of the series whose number is not known in the segment yet.
    /// - Returns: how many were left out because nobody knows their labels.
    /// - Throws: `FileError`; nothing of the block is in the queue then, or it is behind a torn record and will be read.
    @discardableResult
    func append(_ block: SampleBlock, labels: (SeriesReference) -> Labels?) throws -> Int {
        try state.withLock { state in
            try rotateIfFull(&state, now: block.timestamp)
            var ids: [UInt32] = []
            var values: [Double] = []
            var new: [(id: UInt32, labels: Labels)] = []
            ids.reserveCapacity(block.references.count)
            values.reserveCapacity(block.references.count)
            for (index, reference) in block.references.enumerated() {
                if let id = state.idByReference[reference] {
                    ids.append(id)
                } else {
                    guard let own = labels(reference) else { continue }
                    let id = Self.id(of: own, &state, &new)
                    state.idByReference[reference] = id
                    ids.append(id)
                }
                values.append(block.values[index])
            }
            var bytes: [UInt8] = new.isEmpty ? [] : QueueFormat.series(new)
            bytes += QueueFormat.block(ids, values, at: block.timestamp.millisecondsSinceEpoch)
            try write(bytes, &state, sampleCount: ids.count, newest: block.timestamp.millisecondsSinceEpoch)
            return block.references.count - ids.count
        }
    }

    /// Writes down a batch with its exemplars.
    func append(_ batch: SampleBatch) throws {
        guard !batch.rows.isEmpty || !batch.exemplars.isEmpty else { return }
        try state.withLock { state in
            try rotateIfFull(&state, now: batch.timestamp)
            var new: [(id: UInt32, labels: Labels)] = []
            var plain: (ids: [UInt32], values: [Double]) = ([], [])
            var others: [(id: UInt32, row: SampleBatch.Row)] = []
            for row in batch.rows {
                let id = Self.id(of: row.labels, &state, &new)
                if row.timestamp == nil, row.histogram == nil {
                    plain.ids.append(id)
                    plain.values.append(row.value)
                } else {
                    others.append((id, row))
                }
            }
            let exemplars = batch.exemplars.map { (Self.id(of: $0.series, &state, &new), $0) }
            var bytes: [UInt8] = new.isEmpty ? [] : QueueFormat.series(new)
            if !plain.ids.isEmpty {
                bytes += QueueFormat.block(plain.ids, plain.values, at: batch.timestamp.millisecondsSinceEpoch)
            }
            if !others.isEmpty { bytes += QueueFormat.rows(others, at: batch.timestamp) }
            if !exemplars.isEmpty { bytes += QueueFormat.exemplars(exemplars) }
            try write(
                bytes, &state, sampleCount: batch.rows.count, newest: batch.timestamp.millisecondsSinceEpoch)
        }
    }

    private static func id(
        of labels: Labels, _ state: inout State, _ new: inout [(id: UInt32, labels: Labels)]
    ) -> UInt32 {
        if let id = state.ids[labels] { return id }
        let id = state.nextID
        state.nextID += 1
        state.ids[labels] = id
        new.append((id, labels))
        return id
    }

    private func write(_ bytes: [UInt8], _ state: inout State, sampleCount: Int, newest: Int64) throws {
        do {
            try state.file.write(bytes)
        } catch {
            // Part of it may be there. A full disk has no room for the next segment either: the next record tries to begin it.
            state.isTorn = true
            throw error
        }
        state.length += Int64(bytes.count)
        state.sampleCount += sampleCount
        state.newestTime = max(state.newestTime, newest)
        state.hasUnsynced = true
        for listener in state.listeners { listener.yield() }
    }

    private func rotateIfFull(_ state: inout State, now: Timestamp) throws {
        guard state.length >= limits.segmentByteCount || state.isTorn else { return }
        try state.file.sync()
        try startSegment(&state, now: now)
        state.isTorn = false
    }

    private func startSegment(_ state: inout State, now: Timestamp) throws {
        let number = state.number + 1
        let file = try Self.newSegment(number, folder, files)
        state.closed.append((state.number, state.length, now))
        state.file = file
        state.number = number
        state.length = Int64(QueueFormat.magic.count)
        state.ids = [:]
        state.nextID = 0
        state.idByReference = [:]
        state.hasUnsynced = false
    }

    /// Makes what was appended survive a power cut.
    func sync() throws {
        try state.withLock { state in
            guard state.hasUnsynced else { return }
            try state.file.sync()
            state.hasUnsynced = false
        }
    }

    /// Removes segments that all addresses are past.
    func release(before segment: Int) throws {
        let done = state.withLock { state in
            let done = state.closed.prefix { $0.number < segment }.map(\.number)
            state.closed.removeFirst(done.count)
            return done
        }
        for number in done { try files.remove(Self.path(number, in: folder)) }
    }

    /// The oldest segment, where the queue is larger or older than allowed.
    func segmentOverLimit(at now: Timestamp) -> Int? {
        state.withLock { state in
            guard let oldest = state.closed.first else { return nil }
            let size = state.closed.reduce(state.length) { $0 + $1.byteCount }
            return size > limits.sizeMax || now - oldest.lastAt > limits.ageMax ? oldest.number : nil
        }
    }

    var byteCount: Int64 { state.withLock { state in state.closed.reduce(state.length) { $0 + $1.byteCount } } }
}
