import Diagnostics
import Settings
import Testing
import Units

/// Goal: a file is read strictly, every fault is found at once and has its place and its remedy, and nothing secret is shown.
/// Method: a small section with one key of each type, read from texts.
@Suite struct SettingsTests {
    struct Probe: SettingsSection, Equatable {
        enum Method: String, CaseIterable { case get, head }
        let url: String
        let interval: Duration
        let method: Method
        let tags: [String]
        init(_ s: SettingsReader) {
            url = s.requiredText("url", "The address to look at.")
            interval = s.duration("interval", default: .seconds(15), atLeast: .seconds(1), "How often to look.")
            method = s.choice("method", default: .get, "The request's method.")
            tags = s.texts("tags", "Words to find it by.")
        }
    }

    struct Site: SettingsSection {
        let name: String
        let port: Int
        let share: Double
        let tls: Bool
        let limit: ByteCount
        let password: Secret?
        let probes: [Probe]
        let receivers: [(name: String, value: Probe)]
        let labels: [String: String]
        let headers: [String: Secret]
        let proxyHeaders: [String: [Secret]]
        let address: String?
        init(_ s: SettingsReader) {
            name = s.text("name", default: "site", "What it is called.")
            port = s.integer("port", default: 9797, in: 1...65535, "Where it listens.")
            share = s.number("share", default: 0.5, in: 0...1, "A share.")
            tls = s.boolean("tls", default: false, "Whether it is encrypted.")
            limit = s.bytes("limit", default: ByteCount(1 << 20), "How much.")
            password = s.secret("password", "The password.")
            probes = s.list("probes", of: Probe.self, "What to look at.")
            receivers = s.map("receivers", of: Probe.self, "Whom to tell.")
            labels = s.textMap("labels", "More labels.")
            headers = s.secretMap("headers", "Header fields.")
            proxyHeaders = s.secretListMap("proxy_headers", "More of them.")
            address = s.address("address", "Where to send.")
        }
    }

    static let sources = SettingsSources(
        environment: { ["DB_PASSWORD": "hunter2", "HOST": "db1"][$0] },
        readFile: { path in
            guard path == "/run/secret" else { throw PlainFailure("not-found", "no such file") }
            return "from-a-file\nsecond line\n"
        })

    func read(_ yaml: String) throws -> SettingsReading<Site> {
        try SettingsDocument.read(yaml, file: "jaga.yaml", sources: Self.sources)
    }

    func faults(_ yaml: String) -> [String] {
        do {
            _ = try read(yaml)
            return []
        } catch let error as InvalidInput {
            return error.diagnostics.map(\.description)
        } catch {
            return ["\(error)"]
        }
    }

    @Test(arguments: ["", "# nothing\n", "~\n", "{}\n"])
    func `an empty file gives the defaults`(yaml: String) throws {
        let site = try read(yaml).section
        #expect(site.name == "site" && site.port == 9797 && site.limit.bytes == 1_048_576 && site.probes.isEmpty)
    }

    @Test func `every type is read`() throws {
        let site = try read(
            """
            name: ${HOST}-shop
            port: 80
            share: 0.25
            tls: yes
            limit: 2GB
            password: ${DB_PASSWORD}
            labels: {team: web}
            probes:
              - {url: "http://a", interval: 1m30s, method: head, tags: [x, y]}
              - url: http://b
            receivers:
              ops: {url: u}
            """
        ).section
        #expect(site.name == "db1-shop" && site.port == 80 && site.share == 0.25 && site.tls)
        #expect(site.limit.bytes == 2 << 30 && site.password?.reveal() == "hunter2" && site.labels == ["team": "web"])
        #expect(site.probes.map(\.interval) == [.seconds(90), .seconds(15)])
        #expect(site.probes[0].tags == ["x", "y"] && site.probes[0].method == .head)
        #expect(site.receivers.map(\.name) == ["ops"])
    }

