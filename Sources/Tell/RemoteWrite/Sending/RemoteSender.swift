import Diagnostics
import DurableFiles
import Exposition
import Logging
import Outbound
import Series
import Synchronization
import Units

// One address. It works in rounds: read from the queue what the shards can hold, send it by all shards beside each other, and when all
// of it was taken (or refused for good), move the position on. A shard is a hash of the series, so samples of one series never
// overtake each other; the number of shards changes only between rounds, when nothing is under way. A receiver that is down holds the
// round up; the queue grows on disk meanwhile.

/// Reads the queue for one address and sends.
final class RemoteSender: Sendable {
    let settings: RemoteWriteSettings
    private let queue: WriteQueue
    private let around: RemoteSurroundings
    private let positionFile: String
    private let state: Mutex<State>
    let url: String

    private struct State {
        var tally = SenderTally()
        /// Everything before this was acknowledged.
        var position: QueuePosition
        var savedPosition: QueuePosition?
    }

    /// - Throws: `FileError` when the position cannot be read.
    init(_ settings: RemoteWriteSettings, _ queue: WriteQueue, _ around: RemoteSurroundings) throws {
        self.settings = settings
        self.queue = queue
        self.around = around
        url = displayedOrigin(of: Secret(settings.url))
        positionFile = joined(queue.folder, "\(Self.fileName(settings.name)).position")
        let saved = try Self.position(in: positionFile, queue.files)
        // An address that is new gets what comes from now on, as the reference does.
        let start = saved.map { max($0.position, queue.beginning) } ?? queue.end
        var tally = SenderTally()
        tally.newestSentTime = saved?.newestSentTime ?? .min
        tally.startTime = around.wallClock.now.millisecondsSinceEpoch
        tally.shards = settings.queue.shardsMin
        state = Mutex(State(tally: tally, position: start, savedPosition: saved?.position))
        // Else a crash in the first second would make the address new once more.
        try savePosition()
    }

    /// A name that is a file's name whatever the text holds: what is not plain is written as its code.
    static func fileName(_ name: String) -> String {
        String(
            name.utf8.flatMap { byte -> [Character] in
                let scalar = Unicode.Scalar(byte)
                let isPlain = scalar.properties.isAlphabetic || (48...57).contains(byte) || byte == 0x2D || byte == 0x5F
                return byte < 0x80 && isPlain ? [Character(scalar)] : Array("%\(String(byte, radix: 16))")
            })
    }

