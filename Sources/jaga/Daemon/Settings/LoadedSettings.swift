import PromQL
import Web
import RemoteSeries
import ClientSettings
import Collectors
import Backup
import Crypto
import Diagnostics
import Glibc
import GoTemplates
import Rules
import RemoteWrite
import Scraping
import Settings
import Texts
import Units

/// A configuration that was read and found good, with the rule files it names.
struct LoadedSettings: Sendable {
    var settings: SiteSettings
    var values: [SettingsValue]
    var warnings: [Diagnostic]
    var groups: [RuleGroup]
    var scrapeJobs: [ScrapeJob]
    var remoteWrites: [RemoteWriteSettings]
    /// What relative paths start from.
    var folder: String
    /// One for each probe: equal numbers mean equal settings.
    var probeFingerprints: [Int]
    /// Nil: what was found on the host, in memory.
    var file: String?
    /// Of the text, in hexadecimal.
    var sha256: String
    var loadedAt: Timestamp
    /// What the command line set in place of the file.
    var overrides: Overrides

    /// Options of the command line that take the place of what the file says, at the start and at each reload.
    struct Overrides: Sendable {
        /// For `web.listen`.
        var listen: HostAndPort?
        /// The option that set it; the demo has one of its own.
        var listenOption = "--listen"
    }

    /// Reads a file, or the text that discovery wrote, and every rule file.
    /// - Throws: `InvalidInput` with the faults of all files, or with the reason why the file cannot be read.
    static func load(
        file: String?, discovered: String, overrides: Overrides = Overrides(), at now: Timestamp
    ) throws -> LoadedSettings {
        let text = try file.map { try readConfiguration($0) } ?? discovered
        let outcome = try SettingsDocument.examine(
            text, file: file ?? "(found on this host)", sources: .process, as: SiteSettings.self)
        let reading = outcome.reading
        let folder = file.map { $0.contains("/") ? String($0[..<$0.lastIndex(of: "/")!]) : "." } ?? "."
        // The rule files are read whatever else is wrong, so that one run finds all faults.
        var groups: [RuleGroup] = []
        var faults = outcome.faults
        do {
            groups = try RuleCollection.load(
                reading.section.rules, further: reading.section.ruleFiles,
                features: reading.section.queryOptions.features, folder: folder, place: reading.place)
        } catch let invalid as InvalidInput {
            faults += invalid.diagnostics
        }
        var scrapes: (jobs: [ScrapeJob], warnings: [Diagnostic]) = ([], [])
        do {
            scrapes = try ScrapeCollection.load(
                reading.section, values: reading.values, place: reading.place, folder: folder, host: kernelHostName(),
                sources: .process)
        } catch let invalid as InvalidInput {
            faults += invalid.diagnostics
        }
        guard faults.isEmpty else { throw InvalidInput(faults) }
        let digest = SHA256.hash(data: Array(text.utf8)).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0\(hex)" : hex
        }
        var loaded = LoadedSettings(
            settings: reading.section, values: reading.values, warnings: reading.warnings + scrapes.warnings,
            groups: groups, scrapeJobs: scrapes.jobs,
            remoteWrites: reading.section.remoteWrite.map { $0.resolved(in: folder) }, folder: folder,
            probeFingerprints: reading.fingerprints(ofList: "probes", count: reading.section.probes.count),
            file: file, sha256: digest.joined(), loadedAt: now, overrides: overrides)
        loaded.applyOverrides()
        return loaded
    }

    private mutating func applyOverrides() {
        if let listen = overrides.listen {
            settings.web = settings.web.listening(at: listen)
            override("web.listen", listen.text, overrides.listenOption)
        }
    }

    private mutating func override(_ path: String, _ text: String, _ option: String) {
        values = values.map { $0.path == path ? $0.with(text, from: .option(option)) : $0 }
    }

    /// Makes the alerts of these names fire at the latest after `most`.
    mutating func shortenHolds(of names: Set<String>, to most: Duration) {
        groups = groups.map { group in
            RuleGroup(
                name: group.name, file: group.file, interval: group.interval, limit: group.limit,
                queryOffset: group.queryOffset,
                rules: group.rules.map { names.contains($0.name) ? $0.holding(atMost: most) : $0 })
        }
    }

    /// With 'engine: remote' everything is sent to the store that is read.
    var ownRemoteWrite: RemoteWriteSettings? {
        let remote = settings.series.remote
        guard remote.engine == .remote else { return nil }
        var write = SettingsDocument.defaults(of: RemoteWriteSettings.self)
        write.url = remote.writeURL
        write.name = "series"
        write.headers = remote.headers
        write.client = remote.client.resolved(in: folder)
        // Rules look at what was sent; five seconds would be long.
        write.queue.sendDeadline = .seconds(1)
        write.sendsHistograms = true
        write.sendsExemplars = true
        return write
    }

    /// A file that cannot be read is a configuration that will not do, like one with faults in it.
    private static func readConfiguration(_ file: String) throws -> String {
        do {
            return try readText(file)
        } catch let failure as PlainFailure {
            throw InvalidInput([Diagnostic(at: nil, failure.summary)])
        }
    }

    /// What would be watched, for `config check`.
    func summary(in language: Language) -> String {
        let t = Phrases<SiteText>(language)
        let collectors = settings.collectors
        let servers = [
            (collectors.postgres.count, "PostgreSQL"), (collectors.redis.count, "Redis"),
            (collectors.nginx.count, "nginx"),
        ]
        let others: [(Int, SiteText)] = [
            (scrapeJobs.count, .watchedScraped), (settings.probes.count, .watchedProbes),
            (settings.jobs.count, .watchedJobs), (settings.backup.targets.count, .watchedBackups),
            (groups.reduce(0) { $0 + $1.rules.count }, .watchedRules),
        ]
        let parts =
            servers.filter { $0.0 > 0 }.map { t(.watchedServers, ["count": $0.0, "kind": $0.1]) }
            + others.filter { $0.0 > 0 }.map { t($0.1, ["count": $0.0]) }
        return parts.joined(separator: ", ")
    }
}

extension SettingsSources {
    /// The environment and the files of this process.
    static let process = SettingsSources(
        environment: { name in getenv(name).map { String(cString: $0) } }, readFile: { try readText($0) })
}

/// - Throws: `PlainFailure` with the reason in one sentence.
func readText(_ path: String) throws -> String {
    guard !path.utf8.contains(0) else { throw PlainFailure("not-found", "a file's name cannot hold the byte 0") }
    // Opening a named pipe that nobody writes to would never come back; reading from one may wait.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
        throw PlainFailure("not-found", "cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var facts = stat()
    if fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR {
        throw PlainFailure("not-a-file", "\(path) is a folder, not a file")
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count >= 0 else {
            throw PlainFailure("failed", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        if count == 0 { break }
        bytes.append(contentsOf: chunk[..<count])
        // A configuration or a rule file is a few pages; something else was named by mistake.
        guard bytes.count <= 16 << 20 else { throw PlainFailure("too-large", "\(path) is larger than 16 MiB") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw PlainFailure("not-text", "\(path) is not UTF-8 text")
    }
    return text
}
