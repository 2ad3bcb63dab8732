public import Diagnostics
import Glibc

/// A real PostgreSQL with a data folder of its own, on 127.0.0.1 and on a unix socket.
///
/// It runs as an unprivileged user also when we are root. It is small (16 MB of shared buffers, 50 connections) and,
/// unless asked otherwise, careless: without `fsync` it starts and writes quickly, and a power cut would destroy it.
public final class PostgresServer: StackServer {
    /// How connections over TCP prove who they are. The unix socket trusts whoever may open it: root, and
    /// the user that the server runs as.
    public enum Authentication: Sendable {
        case trust
        /// The password of the user `postgres`.
        case scram(password: Secret)
    }

    public struct Options: Sendable {
        public var authentication = Authentication.trust
        /// Whether writes reach the disk before they are acknowledged.
        public var syncsToDisk = false
        /// The port; a free one when nil.
        public var port: Int?
        /// Further settings of `postgresql.conf`, which win over ours.
        public var settings: [String: String] = [:]

        public init(
            authentication: Authentication = .trust, syncsToDisk: Bool = false, port: Int? = nil,
            settings: [String: String] = [:]
        ) {
            self.authentication = authentication
            self.syncsToDisk = syncsToDisk
            self.port = port
            self.settings = settings
        }
    }

    public let process: ServerProcess
    public let port: Int
    public let host = "127.0.0.1"
    /// The superuser.
    public let user = "postgres"
    public let password: Secret?
    /// Holds `.s.PGSQL.<port>`.
    public let socketFolder: String
    public let dataFolder: String
    public var stopSignal: Int32 { SIGINT }
    /// Whom the program runs as; nil when as ourselves.
    let account: Account?

    private init(
        process: ServerProcess, port: Int, password: Secret?, socketFolder: String, dataFolder: String,
        account: Account?
    ) {
        self.process = process
        self.port = port
        self.password = password
        self.socketFolder = socketFolder
        self.dataFolder = dataFolder
        self.account = account
    }

    /// Makes a cluster in `<folder>/postgres` and starts it.
    /// - Parameter folder: must be there, and other users must be able to pass through it (mode 711).
    public static func start(in folder: String, _ options: Options = Options()) async throws -> PostgresServer {
        let server = try await prepare(in: folder, options)
        try await server.start()
        return server
    }

    private static func prepare(in folder: String, _ options: Options) async throws -> PostgresServer {
        let account = try Account.unprivileged(preferring: ["postgres"])
        let home = "\(folder)/postgres"
        let data = "\(home)/data"
        try Files.makeFolder(home, mode: 0o755, owner: account)
        try await makeCluster(at: data, home: home, account, options.authentication)
        let port = try options.port ?? freePort()
        let socketFolder = try chooseSocketFolder(home: home, account)
        var settings = [
            "listen_addresses": "127.0.0.1", "port": "\(port)", "unix_socket_directories": socketFolder,
            "unix_socket_permissions": "0700",
            "shared_buffers": "16MB", "max_connections": "50", "max_wal_size": "128MB", "min_wal_size": "32MB",
            "dynamic_shared_memory_type": "mmap", "log_line_prefix": "%m [%p] ", "log_timezone": "UTC",
            "timezone": "UTC", "track_io_timing": "on", "jit": "off",
        ]
        if !options.syncsToDisk {
            settings.merge(["fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"]) { $1 }
        }
        settings.merge(options.settings) { $1 }
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \(quotedSetting($0.value))\n" }
        try Files.write(lines.joined(), to: "\(data)/postgresql.auto.conf", mode: 0o600, owner: account)
        var command = Command([try Programs.findPostgres("postgres"), "-D", data], as: account)
        command.folder = home
        return PostgresServer(
            process: ServerProcess(name: "PostgreSQL", command, logPath: "\(home)/postgres.log"), port: port,
            password: options.authentication.password, socketFolder: socketFolder, dataFolder: data, account: account)
    }

    private static func makeCluster(
        at data: String, home: String, _ account: Account?, _ authentication: Authentication
    ) async throws {
        var arguments = [
            try Programs.findPostgres("initdb"), "-D", data, "-U", "postgres", "--no-sync", "--no-instructions",
            "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust",
        ]
        let passwordFile = "\(home)/initial-password"
        defer { unlink(passwordFile) }
        switch authentication {
        case .trust: arguments.append("--auth-host=trust")
        case .scram(let password):
            try Files.write("\(password.reveal())\n", to: passwordFile, mode: 0o600, owner: account)
            arguments += ["--auth-host=scram-sha-256", "--pwfile=\(passwordFile)"]
        }
        var command = Command(arguments, as: account)
        command.folder = home
        _ = try await runSuccessfully(command, limit: .seconds(60))
    }

    /// A socket's path holds at most 107 bytes, so a server deep in the tree gets its socket elsewhere.
    private static func chooseSocketFolder(home: String, _ account: Account?) throws(StackError) -> String {
        if home.utf8.count <= 80 { return home }
        let folder = try Files.makeTemporaryFolder(prefix: "jaga-pg-")
        try Files.makeFolder(folder, mode: 0o755, owner: account)
        Caretaker.shared.adopt(folder: folder)
        return folder
    }

    deinit {
        guard socketFolder != "\(dataFolder.dropLast("/data".count))" else { return }
        Files.remove(socketFolder)
        Caretaker.shared.release(folder: socketFolder)
    }

    /// Sends a start-up message, as a client would, and looks whether the server asks it for a password or lets it in.
    /// A server that is still starting accepts connections too, and answers with an error.
    public func answers() async -> Bool {
        var message: [UInt8] = [0, 3, 0, 0]
        for text in ["user", user, "database", "postgres"] { message += Array(text.utf8) + [0] }
        message.append(0)
        let length = UInt32(message.count + 4)
        message = withUnsafeBytes(of: length.bigEndian) { Array($0) } + message
        // Whatever the error, it does not answer.
        let answer = try? await Loopback.exchange(port: port, message, limit: .seconds(1)) { !$0.isEmpty }
        return answer?.first == UInt8(ascii: "R")
    }
}

extension PostgresServer.Authentication {
    var password: Secret? {
        if case .scram(let password) = self { password } else { nil }
    }
}

/// `''` stands for a quote in a value of `postgresql.conf`.
private func quotedSetting(_ value: String) -> String {
    "'" + value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
}
