import Glibc
import Logging
import Synchronization
import Units

/// Writes `[2026-03-01 07:05:09] [WARN] message key=value` to standard error, one line each.
///
/// Times are UTC, as everywhere in Jaga. A line feed in a message or a value is written as `\n`, so that what a server sent
/// cannot pretend to be a line of ours.
struct LineLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let clock: any WallClock

    init(level: Logger.Level, clock: any WallClock) {
        logLevel = level
        self.clock = clock
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        var line = "[\(stamp)] [\(name(event.level))] \(escaped("\(event.message)"))"
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(escaped("\(value)"))" }
        line += "\n"
        // One write for a line, so that lines of several threads do not mix.
        _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private var stamp: String {
        let text = Timestamp(millisecondsSinceEpoch: clock.now.millisecondsSinceEpoch / 1000 * 1000).rfc3339
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
