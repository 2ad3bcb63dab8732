import BlockingCalls
import Diagnostics
import Glibc
import JSONCoding
import Settings
import Synchronization

/// Targets from JSON and YAML files. A file that cannot be read, or says nothing that makes sense, keeps the targets that it gave before
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config>).
///
/// Changes are seen by looking at size, time and inode of the files every few seconds: that works on every file system, also where
/// files are exchanged by renaming or come over a network.
final class FileDiscovery: TargetDiscovery {
    let mechanism = "file"
    let refresh: Duration?
    private let patterns: [String]
    private let state = Mutex(State())

    private struct State {
        var stamps: [String: Stamp] = [:]
        var groups: [String: [TargetGroup]] = [:]
    }

    private struct Stamp: Hashable {
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
        var inode: UInt64
    }

    /// A list of targets of this size has a hundred thousand of them.
    private static let byteCountMax = 16 << 20

    init(patterns: [String], refresh: Duration) {
        self.patterns = patterns
        self.refresh = refresh
    }

    var changePoll: Duration? { .seconds(2) }

    func hasChanged() async -> Bool {
        // No answer means that the task was cancelled.
        let now = try? await BlockingThreads.shared.run { [patterns] in Self.stamps(of: patterns) }
        guard let now else { return false }
        return state.withLock { $0.stamps != now }
    }

    func read() async throws -> [TargetGroup] {
        let (stamps, results) = try await BlockingThreads.shared.run { [patterns] in
            let stamps = Self.stamps(of: patterns)
            let results = stamps.keys.sorted().map { path in (path, Result { try Self.groups(in: path) }) }
            return (stamps, results)
        }
        var faults: [String] = []
        let groups = state.withLock { state in
            state.stamps = stamps
            for path in state.groups.keys where stamps[path] == nil { state.groups[path] = nil }
            for (path, result) in results {
                switch result {
                case .success(let groups): state.groups[path] = groups
                case .failure(let error): faults.append(describe(error))
                }
            }
            return state.groups
        }
        if let fault = faults.first {
            throw PartialDiscovery(groups: groups.sorted { $0.key < $1.key }.flatMap(\.value), fault: fault)
        }
        return groups.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func stamps(of patterns: [String]) -> [String: Stamp] {
        var stamps: [String: Stamp] = [:]
        for path in patterns.flatMap(expanded) {
            var info = stat()
            guard stat(path, &info) == 0 else { continue }
            stamps[path] = Stamp(
                size: Int64(info.st_size), seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec,
                inode: UInt64(info.st_ino))
        }
        return stamps
    }

    /// The files that a path with `*` names (glob(7)).
    private static func expanded(_ pattern: String) -> [String] {
        var matches = glob_t()
        defer { globfree(&matches) }
        guard glob(pattern, 0, nil, &matches) == 0 else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
    }

    private static func groups(in path: String) throws -> [TargetGroup] {
        let text = try text(of: path)
        let value: JSONValue
        do {
            value =
                path.lowercased().hasSuffix(".json")
                ? try JSONValue(parsing: text) : try SettingsDocument.plainValue(text, file: path)
        } catch {
            throw ScrapingError(.discoveryFailed, "\(path): \(describe(error))")
        }
        return try TargetGroup.list(value, source: path).map { group in
            var group = group
            group.labels["__meta_filepath"] = path
            return group
        }
    }

    private static func text(of path: String) throws -> String {
        func failure(_ reason: String) -> ScrapingError {
            ScrapingError(.discoveryFailed, "cannot read \(path): \(reason)")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw failure(String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= byteCountMax else { throw failure("it is larger than 16 MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("it is not UTF-8 text") }
        return text
    }
}

/// Some of the sources of a discovery failed: what the others gave, with the old lists of those, and the first fault.
struct PartialDiscovery: Error {
    var groups: [TargetGroup]
    var fault: String
}
