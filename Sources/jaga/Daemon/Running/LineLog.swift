import Glibc
import Logging
import Synchronization
import Units

/// Writes `[2026-03-01 07:05:09] [WARN] message key=value` to standard error, one line each.
///
/// Times are UTC, as everywhere in Jaga. A line feed in a message or a value is written as `\n`, so that what a server sent
/// cannot pretend to be a line of ours.
///
/// A warning or an error that comes again within a minute is counted and not written; the count is written with its next line,
/// or with whatever is written after that minute (`RepeatLimit`).
struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let clock: any WallClock
    private let write: @Sendable (String) -> Void
    private let repeats = Repeats()

    /// Shared by all copies of the handler.
    private final class Repeats: Sendable {
        let limit = Mutex(RepeatLimit())
    }

    init(
        level: Logger.Level, clock: any WallClock,
        write: @escaping @Sendable (String) -> Void = { writeAll($0, to: STDERR_FILENO) }
    ) {
        logLevel = level
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        var line = "[\(name(event.level))] \(escaped("\(event.message)"))"
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(escaped("\(value)"))" }
        let now = clock.now
        // One write for a line, so that lines of several threads do not mix.
        for due in repeats.limit.withLock({ $0.due(at: now, except: line) }) {
            write("[\(stamp(now))] \(due.line) repeated=\(due.count)\n")
        }
        if event.level >= .warning {
            guard let held = repeats.limit.withLock({ $0.admit(line, at: now) }) else { return }
            if held > 0 { line += " repeated=\(held)" }
        }
        write("[\(stamp(now))] \(line)\n")
    }

    private func stamp(_ now: Timestamp) -> String {
        let text = Timestamp(millisecondsSinceEpoch: now.millisecondsSinceEpoch / 1000 * 1000).rfc3339
        return String(text.dropLast()).replacing("T", with: " ")
    }

    private func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error, .critical: "ERROR"
        }
    }

    private func escaped(_ text: String) -> String {
        text.contains(where: \.isNewline) ? text.split(whereSeparator: \.isNewline).joined(separator: "\\n") : text
    }
}
