import Glibc
public import Diagnostics

/// A real Redis that keeps nothing on disk unless asked, on 127.0.0.1 and on a unix socket.
public final class RedisServer: StackServer {
    public struct Options: Sendable {
        public var password: Secret?
        /// Whether `SAVE` and the append-only file are on.
        public var persists = false
        /// The port; a free one when nil.
        public var port: Int?
        /// Further lines of `redis.conf`, as in `["maxmemory": "8mb"]`.
        public var settings: [String: String] = [:]

        public init(password: Secret? = nil, persists: Bool = false, port: Int? = nil, settings: [String: String] = [:])
        {
            self.password = password
            self.persists = persists
            self.port = port
            self.settings = settings
        }
    }

    public let process: ServerProcess
    public let port: Int
    public let host = "127.0.0.1"
    public let password: Secret?
    /// Nil where the folder's path is too long for a socket.
    public let socketPath: String?
    public var stopSignal: Int32 { SIGTERM }

    private init(process: ServerProcess, port: Int, password: Secret?, socketPath: String?) {
        self.process = process
        self.port = port
        self.password = password
        self.socketPath = socketPath
    }

    /// Starts a server with its folder at `<folder>/redis`.
    public static func start(in folder: String, _ options: Options = Options()) async throws -> RedisServer {
        let account = try Account.unprivileged(preferring: ["redis"])
        let home = "\(folder)/redis"
        try Files.makeFolder(home, mode: 0o755, owner: account)
        let port = try options.port ?? freePort()
        let socketPath = home.utf8.count <= 90 ? "\(home)/redis.sock" : nil
        var settings = [
            "port": "\(port)", "bind": "127.0.0.1", "dir": quoted(home), "daemonize": "no", "save": "\"\"",
            "maxmemory": "64mb", "maxmemory-policy": "allkeys-lru", "appendonly": options.persists ? "yes" : "no",
        ]
        if options.persists { settings["save"] = "60 1" }
        if let socketPath { settings["unixsocket"] = quoted(socketPath) }
        if let password = options.password { settings["requirepass"] = quoted(password.reveal()) }
        settings.merge(options.settings) { $1 }
        let file = "\(home)/redis.conf"
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }
        // Only its owner may read it: it holds the password.
        try Files.write(lines.joined(), to: file, mode: 0o600, owner: account)
        var command = Command([try Programs.find("redis-server", package: "redis-server"), file], as: account)
        command.folder = home
        let process = ServerProcess(name: "Redis", command, logPath: "\(home)/redis.log")
        let server = RedisServer(process: process, port: port, password: options.password, socketPath: socketPath)
        try await server.start()
        return server
    }

    /// Sends one command inline and reads the first line of the answer, as in `+PONG`.
    @discardableResult
    public func run(_ command: String, limit: Duration = .seconds(30)) async throws -> String {
        var text = ""
        if let password { text += "AUTH \(quoted(password.reveal()))\r\n" }
        text += "\(command)\r\n"
        let lines = password == nil ? 1 : 2
        let answer = try await Loopback.exchange(port: port, Array(text.utf8), limit: limit) { bytes in
            bytes.count { $0 == UInt8(ascii: "\n") } >= lines
        }
        return String(decoding: answer, as: UTF8.self).split(separator: "\r\n").last.map(String.init) ?? ""
    }

    public func answers() async -> Bool {
        // Whatever the error, it does not answer.
        (try? await run("PING", limit: .seconds(1))) == "+PONG"
    }
}

private func quoted(_ text: String) -> String {
    "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
}
