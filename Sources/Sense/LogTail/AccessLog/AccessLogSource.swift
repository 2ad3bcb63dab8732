import BlockingCalls
import Diagnostics
public import Series
import Synchronization
public import Units

/// An nginx access log as a source: what was added since the last reading, counted.
///
/// Counts begin at zero with the process, as Prometheus' functions expect of any counter; the position in the log is kept, so
/// that lines written while Jaga was down are counted when it is back.
public final class AccessLogSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "nginx_access_log_up"
    private let path: String
    private let positionFile: PositionFile?
    private let startsAtBeginning: Bool
    private let state = Mutex(State())

    private struct State {
        var follower: LogFollower?
        var tally = AccessLogTally()
        var saved: LogPosition?
        var overlongCount = 0
    }

    /// One reading takes at most 64 MiB, some 300,000 lines: about the time that a deadline leaves.
    static let byteCountMax = 64 << 20

    /// - Parameters:
    ///   - positionFile: where the position is kept over restarts; nil begins at the log's end each time.
    ///   - startsAtBeginning: whether a log that was never followed is counted from its first line on.
    public init(
        name: String, labels: Labels, path: String, positionFile: PositionFile?, startsAtBeginning: Bool = false,
        interval: Duration = .seconds(15), deadline: Duration = .seconds(10)
    ) {
        self.name = name
        self.labels = labels
        self.path = path
        self.positionFile = positionFile
        self.startsAtBeginning = startsAtBeginning
        self.interval = interval
        self.deadline = min(deadline, interval)
    }

    /// - Throws: `LogTailError` when the log cannot be read.
    public func read(at now: Timestamp) async throws -> SampleBatch {
        try await BlockingThreads.shared.run { try self.readNow(at: now) }
    }

    private func readNow(at now: Timestamp) throws -> SampleBatch {
        try state.withLock { state in
            var follower =
                state.follower
                ?? LogFollower(
                    path: path, resumingAt: positionFile?.load(), startsAtBeginning: startsAtBeginning)
            defer { state.follower = follower }
            try follower.readNewLines(byteCountMax: Self.byteCountMax) { state.tally.take($0) }
            state.tally.noteOverlong(follower.overlongCount - state.overlongCount)
            state.overlongCount = follower.overlongCount
            var batch = SampleBatch(at: now)
            state.tally.write(to: &batch)
            func add(_ name: String, _ type: MetricType, _ help: String, _ value: Double) {
                batch.metadata[name] = MetricMetadata(name, type, help)
                batch.add(name, [:], value)
            }
            add(
                "jaga_log_unread_bytes", .gauge, "Bytes of the log that wait for the next reading.",
                Double(follower.unreadByteCount))
            add("jaga_log_rotations_total", .counter, "Times that the log was renamed.", Double(follower.rotationCount))
            add("jaga_log_truncations_total", .counter, "Times that the log was cut off.", Double(follower.cutCount))
            add(
                "jaga_log_gaps_total", .counter, "Times that lines were lost because a rotated file was gone.",
                Double(follower.gapCount))
            // Kept only after counting: a crash in between counts lines twice in a process that starts from zero, which no
            // rate notices; the other order would lose them.
            if let positionFile, let position = follower.position, position != state.saved {
                try positionFile.save(position)
                state.saved = position
            }
            return batch
        }
    }
}
