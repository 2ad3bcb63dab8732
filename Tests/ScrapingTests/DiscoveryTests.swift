import ClientSettings
import Diagnostics
import Foundation
import JSONCoding
import Outbound
import TestSupport
import Testing

@testable import Scraping

/// Goal: each discovery gives the targets and meta labels that its documentation names, and a failing one keeps what it had. Method:
/// real files, a real HTTP server, a real name server of a few lines, and an engine's answers as Docker gives them.
@Suite struct DiscoveryTests {
    // MARK: Files

    @Test func `files of both kinds are read, and again when they change`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let json = folder.file("one.json")
        let yaml = folder.file("two.yml")
        try #"[{"targets": ["a:1", "b:2"], "labels": {"rack": "r1"}}, {"targets": []}]"#.write(
            toFile: json, atomically: true, encoding: .utf8)
        try "- targets: ['c:3']\n  labels:\n    port: 3\n".write(toFile: yaml, atomically: true, encoding: .utf8)
        let discovery = FileDiscovery(patterns: [folder.file("*.json"), folder.file("*.yml")], refresh: .seconds(300))
        let groups = try await discovery.read()
        #expect(
            groups.map(\.targets) == [[["__address__": "a:1"], ["__address__": "b:2"]], [], [["__address__": "c:3"]]])
        #expect(groups[0].labels == ["rack": "r1", "__meta_filepath": json])
        #expect(groups[2].labels == ["port": "3", "__meta_filepath": yaml])
        #expect(await !discovery.hasChanged())
        try "- targets: ['d:4']\n".write(toFile: yaml, atomically: true, encoding: .utf8)
        #expect(await discovery.hasChanged())
        #expect(try await discovery.read().last?.targets == [["__address__": "d:4"]])
        #expect(await !discovery.hasChanged())
    }

    @Test func `a broken file keeps its last list and does not hide the others`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (one, two) = (folder.file("one.json"), folder.file("two.json"))
        try #"[{"targets": ["a:1"]}]"#.write(toFile: one, atomically: true, encoding: .utf8)
        try #"[{"targets": ["b:1"]}]"#.write(toFile: two, atomically: true, encoding: .utf8)
        let discovery = FileDiscovery(patterns: [folder.file("*.json")], refresh: .seconds(300))
        _ = try await discovery.read()
        try #"[{"targets": ["a:1"}"#.write(toFile: one, atomically: true, encoding: .utf8)
        try #"[{"targets": ["c:1"]}]"#.write(toFile: two, atomically: true, encoding: .utf8)
        let partial = try await #require(throws: PartialDiscovery.self) { try await discovery.read() }
        #expect(partial.groups.map(\.targets) == [[["__address__": "a:1"]], [["__address__": "c:1"]]])
        #expect(partial.fault.contains(one))
        try FileManager.default.removeItem(atPath: one)
        #expect(try await discovery.read().map(\.targets) == [[["__address__": "c:1"]]])
    }

    @Test(arguments: [
        ("{}", "a list of groups"), (#"["a"]"#, "not a mapping"), (#"[{"target": []}]"#, "unknown key 'target'"),
        (#"[{"targets": [1]}]"#, "not a text"), (#"[{"targets": ["a:1"], "labels": {"x": 1}}]"#, "label 'x'"),
    ])
    func `lists that make no sense say where`(text: String, words: String) throws {
        let value = try JSONValue(parsing: text)
        let error = try #require(throws: ScrapingError.self) { try TargetGroup.list(value, source: "f") }
        #expect(error.summary.contains(words), "\(error.summary)")
    }

    // MARK: HTTP

    @Test func `an address gives targets, with its refresh interval in the question`() async throws {
        let server = try PageServer()
        try server.write("type", "application/json; charset=utf-8")
        try server.write("sd", #"[{"targets": ["a:1"], "labels": {"zone": "z"}}]"#)
        let url = "http://\(server.address)/sd"
        var client = HTTPClientSettings()
        client.authorization = .basic(user: .text(Secret("u")), password: .text(Secret("p")))
        let discovery = HTTPDiscovery(url: url, refresh: .seconds(90), client: client)
        let groups = try await discovery.read()
        #expect(groups.map(\.targets) == [[["__address__": "a:1"]]])
        #expect(groups[0].labels == ["zone": "z", "__meta_url": url])
        let request = try server.lastRequest()
        #expect(request.contains("x-prometheus-refresh-interval-seconds: 90\n"))
        #expect(request.contains("authorization: Basic dTpw\n"))
        try server.write("type", "text/plain")
        await #expect(throws: ScrapingError.self) { try await discovery.read() }
        try server.write("type", "application/json")
        try server.write("status", "503")
        await #expect(throws: ScrapingError.self) { try await discovery.read() }
    }

    // MARK: DNS

    @Test func `records become targets`() async throws {
        let server = try LoopbackServer(nameServer)
        var configuration = DNSResolver.Configuration()
        configuration.servers = ["127.0.0.1:\(server.port)"]
        configuration.searchDomains = ["example"]
        func groups(_ name: String, _ type: DiscoverySettings.DNSType, _ port: Int?) async throws -> [[String: String]]
        {
            var discovery = DNSDiscovery(names: [name], type: type, port: port, refresh: .seconds(30))
            discovery.resolver = DNSResolver(configuration)
            return try await discovery.read()[0].targets
        }
        #expect(
            try await groups("_m._tcp.shop.example", .srv, nil) == [
                [
                    "__meta_dns_name": "_m._tcp.shop.example", "__meta_dns_srv_record_target": "one.shop.example.",
                    "__meta_dns_srv_record_port": "9100", "__address__": "one.shop.example:9100",
                ],
                [
                    "__meta_dns_name": "_m._tcp.shop.example", "__meta_dns_srv_record_target": "two.shop.example.",
                    "__meta_dns_srv_record_port": "9101", "__address__": "two.shop.example:9101",
                ],
            ])
        #expect(
            try await groups("shop", .a, 80) == [["__meta_dns_name": "shop", "__address__": "10.1.2.3:80"]],
            "by the search domain")
        #expect(try await groups("shop.example", .aaaa, 80).map { $0["__address__"] } == ["[2001:db8::1]:80"])
        #expect(
            try await groups("shop.example", .mx, 25) == [
                [
                    "__meta_dns_name": "shop.example", "__meta_dns_mx_record_target": "mail.shop.example.",
                    "__address__": "mail.shop.example:25",
                ]
            ])
        #expect(try await groups("nowhere.example", .a, 80).isEmpty)
        // Cut off over UDP, whole over TCP.
        #expect(try await groups("many.example", .a, 1).count == 60)
        await #expect(throws: OutboundError.self) { try await groups("broken.example", .a, 1) }
    }

    // MARK: Docker

    @Test func `containers become targets with their networks and ports`() throws {
        let containers = try JSONValue(parsing: dockerContainers).arrayValue!
        let networks = try JSONValue(parsing: dockerNetworks).arrayValue!
        var settings = DiscoverySettings.DockerSettings(
            host: "unix:///x", port: 80, hostNetworkingHost: "localhost", takesFirstNetwork: true, filters: [:],
            refresh: .seconds(60), client: HTTPClientSettings())
        let targets = DockerDiscovery.targets(
            containers: containers, all: containers, networks: networks, settings)
        #expect(
            targets.map { $0["__address__"] } == [
                "172.20.0.2:9100", "172.20.0.2:9200", "172.20.0.3:80", "localhost", "172.20.0.2:80", "172.19.0.2:3306",
            ])
        #expect(
            targets[0] == [
                "__address__": "172.20.0.2:9100", "__meta_docker_container_id": "c1",
                "__meta_docker_container_label_com_docker_compose_project": "shop",
                "__meta_docker_container_name": "/node", "__meta_docker_container_network_mode": "shop_default",
                "__meta_docker_network_id": "n1", "__meta_docker_network_ingress": "false",
                "__meta_docker_network_internal": "true", "__meta_docker_network_ip": "172.20.0.2",
                "__meta_docker_network_label_own": "yes", "__meta_docker_network_name": "shop_default",
                "__meta_docker_network_scope": "local", "__meta_docker_port_private": "9100",
                "__meta_docker_port_public": "19100", "__meta_docker_port_public_ip": "0.0.0.0",
            ])
        // The fifth shares the first one's network; the sixth is in two and counts once.
        #expect(targets[4]["__meta_docker_network_name"] == "shop_default")
        settings.takesFirstNetwork = false
        let all = DockerDiscovery.targets(containers: containers, all: containers, networks: networks, settings)
        #expect(all.map { $0["__address__"] }.suffix(2) == ["172.18.0.2:3306", "172.19.0.2:3306"])
    }

    @Test func `the engine is asked over its socket`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let socket = folder.file("d.sock")
        let server = try LoopbackServer(dockerServer, [socket, dockerContainers, dockerNetworks])
        defer { withExtendedLifetime(server) {} }
        let discovery = DockerDiscovery(
            .init(
                host: "unix://\(socket)", port: 80, hostNetworkingHost: "localhost", takesFirstNetwork: true,
                filters: ["label": ["metrics"]], refresh: .seconds(60), client: HTTPClientSettings()))
        #expect(try await discovery.read().flatMap(\.targets).count == 6)
    }
}