    /// Reads `segment offset newest`; the last, the time of the newest sample that was sent, is missing until one was.
    private static func position(
        in path: String, _ files: any FileSystem
    ) throws -> (position: QueuePosition, newestSentTime: Int64?)? {
        guard try files.status(of: path) != nil else { return nil }
        let words = String(decoding: try files.contents(of: path), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, let segment = Int(words[0]), let offset = Int64(words[1]) else { return nil }
        return (QueuePosition(segment: segment, offset: offset), words.count > 2 ? Int64(words[2]) : nil)
    }

    var position: QueuePosition { state.withLock { $0.position } }
    var tally: SenderTally { state.withLock { $0.tally } }

    /// The queue gave up segments before `position`; what was not sent of them is lost.
    func lose(before position: QueuePosition, sampleCount: Int) {
        state.withLock { state in
            guard state.position < position else { return }
            state.position = position
            state.tally.lost += sampleCount
        }
    }

    /// Makes the position survive.
    func savePosition() throws {
        let (position, newest) = state.withLock { state -> (QueuePosition?, Int64) in
            (state.position == state.savedPosition ? nil : state.position, state.tally.newestSentTime)
        }
        guard let position else { return }
        let last = newest > .min ? " \(newest)" : ""
        try queue.files.replace(positionFile, with: Array("\(position.segment) \(position.offset)\(last)\n".utf8))
        state.withLock { $0.savedPosition = position }
    }

    /// Sends until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.sendOnAndOn() }
            if settings.metadata.isSent, settings.version == .v1 { group.addTask { await self.sendMetadata() } }
            await group.waitForAll()
        }
    }

    private func sendOnAndOn() async {
        var reader = QueueReader(queue, at: position)
        var planner = RequestPlanner(settings, externalLabels: around.externalLabels)
        let changes = queue.changes()
        let connections = (0..<settings.queue.shardsMax).map { _ in HTTPConnection() }
        do {
            while true {
                try await waitForSamples(changes)
                if position > reader.position { reader.jump(to: position) }
                let shards = tally.shards
                let most = shards * min(settings.queue.capacity, settings.queue.samplesPerSendMax * 2)
                let chunk: QueueChunk
                do {
                    chunk = try reader.read(most: most)
                } catch {
                    // Not even readable: said, and tried again, rather than skipped.
                    note(describe(error))
                    try await around.clock.sleep(for: settings.queue.backoffMax)
                    reader.jump(to: position)
                    continue
                }
                for damage in chunk.damage { around.logger.error("remote write queue: \(damage)") }
                try await send(chunk, shards, &planner, connections)
                let isBehind = chunk.sampleCount >= most
                state.withLock { state in
                    state.position = max(state.position, chunk.end)
                    adapt(&state.tally, isBehind: isBehind)
                }
            }
        } catch {
            // Only cancellation ends the loop. The position is that of the last whole round.
        }
    }

    /// Comes back when there is something to send: enough for a request, or anything once the deadline has passed.
    private func waitForSamples(_ changes: AsyncStream<Void>) async throws {
        var iterator = changes.makeAsyncIterator()
        while position >= queue.end {
            guard await iterator.next() != nil else { throw CancellationError() }
            try Task.checkCancellation()
        }
        let start = queue.appended.sampleCount
        var waited = Duration.zero
        let step = settings.queue.sendDeadline / 10
        // Earlier segments were not sent in time already.
        while waited < settings.queue.sendDeadline, position.segment == queue.end.segment,
            queue.end.offset - position.offset < Int64(settings.queue.samplesPerSendMax) * 8,
            queue.appended.sampleCount - start < settings.queue.samplesPerSendMax
        {
            try await around.clock.sleep(for: step)
            waited += step
        }
    }

    private func send(
        _ chunk: QueueChunk, _ shards: Int, _ planner: inout RequestPlanner, _ connections: [HTTPConnection]
    ) async throws {
        let limit = settings.queue.ageLimit
        let oldest = limit > .zero ? (around.wallClock.now - limit).millisecondsSinceEpoch : .min
        let metadata = settings.version == .v2 ? await around.metadata() : [:]
        let plan = planner.plan(chunk, shardCount: shards, oldest: oldest, metadata: metadata)
        let pending = plan.shards.joined().reduce(0) { $0 + $1.sampleCount + $1.histogramCount }
        state.withLock { state in
            state.tally.pending = pending
            state.tally.relabelledAway += plan.relabelledAwayCount
            state.tally.tooOld += plan.tooOldCount
            state.tally.unwanted += plan.unwantedCount
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, requests) in plan.shards.enumerated() where !requests.isEmpty {
                let sender = RequestSender(
                    settings: settings, userAgent: around.userAgent, connection: connections[index],
                    clock: around.clock, wallClock: around.wallClock
                ) { [self] change in state.withLock { change(&$0.tally) } }
                group.addTask {
                    for request in requests { self.note(try await sender.send(request)) }
                }
            }
            try await group.waitForAll()
        }
        state.withLock { state in
            state.tally.pending = 0
            state.tally.newestSentTime = max(state.tally.newestSentTime, plan.newestTime)
        }
    }

    private func note(_ outcome: RequestOutcome) {
        state.withLock { state in
            state.tally.samples += outcome.sentSamples
            state.tally.histograms += outcome.sentHistograms
            state.tally.exemplars += outcome.sentExemplars
            state.tally.failedSamples += outcome.failedSamples
            state.tally.lastError = outcome.lastError
        }
        if outcome.failedSamples > 0 {
            around.logger.error(
                "remote write: the receiver refused \(outcome.failedSamples) samples for good",
                metadata: ["remote_name": "\(settings.name)", "error": "\(outcome.lastError ?? "")"])
        }
    }

    private func note(_ error: String) {
        state.withLock { $0.tally.lastError = error }
        around.logger.error("remote write: \(error)", metadata: ["remote_name": "\(settings.name)"])
    }

    /// Behind: twice the shards; in step: one less.
    private func adapt(_ tally: inout SenderTally, isBehind: Bool) {
        let wanted = isBehind ? tally.shards * 2 : tally.shards - 1
        tally.desiredShards = max(1, wanted)
        tally.shards = max(settings.queue.shardsMin, min(settings.queue.shardsMax, wanted))
    }

    /// Version 1 sends metadata apart from the samples, again and again. They are not worth a second try.
    private func sendMetadata() async {
        let connection = HTTPConnection()
        while (try? await around.clock.sleep(for: settings.metadata.interval)) != nil {
            let all = await around.metadata().values.sorted { $0.name < $1.name }
            for start in stride(from: 0, to: all.count, by: settings.metadata.entriesPerSendMax) {
                let part = Array(all[start..<min(start + settings.metadata.entriesPerSendMax, all.count)])
                let isSent = await sendOnce(WriteRequest(metadata: part), connection)
                state.withLock { state in
                    if isSent { state.tally.metadata += part.count } else { state.tally.failedMetadata += part.count }
                }
                if !isSent { break }
            }
        }
    }

    private func sendOnce(_ request: WriteRequest, _ connection: HTTPConnection) async -> Bool {
        let sender = RequestSender(
            settings: settings, userAgent: around.userAgent, connection: connection, clock: around.clock,
            wallClock: around.wallClock
        ) { _ in }
        return await sender.isTaken(request)
    }
}
