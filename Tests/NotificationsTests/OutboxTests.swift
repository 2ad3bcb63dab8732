import Diagnostics
import Events
import Foundation
import GRDB
import JSONCoding
import Ledger
import Outbound
import Series
import StateStore
import TestSupport
import Testing
import Units

@testable import Notifications

/// The whole way: ledger, rows, sending to a real SMTP server and a real web server, retries by a clock that the test moves,
/// restarts, and no secret anywhere on the disk.
@Suite struct OutboxTests {
    /// An outbox on a file of its own.
    struct House {
        /// Held, since it is removed when it goes away.
        let folder: TemporaryFolder
        let store: StateStore
        let ledger: Ledger
        let outbox: Outbox
        let clock: ManualClock

        init(in folder: TemporaryFolder, _ settings: NotificationSettings, clock: ManualClock = ManualClock()) throws {
            self.folder = folder
            let projection = OutboxProjection()
            store = try StateStore.open(at: folder.file("jaga.db"))
            ledger = try Ledger.open(store: store, projections: [projection])
            outbox = Outbox(
                store: store, projection: projection, recorder: ledger, settings: settings, site: "shop",
                random: SeededGenerator(seed: UInt64(clock.time.millisecondsSinceEpoch)))
            self.clock = clock
        }

        func queue(_ request: NotificationRequest = exampleRequest(firing: 1, resolved: 0)) async throws {
            try await ledger.record(outbox.events(for: request, at: clock.time))
        }