private let dockerContainers = #"""
    [{"Id":"c1","Names":["/node"],"Labels":{"com.docker.compose-project":"shop"},"State":"running",
      "Ports":[{"IP":"0.0.0.0","PrivatePort":9100,"PublicPort":19100,"Type":"tcp"},{"PrivatePort":9200,"Type":"tcp"},
               {"PrivatePort":53,"Type":"udp"}],
      "HostConfig":{"NetworkMode":"shop_default"},
      "NetworkSettings":{"Networks":{"shop_default":{"NetworkID":"n1","IPAddress":"172.20.0.2"}}}},
     {"Id":"c2","Names":["/plain"],"Labels":{},"Ports":[],"HostConfig":{"NetworkMode":"shop_default"},
      "NetworkSettings":{"Networks":{"shop_default":{"NetworkID":"n1","IPAddress":"172.20.0.3"}}}},
     {"Id":"c3","Names":["/hosted"],"Labels":{},"Ports":[],"HostConfig":{"NetworkMode":"host"},
      "NetworkSettings":{"Networks":{"host":{"NetworkID":"n0","IPAddress":""}}}},
     {"Id":"c4","Names":["/side"],"Labels":{},"Ports":[],"HostConfig":{"NetworkMode":"container:c1"},
      "NetworkSettings":{"Networks":{}}},
     {"Id":"c5","Names":["/db"],"Labels":{},"Ports":[{"PrivatePort":3306,"Type":"tcp"}],
      "HostConfig":{"NetworkMode":"private"},
      "NetworkSettings":{"Networks":{"internal":{"NetworkID":"n2","IPAddress":"172.18.0.2"},
                                     "private":{"NetworkID":"n3","IPAddress":"172.19.0.2"}}}},
     {"Id":"c6","Names":[],"Labels":{},"Ports":[],"HostConfig":{"NetworkMode":"host"},"NetworkSettings":{"Networks":{}}}]
    """#

private let dockerNetworks = #"""
    [{"Id":"n1","Name":"shop_default","Scope":"local","Internal":true,"Ingress":false,"Labels":{"own":"yes"}},
     {"Id":"n2","Name":"internal","Scope":"local","Internal":false,"Ingress":false,"Labels":{}},
     {"Id":"n3","Name":"private","Scope":"local","Internal":false,"Ingress":false,"Labels":{}},
     {"Id":"n0","Name":"host","Scope":"local","Internal":false,"Ingress":false,"Labels":{}}]
    """#

private let dockerServer = #"""
    import os, http.server, socketserver, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def do_GET(self):
            body = (sys.argv[3] if self.path.startswith('/networks') else sys.argv[2]).encode()
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        def get_request(self):
            connection, _ = super().get_request()
            return connection, ('local', 0)
    server = Unix(sys.argv[1], Handler)
    print(0, os.getpid())
    server.serve_forever()
    """#

/// Answers over UDP and TCP. Names end with a pointer to the question, as real servers write them.
private let nameServer = #"""
    import os, socket, struct, threading
    def name(text):
        return b''.join(bytes([len(p)]) + p.encode() for p in text.split('.') if p) + b'\0'
    def records(q, kind):
        if q == '_m._tcp.shop.example' and kind == 33:
            # The suffix 'shop.example' begins after '_m' (3) and '_tcp' (5): a pointer to offset 12 + 8.
            return [struct.pack('>HHH', 1, 2, 9100) + b'\x03one\xc0\x14', struct.pack('>HHH', 1, 2, 9101) + b'\x03two\xc0\x14']
        if q == 'shop.example' and kind == 1: return [bytes([10, 1, 2, 3])]
        if q == 'shop.example' and kind == 28: return [bytes.fromhex('20010db8000000000000000000000001')]
        if q == 'shop.example' and kind == 15: return [struct.pack('>H', 10) + b'\x04mail\xc0\x0c']
        if q == 'many.example' and kind == 1: return [bytes([10, 0, 0, i]) for i in range(60)]
        return None
    def answer(data, stream):
        at, parts = 12, []
        while data[at]:
            parts.append(data[at+1:at+1+data[at]].decode()); at += 1 + data[at]
        question = data[12:at+5]
        kind = struct.unpack('>H', data[at+1:at+3])[0]
        q = '.'.join(parts)
        if q.startswith('broken.example'): return data[:2] + struct.pack('>HHHHH', 0x8182, 1, 0, 0, 0) + question
        found = records(q, kind)
        if found is None: return data[:2] + struct.pack('>HHHHH', 0x8183, 1, 0, 0, 0) + question
        if len(found) > 20 and not stream: return data[:2] + struct.pack('>HHHHH', 0x8380, 1, 0, 0, 0) + question
        body = b''.join(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 60, len(r)) + r for r in found)
        return data[:2] + struct.pack('>HHHHH', 0x8180, 1, len(found), 0, 0) + question + body
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(('127.0.0.1', 0))
        port = udp.getsockname()[1]
        tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(('127.0.0.1', port)); tcp.listen(5); break
        except OSError:
            # Somebody has this number for TCP.
            udp.close(); tcp.close()
    def streams():
        while True:
            c, _ = tcp.accept()
            n = struct.unpack('>H', c.recv(2))[0]
            a = answer(c.recv(n), True)
            c.sendall(struct.pack('>H', len(a)) + a); c.close()
    threading.Thread(target=streams, daemon=True).start()
    print(port, os.getpid())
    while True:
        data, peer = udp.recvfrom(4096)
        udp.sendto(answer(data, False), peer)
    """#
