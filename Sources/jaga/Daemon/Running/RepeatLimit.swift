import Units

// A loop that fails each second says the same each second, and buries what else the log has to say. So a line that was just
// written is not written again: it is counted, and after a minute it comes back once with the count. A line that reads
// differently is another line and is written at once, so every change shows.

/// Decides which lines of a log are written: a value without clock or output.
struct RepeatLimit: Sendable {
    /// A line that comes again within this long is only counted.
    static let pause = Duration.seconds(60)
    /// Lines remembered. When there are more, the one that was written longest ago is forgotten, and would be written again.
    static let lineCountMax = 256

    /// A line that was held back and is due now.
    struct Due: Sendable, Hashable {
        var line: String
        /// How often it came since it was written.
        var count: Int
    }

    private struct Memory {
        var writtenAt: Timestamp
        var heldCount = 0
    }

    private var memories: [String: Memory] = [:]

    /// Takes note of a line that somebody wants to write.
    /// - Returns: how often it was held back since it was written last; nil to hold this one back too.
    mutating func admit(_ line: String, at now: Timestamp) -> Int? {
        // A clock that was set back must not silence a line for longer than the pause.
        if var memory = memories[line], now >= memory.writtenAt, now - memory.writtenAt < Self.pause {
            memory.heldCount += 1
            memories[line] = memory
            return nil
        }
        let held = memories[line]?.heldCount ?? 0
        memories[line] = Memory(writtenAt: now)
        if memories.count > Self.lineCountMax,
            let oldest = memories.min(by: { ($0.value.writtenAt, $0.key) < ($1.value.writtenAt, $1.key) })
        {
            memories[oldest.key] = nil
        }
        return held
    }

    /// Lines whose pause is over, with what was held back of them; those that nobody wanted again are forgotten.
    /// - Parameter line: about to be admitted, which tells its count itself.
    mutating func due(at now: Timestamp, except line: String = "") -> [Due] {
        let over = memories.filter { $0.key != line }.filter {
            now < $0.value.writtenAt || now - $0.value.writtenAt >= Self.pause
        }
        for line in over.keys { memories[line] = nil }
        return over.filter { $0.value.heldCount > 0 }.map { Due(line: $0.key, count: $0.value.heldCount) }
            .sorted { $0.line < $1.line }
    }
}
