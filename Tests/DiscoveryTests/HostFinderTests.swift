import Diagnostics
import Discovery
import Foundation
import Glibc
import JSONCoding
import Synchronization
import Testing
import Units

/// Goal: what runs on a host is found with its evidence, and a guess is marked as one. Method: folders of fixtures in the shape
/// of /proc and /etc, one for each situation.
@Suite struct HostFinderTests {
    @Test func `servers are found by their sockets and owners`() async throws {
        let host = try FixtureHost()
        try host.process(
            100, "postgres", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/data"], inodes: ["11", "12"])
        try host.process(101, "postgres", ["postgres: walwriter"], inodes: ["11"])
        try host.process(200, "redis-server", ["/usr/bin/redis-server 127.0.0.1:6380"], inodes: ["13", "14"])
        try host.process(300, "gunicorn", ["gunicorn", "main:app"], inodes: ["15"])
        try host.tcp([("0100007F:1538", "11"), ("0100007F:18EC", "13"), ("00000000:1388", "15")])
        try host.tcp6([("00000000000000000000000001000000:18EC", "14")])
        try host.unix([("/var/run/postgresql/.s.PGSQL.5432", "12")])
        let found = await host.find()

        #expect(
            found.postgres.map(\.host) == ["/var/run/postgresql"], "the TCP port of the same server is not listed again"
        )
        #expect(found.postgres[0].port == 5432 && !found.postgres[0].isGuess)
        #expect(found.postgres[0].evidence == "unix socket /var/run/postgresql/.s.PGSQL.5432 of postgres (pid 100)")
        #expect(found.redis.count == 1 && found.redis[0].port == 6380 && found.redis[0].host == "127.0.0.1")
        #expect(found.otherListeners.map(\.name) == ["gunicorn"])
        #expect(found.otherListeners[0].evidence == "listens on 0.0.0.0:5000 (pid 300)")
        #expect(found.notes.contains { $0.hasPrefix("systemd does not run here") })
    }

    @Test func `an open standard port without a visible owner is a guess`() async throws {
        let host = try FixtureHost()
        try host.tcp([("0100007F:1538", "11"), ("0100007F:18EB", "12")])
        let found = await host.find()
        #expect(found.postgres.map(\.isGuess) == [true] && found.redis.map(\.isGuess) == [true])
        #expect(found.notes.contains { $0.contains("run as root to see all") })
    }

