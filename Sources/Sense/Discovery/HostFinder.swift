import BlockingCalls
import Diagnostics
public import Glibc
public import JSONCoding

/// Looks at a host and says what runs on it. Reads files and changes nothing. It connects to a container engine's socket, and, where
/// it cannot be seen whose a socket is, to the usual ports of Redis, PostgreSQL and web servers with a harmless question.
public struct HostFinder: Sendable {
    /// Answers `GET path` on a unix socket with the body. For the container engine.
    public typealias SocketFetch = @Sendable (_ socket: String, _ path: String) async throws -> JSONValue
    /// Prints the running units, one line each, as `systemctl list-units --plain --no-legend` does.
    public typealias UnitList = @Sendable () async throws -> String
    /// Asks what a server at an address of this host is.
    public typealias PortLook = @Sendable (_ host: String, _ port: Int) async -> PortAnswer?

    private let tree: HostTree
    private let isRoot: Bool
    private let fetch: SocketFetch
    private let listUnits: UnitList
    private let ask: PortLook

    /// - Parameters:
    ///   - isRoot: whether every process's sockets should be seen.
    ///   - ask: `askPort` where it is nil.
    public init(
        tree: HostTree = HostTree(), isRoot: Bool = geteuid() == 0, fetch: @escaping SocketFetch,
        listUnits: @escaping UnitList, ask: PortLook? = nil
    ) {
        self.tree = tree
        self.isRoot = isRoot
        self.fetch = fetch
        self.listUnits = listUnits
        self.ask = ask ?? { host, port in await Self.askPort(host, port) }
    }

    /// Asks the port in the language that is usual there, for a second at most.
    @concurrent
    static func askPort(_ host: String, _ port: Int) async -> PortAnswer? {
        guard let question = PortQuestion.usual(at: port) else { return nil }
        do {
            return try await BlockingThreads.shared.run { question.ask(host, port) }
        } catch {
            // Cancelled: nobody waits for the answer.
            return nil
        }
    }

    public func find() async -> Findings {
        var findings = Findings()
        let hostName = tree.text("/proc/sys/kernel/hostname") ?? tree.text("/etc/hostname") ?? "localhost"
        findings.hostName = String(hostName.prefix { !$0.isNewline })
        let processes = tree.processes()
        let (seen, hasHidden) = tree.listeners(among: processes)
        let listeners = await asked(seen)
        findings.mounts = mounts()
        var explained = findPostgres(listeners, into: &findings)
        explained.formUnion(findRedis(listeners, into: &findings))
        explained.formUnion(findNginx(listeners, processes, into: &findings))
        findOthers(listeners, explained: explained, into: &findings)
        await findUnits(into: &findings)
        await findContainers(into: &findings)
        if !isRoot || hasHidden,
            listeners.contains(where: { ($0.process == nil || $0.guess != nil) && $0.address.port != nil })
        {
            findings.notes.append(
                "some listening sockets belong to other users and their programs cannot be seen; run as root to see all"
                    + (isRoot ? ", outside of a container or with CAP_SYS_PTRACE" : ""))
        }
        return findings
    }

    /// At most this many ports are asked: a host has a handful, and each takes up to a second.
    private static let questionsMax = 32

    /// Asks at the sockets that nobody is known or guessed to own.
    private func asked(_ listeners: [Listener]) async -> [Listener] {
        var listeners = listeners
        let open = listeners.indices.filter { index in
            listeners[index].process == nil && listeners[index].address.port.flatMap(PortQuestion.usual) != nil
        }.prefix(Self.questionsMax)
        await withTaskGroup(of: (Int, PortAnswer?).self) { group in
            for index in open {
                guard let host = listeners[index].address.localHost, let port = listeners[index].address.port else {
                    continue
                }
                group.addTask { (index, await ask(host, port)) }
            }
            for await (index, answer) in group { listeners[index].answer = answer }
        }
        return listeners
    }

    // MARK: PostgreSQL and Redis

