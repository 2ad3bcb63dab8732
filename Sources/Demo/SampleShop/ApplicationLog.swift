import Glibc
import Synchronization
import Units

/// The shop's log, in the form of Python's `%(asctime)s %(levelname)s: %(message)s [in %(pathname)s:%(lineno)d]`, which
/// many web applications use: `2026-11-21 03:18:18,042 INFO: Shop startup [in SampleShop/Shop.swift:31]`.
final class ApplicationLog: Sendable {
    enum Level: String, Sendable {
        case info = "INFO"
        case warning = "WARNING"
        case error = "ERROR"
    }

    private let descriptor: Int32
    /// One line at a time.
    private let turn = Mutex(())

    /// A log that cannot be opened is written nowhere: the shop sells all the same.
    init(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func write(_ level: Level, _ message: String, file: String = #fileID, line: Int = #line) {
        guard descriptor >= 0 else { return }
        let oneLine = message.map { $0.isNewline ? " " : $0 }
        let text = "\(Self.time(wallClockNow())) \(level.rawValue): \(String(oneLine)) [in \(file):\(line)]\n"
        turn.withLock { _ in
            _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
        }
    }

    /// `2026-11-21 03:18:18,042`, in UTC.
    static func time(_ instant: Timestamp) -> String {
        var text = instant.rfc3339.prefix(19).map { $0 == "T" ? " " : $0 }
        let milliseconds = instant.millisecondsSinceEpoch % 1000
        text += ",\(1000 + milliseconds)".replacing(",1", with: ",", maxReplacements: 1)
        return String(text)
    }
}

/// The machine's clock: the shop is a program of its own, which nobody tests in another year.
func wallClockNow() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