        func whileRunning(_ body: () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await outbox.run(clock: clock, wallClock: clock.wall) }
                defer { group.cancelAll() }
                try await body()
            }
        }

        /// Moves the clock to each next attempt until `condition` holds.
        func advance(until what: String, _ condition: () async throws -> Bool) async throws {
            try await waitUntil(what, timeout: .seconds(60)) {
                if try await condition() { return true }
                if let due = clock.nextDeadline, clock.sleeperCount > 0 {
                    clock.advance(by: max(.zero, clock.now.duration(to: due)))
                }
                return false
            }
        }

        func pending() async throws -> Int { try await outbox.snapshot().pending.count }
        func channel(_ name: String) async throws -> NotificationSnapshot.ChannelState? {
            try await outbox.snapshot().channels.first { $0.channel == name }
        }
        /// All that lies in the file, the write-ahead log with it.
        func bytes() throws -> String {
            let contents = ["", "-wal"].compactMap { FileManager.default.contents(atPath: store.path + $0) }
            return contents.map { String(decoding: $0, as: UTF8.self) }.joined()
        }
    }

    func webhook(_ server: LoopbackServer, _ path: String) -> NotificationSettings {
        NotificationSettings(receivers: [
            "ops": ReceiverSettings(webhook: [
                WebhookSettings(
                    url: Secret("http://127.0.0.1:\(server.port)\(path)"), credentials: .bearer(Secret("planted-token"))
                )
            ])
        ])
    }

    func mail(
        _ server: MailServerProcess, _ security: MailServer.Security, certificates: TestCertificates? = nil,
        password: String? = nil
    ) -> NotificationSettings {
        NotificationSettings(
            receivers: [
                "ops": ReceiverSettings(email: [EmailSettings(to: ["ops@shop.example", "Ani <ani@shop.example>"])])
            ],
            smtp: MailServerSettings(
                server: MailServer(
                    host: "localhost", port: server.port, security: security,
                    username: password == nil ? nil : MailServerProcess.username, password: password.map { Secret($0) },
                    clientName: "shop.example", tls: TLSOptions(authorityFile: certificates?.path("ca.pem"))),
                from: "Jaga <jaga@shop.example>"))
    }

    @Test func `mail goes out over STARTTLS with a login`() async throws {
        let certificates = try TestCertificates()
        let server = try MailServerProcess(.secured, certificates: certificates)
        defer { certificates.remove(); server.remove() }
        let house = try House(
            in: try TemporaryFolder(),
            mail(server, .starttls, certificates: certificates, password: MailServerProcess.password))
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "delivered") { try await house.channel("email/0")?.delivered == 1 }
        }
        let message = try #require(try server.messages().first)
        #expect(message.hasPrefix("from:jaga@shop.example\nto:ops@shop.example\nto:ani@shop.example\n\n"))
        #expect(message.contains("Subject: [ALERT] shop - DatabaseDown"))
        #expect(message.contains("multipart/alternative"))
        #expect(message.contains("text/html"))
        #expect(try await house.pending() == 0)
        #expect(try !house.bytes().contains(MailServerProcess.password))
    }

    @Test func `a wrong mail password waits for a person and is shown nowhere`() async throws {
        let certificates = try TestCertificates()
        let server = try MailServerProcess(.secured, certificates: certificates)
        defer { certificates.remove(); server.remove() }
        let folder = try TemporaryFolder()
        let house = try House(
            in: folder, mail(server, .starttls, certificates: certificates, password: "planted-wrong"))
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "failed twice") {
                try await house.outbox.snapshot().pending.first?.attempts == 2
            }
            let reason = try #require(try await house.channel("email/0")?.lastFailure)
            #expect(reason.contains("refused the login"), "\(reason)")
            let settings = mail(server, .starttls, certificates: certificates, password: MailServerProcess.password)
            house.outbox.apply(settings, site: "shop", externalURL: "")
            try await house.advance(until: "delivered") { try await house.pending() == 0 }
        }
        #expect(try server.messages().count == 1)
        #expect(try !house.bytes().contains("planted"))
    }

    @Test func `a password is never sent to a server without TLS`() async throws {
        let server = try MailServerProcess(.plain)
        defer { server.remove() }
        for security in [MailServer.Security.starttls, .opportunistic] {
            let house = try House(in: try TemporaryFolder(), mail(server, security, password: "planted-mail"))
            let failure = try #require(try await house.outbox.sendTest(to: "ops", at: house.clock.time).first?.failure)
            #expect(failure.codeName == "unsupported", "\(failure)")
            #expect(!failure.oneLine.contains("planted"))
        }
        #expect(server.offered() == 0)
    }

    @Test func `a server that answers 4xx for an hour gets the message in the end, with the same id`() async throws {
        let server = try MailServerProcess(.plain, refusals: Array(repeating: "451 4.3.0 try later", count: 12))
        defer { server.remove() }
        let house = try House(in: try TemporaryFolder(), mail(server, .none))
        try await house.queue()
        let start = house.clock.time
        try await house.whileRunning {
            try await house.advance(until: "refused once") { try await house.channel("email/0")?.lastFailure != nil }
            let reason = try #require(try await house.channel("email/0")?.lastFailure)
            #expect(reason == "smtp://localhost:\(server.port) refused the message with 451: 451 4.3.0 try later")
            try await house.advance(until: "delivered") { try await house.pending() == 0 }
        }
        #expect(try server.messages().count == 1)
        #expect(server.offered() == 13)
        // 5 + 10 + 20 + 40 + 80 + 160 + 320 + 640 + 4 · 900 s, each a fifth more or less.
        #expect(house.clock.time - start >= .seconds(3600))
        let id = try #require(
            try await house.store.read { db in
                try String.fetchOne(db, sql: "SELECT payload FROM ledger_entry WHERE kind = 'notification.delivered'")
            }.flatMap { try JSONValue(parsing: $0)["id"]?.stringValue })
        #expect(try server.messages()[0].contains("Message-ID: <\(id)@shop.example>"))
    }

    @Test func `a server that answers 5xx ends it, and that is counted`() async throws {
        let server = try MailServerProcess(.plain, refusals: ["550 5.7.1 no relaying"])
        defer { server.remove() }
        let house = try House(in: try TemporaryFolder(), mail(server, .none))
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "abandoned") { try await house.channel("email/0")?.abandoned == 1 }
        }
        #expect(try await house.pending() == 0)
        #expect(server.offered() == 1)
        let batch = try await NotificationMetrics(house.outbox).read(at: house.clock.time)
        let abandoned = batch.rows.first { $0.labels["outcome"] == "abandoned" && $0.labels["channel"] == "email" }
        #expect(abandoned?.value == 1)
    }

    @Test func `a webhook that fails for a while is told in the end`() async throws {
        let server = try LoopbackServer(countingScript, ["503", "4"])
        let house = try House(in: try TemporaryFolder(), webhook(server, "/hook?key=planted-key"))
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "delivered") { try await house.pending() == 0 }
        }
        let seen = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/seen")).text
        let ids = seen.split(separator: "\n")
        #expect(ids.count == 5)
        #expect(Set(ids).count == 1)
        #expect(try await house.channel("webhook/0")?.lastFailure == "http://127.0.0.1:\(server.port) answered 503")
        #expect(try !house.bytes().contains("planted"))
    }

    @Test func `a webhook that says 404 is given up`() async throws {
        let server = try LoopbackServer(countingScript, ["404", "100"])
        let house = try House(in: try TemporaryFolder(), webhook(server, "/hook"))
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "abandoned") { try await house.channel("webhook/0")?.abandoned == 1 }
        }
        #expect(try await house.pending() == 0)
    }

    @Test func `what was queued before a restart is delivered after it`() async throws {
        let folder = try TemporaryFolder()
        let closed = try LoopbackServer.closedPort()
        let nowhere = NotificationSettings(receivers: [
            "ops": ReceiverSettings(webhook: [WebhookSettings(url: Secret("http://127.0.0.1:\(closed)/"))])
        ])
        let clock = ManualClock()
        do {
            let house = try House(in: folder, nowhere, clock: clock)
            try await house.queue()
            try await house.whileRunning {
                try await house.advance(until: "failed") { try await house.channel("webhook/0")?.lastFailure != nil }
            }
            try house.store.close()
        }
        let server = try LoopbackServer(countingScript, ["503", "0"])
        clock.advance(by: .seconds(3600))
        let house = try House(in: folder, webhook(server, "/hook"), clock: clock)
        #expect(try await house.pending() == 1)
        try await house.whileRunning {
            try await house.advance(until: "delivered") { try await house.channel("webhook/0")?.delivered == 1 }
        }
        #expect(try await house.pending() == 0)
    }

    @Test func `a hanging channel holds up no other`() async throws {
        let slow = try LoopbackServer.http()
        let quick = try LoopbackServer(countingScript, ["503", "0"])
        let settings = NotificationSettings(receivers: [
            "ops": ReceiverSettings(webhook: [
                WebhookSettings(url: Secret("http://127.0.0.1:\(slow.port)/slow/3600"), timeout: .seconds(3600)),
                WebhookSettings(url: Secret("http://127.0.0.1:\(quick.port)/hook")),
            ])
        ])
        let house = try House(in: try TemporaryFolder(), settings)
        try await house.whileRunning {
            for index in 0..<3 {
                try await house.queue(exampleRequest(firing: 1, resolved: 0, group: "g\(index)"))
            }
            try await waitUntil("the quick one is done") { try await house.channel("webhook/1")?.delivered == 3 }
            #expect(try await house.channel("webhook/0")?.pending == 3)
        }
    }

    @Test func `a message to nobody is given up where it can be seen`() async throws {
        let house = try House(in: try TemporaryFolder(), NotificationSettings())
        try await house.queue()
        try await house.whileRunning {
            try await house.advance(until: "abandoned") { try await house.channel("none/0")?.abandoned == 1 }
        }
        #expect(try await house.channel("none/0")?.lastFailure == "there is no receiver 'ops'")
    }

    @Test func `a delivery that cannot be written down is not sent twice`() async throws {
        let server = try LoopbackServer(countingScript, ["503", "0"])
        let folder = try TemporaryFolder()
        let projection = OutboxProjection()
        let store = try StateStore.open(at: folder.file("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [projection])
        let recorder = FailingRecorder(ledger)
        let clock = ManualClock()
        let outbox = Outbox(
            store: store, projection: projection, recorder: recorder, settings: webhook(server, "/hook"), site: "shop")
        try await ledger.record(outbox.events(for: exampleRequest(firing: 1, resolved: 0), at: clock.time))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await outbox.run(clock: clock, wallClock: clock.wall) }
            defer { group.cancelAll() }
            try await waitUntil("three refused records") {
                if let due = clock.nextDeadline { clock.advance(by: max(.zero, clock.now.duration(to: due))) }
                return recorder.refusals.value >= 3
            }
            recorder.isBroken.set(0)
            try await waitUntil("recorded") {
                if let due = clock.nextDeadline { clock.advance(by: max(.zero, clock.now.duration(to: due))) }
                return try await outbox.snapshot().pending.isEmpty
            }
        }
        let seen = try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/seen")).text
        #expect(seen.split(separator: "\n").count == 1)
    }

    @Test func `a test message tells how each channel fared`() async throws {
        let server = try LoopbackServer(countingScript, ["401", "100"])
        let house = try House(in: try TemporaryFolder(), webhook(server, "/hook"))
        let results = try await house.outbox.sendTest(to: "ops", at: house.clock.time)
        #expect(results.map(\.channel) == ["webhook/0"])
        #expect(results[0].failure?.summary == "http://127.0.0.1:\(server.port) answered 401")
        #expect(results[0].failure?.hint == "Check the webhook's token or password.")
        await #expect(throws: NotificationError.self) {
            try await house.outbox.sendTest(to: "opps", at: house.clock.time)
        }
    }

    @Test func `a replay of the ledger gives the same rows`() async throws {
        let house = try House(in: try TemporaryFolder(), NotificationSettings())
        try await house.queue()
        try await house.queue(exampleRequest(firing: 0, resolved: 1))
        let before = try await house.store.read { try OutboxTables.waiting(in: $0) }
        try house.ledger.rebuildProjections()
        #expect(try await house.store.read { try OutboxTables.waiting(in: $0) } == before)
        #expect(before.count == 2)
    }
}