    private func findPostgres(_ listeners: [Listener], into findings: inout Findings) -> Set<Listener.Address> {
        var explained: Set<Listener.Address> = []
        var ports: Set<Int> = []
        // A unix socket first: it needs no password where the user may connect as itself.
        for listener in listeners {
            guard case .unix(let path) = listener.address, let slash = path.lastIndex(of: "/"),
                path[slash...].hasPrefix("/.s.PGSQL."), let port = Int(path.split(separator: ".").last ?? "")
            else { continue }
            explained.insert(listener.address)
            guard ports.insert(port).inserted else { continue }
            findings.postgres.append(
                .init(
                    host: String(path[..<slash]), port: port,
                    evidence: "unix socket \(path)\(owner(listener))", isGuess: listener.guess != nil))
        }
        for listener in listeners {
            guard let port = listener.address.port, let host = listener.address.localHost else { continue }
            let isServer = ["postgres", "postmaster"].contains(listener.process?.name)
            let answers = listener.answer == .postgres
            guard isServer || answers || (listener.process == nil && port == 5432) else { continue }
            explained.insert(listener.address)
            guard ports.insert(port).inserted else { continue }
            findings.postgres.append(
                .init(
                    host: host, port: port,
                    evidence: isServer
                        ? "listens on \(listener.address)\(owner(listener))"
                        : "port \(port) \(answers ? "answers as PostgreSQL does" : "is open")",
                    isGuess: !isServer || listener.guess != nil))
        }
        return explained
    }

    private func findRedis(_ listeners: [Listener], into findings: inout Findings) -> Set<Listener.Address> {
        var explained: Set<Listener.Address> = []
        var knownPids: Set<Int> = []
        for listener in listeners {
            let address = listener.address
            let port = address.port
            let isServer = ["redis-server", "valkey-server"].contains(listener.process?.name)
            let answers = listener.answer == .redis
            let isWellKnown = answers || (listener.process == nil && port == 6379)
            guard isServer || isWellKnown else { continue }
            explained.insert(address)
            // One server usually has both addresses and sockets of both families: one entry each is enough.
            if let pid = listener.process?.pid, !knownPids.insert(pid).inserted { continue }
            if isWellKnown, findings.redis.contains(where: { $0.port == port }) { continue }
            let evidence =
                isServer
                ? "listens on \(address)\(owner(listener))"
                : "port \(port ?? 0) \(answers ? "answers as Redis does" : "is open")"
            findings.redis.append(
                Self.redis(at: address, evidence, isGuess: listener.guess != nil || (port != nil && !isServer)))
        }
        return explained
    }

    private static func redis(
        at address: Listener.Address, _ evidence: String, isGuess: Bool
    ) -> Findings.Redis {
        switch address {
        case .tcp(_, let port):
            .init(host: address.localHost, port: port, socket: nil, evidence: evidence, isGuess: isGuess)
        case .unix(let path): .init(host: nil, port: 0, socket: path, evidence: evidence, isGuess: isGuess)
        }
    }

    private func owner(_ listener: Listener) -> String {
        let ground = listener.guess.map { ", \($0)" } ?? ""
        return listener.process.map { " of \($0.name) (pid \($0.pid))\(ground)" } ?? ""
    }

    // MARK: nginx

    private func findNginx(
        _ listeners: [Listener], _ processes: [HostProcess], into findings: inout Findings
    ) -> Set<Listener.Address> {
        let running = listeners.filter { $0.process?.name == "nginx" }
        let master = processes.first { $0.name == "nginx" }
        let configurationFile = configurationFile(of: master)
        let isConfigured = tree.exists(configurationFile)
        guard
            master != nil
                || (isConfigured
                    && listeners.contains { $0.process == nil && ([80, 443].contains($0.address.port) || $0.isNginx) })
        else {
            if isConfigured { findings.notes.append("\(configurationFile) exists but nginx does not run") }
            return []
        }
        let configuration = NginxConfiguration(tree: tree, file: configurationFile)
        let status = configuration.statusPages.first
        findings.nginx.append(
            .init(
                statusURL: status.map { "http://127.0.0.1:\($0.port)\($0.path)" }, accessLogs: configuration.accessLogs,
                evidence: master.map { "nginx runs (pid \($0.pid)) with \(configurationFile)" }
                    ?? "\(configurationFile) and an open port 80 or 443"))
        for server in configuration.servers { addPages(of: server, into: &findings) }
        for server in configuration.servers {
            for file in server.certificates where !findings.certificates.contains(where: { $0.file == file }) {
                findings.certificates.append(.init(file: file, evidence: "ssl_certificate in \(server.file)"))
            }
        }
        return Set(running.map(\.address))
    }

