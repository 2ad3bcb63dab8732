import Foundation

/// Debian's Prometheus or VictoriaMetrics on a free loopback port, which can be killed and started again on the same port and data.
public final class MetricsStore: @unchecked Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case prometheus
        case victoria = "victoria-metrics"

        public var isThere: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/\(rawValue)") }

        /// Those that are installed here.
        public static var installed: [Kind] { allCases.filter(\.isThere) }
    }

    // Used by one test at a time, which `@unchecked Sendable` leans on.
    public let kind: Kind
    /// Not one of those that outgoing connections take: it has to be free again after a kill.
    public let port: Int
    private let folder: TemporaryFolder
    private var process: LoopbackServer?

    public init(_ kind: Kind) throws {
        self.kind = kind
        folder = try TemporaryFolder("metrics")
        port = try ProgramServer.freePort()
        try start()
    }

    public var url: String { "http://127.0.0.1:\(port)" }

    public func start() throws {
        process = try LoopbackServer(starter, [kind.rawValue, folder.path, "\(port)"])
    }

    /// As `kill -9` does, where the store promises to survive that. VictoriaMetrics does not: what it acknowledged is in memory for
    /// some seconds, so it is asked to stop.
    public func kill() {
        if kind == .victoria { process?.terminate() }
        process = nil
    }
}

/// Starts a server in its own place: the process becomes it, so that killing it kills the server.
private let starter = #"""
    import os, sys
    kind, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(port, os.getpid(), flush=True)
    if kind == 'prometheus':
        open(folder + '/p.yml', 'w').write('global: {}\n')
        os.execv('/usr/bin/prometheus', ['prometheus', '--config.file=' + folder + '/p.yml',
            '--storage.tsdb.path=' + folder + '/data', f'--web.listen-address=127.0.0.1:{port}',
            '--web.enable-remote-write-receiver', '--log.level=error'])
    os.execv('/usr/bin/victoria-metrics', ['victoria-metrics', '-storageDataPath=' + folder + '/data',
        f'-httpListenAddr=127.0.0.1:{port}', '-search.latencyOffset=0s', '-search.disableCache', '-loggerLevel=ERROR',
        '-retentionPeriod=1', '-dedup.minScrapeInterval=1ms'])
    """#