    @Test func `all faults are reported at once with place and remedy`() {
        let found = faults(
            """
            prt: 80
            port: eighty
            share: 2
            limit: much
            probes:
              - interval: 5 minuts
                url: x
              - method: gett
            receivers: none
            """)
        #expect(
            found == [
                "jaga.yaml:1:1: prt: unknown key; did you mean 'port'?",
                "jaga.yaml:2:7: port: 'eighty' is not a whole number from 1 to 65535",
                "jaga.yaml:3:8: share: '2' is not a number from 0.0 to 1.0",
                "jaga.yaml:4:8: limit: 'much' is not a size; write it like 512MB or 2GB",
                "jaga.yaml:6:15: probes[0].interval: '5 minuts' is not a duration; write it like 5m or 1h30m",
                "jaga.yaml:8:5: probes[1]: 'url' is missing",
                "jaga.yaml:8:13: probes[1].method: 'gett' is not one of get, head; did you mean 'get'?",
                "jaga.yaml:9:12: receivers: is a single value where a mapping of names is expected; write 'name:' and its keys below",
            ])
    }

    @Test(arguments: [
        ("a: [1", "jaga.yaml:1:4: the '[' that opens here is not closed; add ']'"),
        ("port: 1\nport: 2\n", "'port' stands already at line 1"),
        ("- 1\n", "the file holds a list where a mapping of keys is expected"),
        ("port: {a: 1}\n", "jaga.yaml:1:7: port: is a mapping where a whole number from 1 to 65535 is expected"),
        ("probes: [{url: x, interval: 10ms}]\n", "'10ms' is shorter than 1s, the least that works"),
        ("name: ${NOT_SET}\n", "the environment variable NOT_SET is not set"),
        ("password: file:/nowhere\n", "cannot read the secret from /nowhere: no such file"),
        (
            "port: 1\n\tname: x\n",
            "jaga.yaml:2:1: a tab indents this line; YAML takes only spaces, so write two spaces for it"
        ),
        ("probes:\n  - url: x\n  \ttags: [a]\n", "jaga.yaml:3:3: a tab indents this line"),
        ("name: \"a\\0b\"\n", "jaga.yaml:1:7: name: holds the control character U+0000; remove it"),
        ("probes: [{url: x, tags: [\"a\\a\"]}]\n", "tags: holds the control character U+0007"),
        ("receivers: {\"\": {url: u}}\n", "jaga.yaml:1:13: receivers: a name is empty"),
        ("receivers:\n  \"a b\": {url: u}\n", "jaga.yaml:2:3: receivers: 'a b' cannot be a name; it takes up to 100"),
        ("receivers: {\"a/b\": {url: u}}\n", "'a/b' cannot be a name"),
        ("receivers: {..: {url: u}}\n", "'..' cannot be a name"),
        ("receivers: {\"a\\nb\": {url: u}}\n", "'a?b' cannot be a name"),
    ])
    func `a fault says what is wrong`(yaml: String, expected: String) {
        let found = faults(yaml)
        #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    }

    @Test func `a few lines of aliases cannot take all memory`() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let found = faults(bomb)
        #expect(found.count == 1 && found[0].contains("more than 200000 values"), "\(found)")
    }

    @Test func `a byte order mark at the start is no part of the text`() throws {
        #expect(try read("\u{FEFF}name: shop\n").section.name == "shop")
        #expect(faults("\u{FEFF}nam: shop\n") == ["jaga.yaml:1:1: nam: unknown key; did you mean 'name'?"])
    }

    @Test func `a key that stands twice names both places and hides no other fault`() {
        let found = faults(
            """
            port: 80
            # port: 81 in a comment is none
            shar: 1
            probes:
              - url: x
                tags: [port: 3]
              - {url: a, interval: 5s, url: b}
            "port": eighty
            port : 82
            name: a
            'name': b
            """)
        #expect(
            found == [
                "jaga.yaml:3:1: shar: unknown key; did you mean 'share'?",
                "jaga.yaml:6:12: probes[0].tags[0]: is a mapping where a text is expected",
                "jaga.yaml:7:28: 'url' stands already at line 7; keep one of the two",
                "jaga.yaml:8:2: 'port' stands already at line 1; keep one of the two",
                "jaga.yaml:9:1: 'port' stands already at line 1; keep one of the two",
                "jaga.yaml:11:2: 'name' stands already at line 10; keep one of the two",
            ])
    }

    @Test func `effective values have the documentation of their keys`() throws {
        let values = try read("probes: [{url: x}]\nlabels: {team: web}\n").values
        func documentation(_ path: String) -> String? { values.first { $0.path == path }?.documentation }
        #expect(documentation("port") == "Where it listens.")
        #expect(documentation("probes[0].interval") == "How often to look.")
        #expect(documentation("labels.team") == "More labels.")
        #expect(values.allSatisfy { !$0.documentation.isEmpty })
    }

    @Test func `what has faults is read as far as it goes`() throws {
        let outcome = try SettingsDocument.examine(
            "port: x\nprobes: [{url: a}]\n", file: "jaga.yaml", sources: Self.sources, as: Site.self)
        #expect(outcome.faults.count == 1)
        #expect(outcome.reading.section.probes.map(\.url) == ["a"] && outcome.reading.section.port == 9797)
    }

    @Test func `a secret comes from environment or file and is never shown`() throws {
        for (written, secret) in [
            ("${DB_PASSWORD}", "hunter2"), ("file:/run/secret", "from-a-file"), ("plain-text", "plain-text"),
        ] {
            let reading = try read("password: \(written)\n")
            #expect(reading.section.password?.reveal() == secret)
            var dumped = ""
            dump(reading.section, to: &dumped)
            let shown = "\(reading.values) \(reading.warnings) \(reading.section) \(dumped)"
            #expect(!shown.contains(secret), "\(shown)")
            #expect(reading.warnings.count == (written == "plain-text" ? 1 : 0))
        }
    }

    @Test func `header fields are secrets, and only those whose name says so get the advice`() throws {
        let reading = try read(
            """
            headers: {X-Scope-OrgID: planted-1, X-Api-Key: planted-2, Cookie: "${DB_PASSWORD}", X-Token: file:/run/secret}
            proxy_headers: {X-Auth: [planted-3, "${DB_PASSWORD}"], X-Site: planted-4}
            """)
        let site = reading.section
        #expect(
            site.headers.mapValues { $0.reveal() } == [
                "X-Scope-OrgID": "planted-1", "X-Api-Key": "planted-2", "Cookie": "hunter2", "X-Token": "from-a-file",
            ])
        #expect(
            site.proxyHeaders.mapValues { $0.map { $0.reveal() } } == [
                "X-Auth": ["planted-3", "hunter2"], "X-Site": ["planted-4"],
            ])
        let shown = "\(reading.values) \(reading.warnings) \(site)"
        for secret in ["planted", "hunter2", "from-a-file"] { #expect(!shown.contains(secret), "\(shown)") }
        #expect(reading.warnings.map(\.path) == ["headers.X-Api-Key", "proxy_headers.X-Auth[0]"])
        #expect(reading.values.filter { $0.path.contains("eaders") && $0.text == Secret.redacted }.count == 7)
        // One change is a change.
        let other = try read("headers: {X-Scope-OrgID: planted-9}\n")
        let same = try read("headers: {X-Scope-OrgID: planted-1}\n")
        let place = "headers.X-Scope-OrgID"
        #expect(reading.fingerprint(of: place) == same.fingerprint(of: place))
        #expect(reading.fingerprint(of: place) != other.fingerprint(of: place))
    }

    @Test(arguments: [
        ("http://user:planted@host/w", 1), ("http://user:${DB_PASSWORD}@host/w", 0), ("http://user@host/w", 0),
        ("http://user:@host/w", 0), ("http://host:80/a:b@c", 0), ("http://a:planted@b:c@host", 1),
    ])
    func `a password that stands in an address gets the advice`(_ address: String, _ count: Int) throws {
        let reading = try read("address: \"\(address)\"\n")
        #expect(reading.warnings.filter { $0.message.contains("stands in the file itself") }.count == count)
        #expect(!"\(reading.values) \(reading.warnings)".contains("planted"))
    }

    @Test func `effective values tell where they came from`() throws {
        let values = try read("name: ${HOST}\nport: 8080\n").values
        func origin(_ path: String) -> String? { values.first { $0.path == path }?.origin.description }
        #expect(origin("name") == "${HOST} at jaga.yaml:1:7")
        #expect(origin("port") == "jaga.yaml:2:7")
        #expect(origin("share") == "default")
    }

    @Test func `a fingerprint tells a change, of a secret too, and not a move`() throws {
        let one = try read("probes:\n  - {url: a}\n  - {url: b, interval: 5s}\npassword: x\n")
        let moved = try read("probes:\n  - {url: b, interval: 5s}\npassword: y\n")
        #expect(one.fingerprint(of: "probes[1]") == moved.fingerprint(of: "probes[0]"))
        #expect(one.fingerprint(of: "probes[0]") != moved.fingerprint(of: "probes[0]"))
        let (listed, movedList) = (
            one.fingerprints(ofList: "probes", count: 2), moved.fingerprints(ofList: "probes", count: 1)
        )
        #expect(listed[1] == movedList[0] && listed[0] != movedList[0])
        #expect(one.fingerprint(of: "password") != moved.fingerprint(of: "password"))
    }

    @Test func `the reference lists every key`() {
        let declared = SettingsDocument.declarations(of: Site.self)
        #expect(
            declared.map(\.path) == [
                "name", "port", "share", "tls", "limit", "password", "probes", "probes[].url", "probes[].interval",
                "probes[].method", "probes[].tags", "receivers", "receivers.<name>.url", "receivers.<name>.interval",
                "receivers.<name>.method", "receivers.<name>.tags", "labels", "headers",
                "proxy_headers", "address",
            ])
        #expect(declared.first { $0.path == "probes[].interval" }?.defaultText == "15s")
        #expect(declared.first { $0.path == "password" }?.isSecret == true)
    }
}