    /// The file after `-c` in nginx's command line, or Debian's.
    private func configurationFile(of master: HostProcess?) -> String {
        let standard = "/etc/nginx/nginx.conf"
        guard let master else { return standard }
        // nginx rewrites its title to "nginx: master process /usr/sbin/nginx -c /path", which reads as one argument.
        let words = master.arguments.flatMap { $0.split(separator: " ").map(String.init) }
        guard let flag = words.firstIndex(of: "-c"), words.indices.contains(flag + 1) else { return standard }
        let file = words[flag + 1]
        guard !file.hasPrefix("/"), let prefix = words.firstIndex(of: "-p"), words.indices.contains(prefix + 1) else {
            return file
        }
        return words[prefix + 1].hasSuffix("/") ? words[prefix + 1] + file : "\(words[prefix + 1])/\(file)"
    }

    private func addPages(
        of server: NginxConfiguration.Server, into findings: inout Findings
    ) {
        guard let listen = server.listens.first, let port = NginxConfiguration.port(listen) else { return }
        guard server.servesPages else { return }
        let isTLS = server.usesTLS
        let names = server.names.filter { !$0.contains("*") && !$0.hasPrefix("~") && $0 != "localhost" }
        let standardPort = isTLS ? 443 : 80
        let suffix = port == standardPort ? "" : ":\(port)"
        let scheme = isTLS ? "https" : "http"
        if let name = names.first {
            findings.pages.append(
                .init(
                    name: name, url: "\(scheme)://\(name)\(suffix)/", hostHeader: nil,
                    evidence: "server_name in \(server.file)", isGuess: true))
        } else {
            findings.pages.append(
                .init(
                    name: "nginx-\(port)", url: "\(scheme)://127.0.0.1\(suffix)/", hostHeader: nil,
                    evidence: "listen \(listen) in \(server.file)", isGuess: true))
        }
    }

    // MARK: The rest

    private func findOthers(
        _ listeners: [Listener], explained: Set<Listener.Address>, into findings: inout Findings
    ) {
        for listener in listeners {
            guard listener.address.port != nil, !explained.contains(listener.address), let process = listener.process
            else {
                continue
            }
            findings.otherListeners.append(
                .init(
                    name: process.name,
                    evidence: "listens on \(listener.address) (pid \(process.pid)"
                        + (listener.guess.map { ", guessed: \($0))" } ?? ")")))
        }
    }

    /// Mount points whose file systems hold data of their own.
    private func mounts() -> [String] {
        let real: Set<Substring> = [
            "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "nfs", "nfs4", "cifs",
        ]
        var points: [String] = []
        for line in (tree.text("/proc/mounts") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, real.contains(fields[2]) else { continue }
            let point = String(fields[1]).replacing("\\040", with: " ")
            if !points.contains(point) { points.append(point) }
        }
        return points
    }

    private func findUnits(into findings: inout Findings) async {
        // The folder is there exactly when systemd is the init system: sd_booted(3).
        guard tree.exists("/run/systemd/system") else {
            findings.notes.append("systemd does not run here, so no units were looked at")
            return
        }
        do {
            for line in try await listUnits().split(separator: "\n") {
                guard let unit = line.split(separator: " ").first, unit.hasSuffix(".service") else { continue }
                findings.units.append(.init(name: String(unit), evidence: "systemd unit, running"))
            }
        } catch {
            findings.notes.append("the systemd units could not be listed: \(describe(error))")
        }
    }

    /// Sockets where Docker or Podman answer, in the order of preference.
    private static let engineSockets = ["/var/run/docker.sock", "/run/podman/podman.sock"]

    private func findContainers(into findings: inout Findings) async {
        guard let socket = Self.engineSockets.first(where: { tree.exists($0) }) else { return }
        do {
            // Docker Engine API, "List containers": running ones only.
            let containers = try await fetch(tree.real(socket), "/v1.41/containers/json")
            for container in containers.arrayValue ?? [] {
                guard let labels = container["Labels"]?.objectValue,
                    let project = labels["com.docker.compose.project"]?.stringValue,
                    let service = labels["com.docker.compose.service"]?.stringValue
                else { continue }
                let image = container["Image"]?.stringValue ?? "unknown image"
                findings.composeServices.append(
                    .init(name: "\(project)/\(service)", evidence: "container of \(image), by \(socket)"))
            }
        } catch {
            findings.notes.append("the container engine at \(socket) gave no list: \(describe(error))")
        }
    }
}

extension Listener {
    /// Whether a web server answered that calls itself nginx.
    fileprivate var isNginx: Bool {
        if case .web(let server) = answer { server.lowercased().hasPrefix("nginx") } else { false }
    }
}