    @Test func `a socket whose owner is hidden is given to the program that says so itself, as a guess`() async throws {
        let host = try FixtureHost()
        // As another user sees them: names, arguments and users, and no open files.
        try host.process(100, "redis-server", ["/usr/bin/redis-server 127.0.0.1:16380"], inodes: nil, user: 107)
        try host.process(101, "redis-cli", ["redis-cli", "-p", "16380"], inodes: nil, user: 1000)
        try host.process(200, "postgres", ["/usr/lib/postgresql/15/bin/postgres", "-p15432"], inodes: nil, user: 108)
        try host.process(201, "postgres", ["postgres: walwriter"], inodes: nil, user: 108)
        try host.process(300, "gunicorn", ["gunicorn", "main:app"], inodes: nil, user: 109)
        try host.process(400, "nginx", ["nginx: master process /usr/sbin/nginx"], inodes: nil, user: 0)
        try host.process(2, "kthreadd", [], inodes: nil, user: 0)
        try host.tcp([
            ("0100007F:3FFC", "11", 107), ("0100007F:3C48", "12", 108), ("00000000:1388", "13", 109),
            ("00000000:0050", "14", 0), ("00000000:1F90", "15", 0),
        ])
        let found = await host.find(isRoot: true)
        #expect(found.redis.map(\.port) == [16380] && found.redis.map(\.isGuess) == [true])
        #expect(found.redis[0].evidence == "listens on 127.0.0.1:16380 of redis-server (pid 100), by its arguments")
        #expect(found.postgres.map(\.port) == [15432] && found.postgres.map(\.isGuess) == [true])
        #expect(
            found.otherListeners.map(\.evidence) == [
                "listens on 0.0.0.0:5000 (pid 300, guessed: the only program of its user)"
            ])
        #expect(found.nginx.count == 1)
        #expect(found.notes.contains { $0.contains("CAP_SYS_PTRACE") }, "\(found.notes)")
        let text = found.configurationText(at: .init(secondsSinceEpoch: 0))
        #expect(text.contains("# guess: listens on 127.0.0.1:16380 of redis-server"), "\(text)")
    }

    @Test func `two programs that could be the owner are none`() async throws {
        let host = try FixtureHost()
        try host.process(100, "server", ["server", "--port=7000"], inodes: nil, user: 0)
        try host.process(101, "client", ["client", "127.0.0.1:7000"], inodes: nil, user: 0)
        try host.process(102, "redis-server", ["redis-server *:7001"], inodes: nil, user: 0)
        try host.tcp([("0100007F:1B58", "11", 0), ("0100007F:18EB", "12", 0)])
        let found = await host.find(isRoot: true)
        #expect(found.otherListeners.isEmpty)
        // The one Redis that runs has another port than the usual one.
        #expect(found.redis.map(\.evidence) == ["port 6379 is open"] && found.redis.map(\.isGuess) == [true])
    }

    @Test func `usual ports that nobody owns are asked, and nothing else is`() async throws {
        let host = try FixtureHost()
        try host.tcp([
            ("0100007F:18EB", "11", 0), ("0100007F:18EC", "12", 0), ("0100007F:1539", "13", 0),
            ("0100007F:1538", "14", 0), ("0100007F:1F90", "15", 0), ("0100007F:3039", "16", 0),
        ])
        try host.file("/etc/nginx/nginx.conf", "http { server { listen 8080; } }")
        let asked = Mutex<[Int]>([])
        let found = await host.find(ask: { host, port in
            #expect(host == "127.0.0.1")
            asked.withLock { $0.append(port) }
            return [6380: .redis, 5433: .postgres, 8080: .web(server: "nginx/1.22.1")][port]
        })
        #expect(asked.withLock { $0.sorted() } == [5432, 5433, 6379, 6380, 8080])
        #expect(found.redis.map(\.evidence) == ["port 6379 is open", "port 6380 answers as Redis does"])
        #expect(found.postgres.map(\.evidence) == ["port 5432 is open", "port 5433 answers as PostgreSQL does"])
        #expect(found.nginx.count == 1)
    }

    @Test func `nginx's configuration gives pages, certificates, logs and the status page`() async throws {
        let host = try FixtureHost()
        try host.process(50, "nginx", ["nginx: master process /usr/sbin/nginx"], inodes: ["1"])
        try host.tcp([("00000000:01BB", "1")])
        try host.file(
            "/etc/nginx/nginx.conf",
            """
            # the main file
            http {
                log_format timed '$remote_addr "$request" $status { $request_time }';
                access_log /var/log/nginx/access.log timed;
                include /etc/nginx/sites-enabled/*;
            }
            """)
        try host.file(
            "/etc/nginx/sites-enabled/shop",
            """
            server {
                listen 443 ssl; listen [::]:443 ssl;
                server_name shop.example www.shop.example;
                ssl_certificate /etc/ssl/shop.pem;
                location / { proxy_pass http://127.0.0.1:8000; if ($host ~ "a;b") { return 301 https://${host}/; } }
                location = /private { access_log off; }
            }
            server { listen 127.0.0.1:8081; location /nginx_status { stub_status; } }
            """)
        let found = await host.find()
        #expect(found.nginx.map(\.statusURL) == ["http://127.0.0.1:8081/nginx_status"])
        #expect(found.nginx[0].accessLogs == ["/var/log/nginx/access.log"])
        #expect(found.pages.map(\.url) == ["https://shop.example/"])
        #expect(found.pages[0].evidence == "server_name in /etc/nginx/sites-enabled/shop")
        #expect(found.certificates.map(\.file) == ["/etc/ssl/shop.pem"])
        #expect(found.otherListeners.isEmpty)
    }

    @Test func `compose services come from the engine's socket`() async throws {
        let host = try FixtureHost()
        try host.file("/run/podman/podman.sock", "")
        let found = await host.find(fetch: { socket, path in
            #expect(socket.hasSuffix("/run/podman/podman.sock") && path == "/v1.41/containers/json")
            return [
                [
                    "Image": "shop:1",
                    "Labels": ["com.docker.compose.project": "shop", "com.docker.compose.service": "web"],
                ],
                ["Image": "loose", "Labels": [:]],
            ]
        })
        #expect(found.composeServices.map(\.name) == ["shop/web"])
        let silent = await host.find(fetch: { _, _ in throw PlainFailure("refused", "connection refused") })
        #expect(silent.notes.contains { $0.contains("gave no list: connection refused") })
    }

    @Test func `units are listed only where systemd runs`() async throws {
        let host = try FixtureHost()
        try host.file("/run/systemd/system/x", "")
        let found = await host.find(units: {
            "shop-app.service loaded active running The shop\ncron.service loaded active running Cron\n"
        })
        #expect(found.units.map(\.name) == ["shop-app.service", "cron.service"])
    }

    @Test func `mounts of pretended file systems are left out`() async throws {
        let host = try FixtureHost()
        try host.file(
            "/proc/mounts", "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/sdb1 /srv/my\\040data xfs rw 0 0\n")
        #expect(await host.find().mounts == ["/", "/srv/my data"])
    }

    @Test func `a host that shows nothing gives nothing`() async throws {
        let found = await (try FixtureHost()).find()
        #expect(found.postgres.isEmpty && found.redis.isEmpty && found.nginx.isEmpty && found.pages.isEmpty)
    }
}