/// Answers POST with the first argument's status as often as the second says, then with 200; `/seen` lists the ids of all.
private let countingScript = #"""
    import http.server, os, sys
    status, left, seen = int(sys.argv[1]), int(sys.argv[2]), []
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def reply(self, status, body=b''):
            self.send_response(status); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
        def do_GET(self): self.reply(200, '\n'.join(seen).encode())
        def do_POST(self):
            global left
            self.rfile.read(int(self.headers['Content-Length']))
            seen.append(self.headers['Idempotency-Key'])
            if left > 0:
                left -= 1; self.reply(status)
            else: self.reply(200)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    print(server.server_port, os.getpid())
    server.serve_forever()
    """#

/// A ledger whose disk is full until a person makes room.
private final class FailingRecorder: EventRecording {
    let ledger: Ledger
    let isBroken = Counter(1)
    let refusals = Counter(0)

    init(_ ledger: Ledger) { self.ledger = ledger }

    func record(_ events: [Event]) async throws -> Int64 {
        if isBroken.value > 0 {
            refusals.set(refusals.value + 1)
            throw PlainFailure("disk-full", "the disk is full")
        }
        return try await ledger.record(events)
    }
}

private final class Counter: @unchecked Sendable {
    // `lock` guards `number`.
    private let lock = NSLock()
    private var number: Int

    init(_ number: Int) { self.number = number }
    var value: Int { lock.withLock { number } }
    func set(_ value: Int) { lock.withLock { number = value } }
}
