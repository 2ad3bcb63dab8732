public import DurableFiles

/// Keeps one log's position in a file of its own, replaced as a whole.
public struct PositionFile: Sendable {
    public let path: String
    private let files: any FileSystem

    public init(path: String, files: any FileSystem = RealFiles()) {
        self.path = path
        self.files = files
    }

    /// - Returns: nil when none was kept, or what was kept cannot be read; the log is then read from its end.
    func load() -> LogPosition? {
        // An unreadable position is as good as none, and the first one written replaces it.
        guard let bytes = try? files.contents(of: path, byteCountMax: 4096) else { return nil }
        return LogPosition(text: String(decoding: bytes, as: UTF8.self))
    }

    func save(_ position: LogPosition) throws(LogTailError) {
        do {
            try files.replace(path, with: Array((position.text + "\n").utf8))
        } catch {
            throw LogTailError(.positionNotKept, path, "\(error)", cause: error)
        }
    }
}