/// A folder that looks like a host's file system; removed at the end.
private final class FixtureHost {
    let root: String

    init() throws {
        var template = Array("/tmp/jaga-host-XXXXXX".utf8CString)
        root = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func file(_ path: String, _ text: String) throws {
        try folder(String(path[..<(try #require(path.lastIndex(of: "/")))]))
        let stream = try #require(fopen(root + path, "w"))
        fputs(text, stream)
        fclose(stream)
    }

    private func folder(_ path: String) throws {
        var built = root
        for part in path.split(separator: "/") {
            built += "/\(part)"
            mkdir(built, 0o755)
        }
    }

    /// - Parameter inodes: nil: its open files cannot be seen.
    func process(
        _ pid: Int, _ name: String, _ arguments: [String], inodes: [String]?, user: Int? = nil
    ) throws {
        try file("/proc/\(pid)/comm", name + "\n")
        try file("/proc/\(pid)/cmdline", arguments.isEmpty ? "" : arguments.joined(separator: "\0") + "\0")
        if let user { try file("/proc/\(pid)/status", "Name:\tx\nUid:\t\(user)\t\(user)\t\(user)\t\(user)\n") }
        guard let inodes else { return }
        try folder("/proc/\(pid)/fd")
        for (number, inode) in inodes.enumerated() {
            #expect(symlink("socket:[\(inode)]", "\(root)/proc/\(pid)/fd/\(number + 3)") == 0)
        }
    }

    private func table(_ rows: [(String, String, Int)]) -> String {
        "  sl local rem st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
            + rows.map { "   0: \($0.0) 00000000:0000 0A 00000000:00000000 00:00000000 00000000 \($0.2) 0 \($0.1) 1\n" }
            .joined()
    }

    func tcp(_ rows: [(String, String)]) throws { try tcp(rows.map { ($0.0, $0.1, 0) }) }
    func tcp(_ rows: [(String, String, Int)]) throws { try file("/proc/net/tcp", table(rows)) }
    func tcp6(_ rows: [(String, String)]) throws { try file("/proc/net/tcp6", table(rows.map { ($0.0, $0.1, 0) })) }

    func unix(_ rows: [(String, String)]) throws {
        try file(
            "/proc/net/unix",
            "Num RefCount Protocol Flags Type St Inode Path\n"
                + rows.map { "0000: 00000002 00000000 00010000 0001 01 \($0.1) \($0.0)\n" }.joined())
    }

    func find(
        isRoot: Bool = false, fetch: @escaping HostFinder.SocketFetch = { _, _ in [] },
        units: @escaping HostFinder.UnitList = { "" }, ask: @escaping HostFinder.PortLook = { _, _ in nil }
    ) async -> Findings {
        await HostFinder(
            tree: HostTree(root: root), isRoot: isRoot, fetch: fetch, listUnits: units, ask: ask
        ).find()
    }
}
