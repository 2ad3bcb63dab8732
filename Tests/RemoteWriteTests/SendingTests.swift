import Compression
import DurableFiles
import Exposition
import Logging
import Outbound
import Series
import Synchronization
import TestSupport
import Testing
import Units

@testable import RemoteWrite

/// Goal: what goes over the wire is what the specifications of version 1 and 2 ask for, a receiver that asks for time gets it, and TLS,
/// credentials, header fields and a proxy are used as written. Method: a receiver that keeps each request; messages are taken apart
/// field by field, without the program's own reader.
@Suite(.serialized) struct SendingTests {
    static let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

    /// A writer with one address, running until the body has returned.
    static func sending(
        to url: String, _ lines: String = "",
        queue: String = "batch_send_deadline: 50ms, min_backoff: 10ms, max_backoff: 50ms",
        files: any FileSystem = MemoryFiles(),
        clock: any Clock<Duration> = ContinuousClock(), wall: any WallClock = ReceiverTests.Wall(),
        limits: RemoteQueueLimits = RemoteQueueLimits(), folder: String = "/q",
        _ body: (RemoteWriter) async throws -> Void
    ) async throws {
        var settings = try RequestPlanTests.settings(
            "name: r\nqueue_config: {\(queue)}\n\(lines)")
        settings.url = url
        let writer = try RemoteWriter(
            [settings], folder: folder, files: files, limits: limits, externalLabels: ["site": "n"], clock: clock,
            wallClock: wall, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }, userAgent: "jaga/test"
        ) {
            [
                "hits_total": MetricMetadata("hits_total", .counter, "Hits.", unit: "hits"),
                "heat": MetricMetadata("heat", .gauge, "Heat."),
            ]
        }
        let task = Task { await writer.run() }
        defer { task.cancel() }
        try await body(writer)
        task.cancel()
        await task.value
    }

    static func batch(_ second: Int) -> SampleBatch {
        var batch = SampleBatch(at: start + .seconds(second))
        batch.add("hits_total", ["job": "shop"], Double(second))
        batch.add("heat", ["job": "shop"], -1.5)
        var histogram = NativeHistogram(schema: 2)
        histogram.count = 7
        histogram.sum = 3.5
        histogram.zeroThreshold = 0.001
        histogram.zeroCount = 1
        histogram.positiveSpans = [.init(offset: 1, length: 2)]
        histogram.positiveBuckets = [2, 4]
        batch.rows.append(
            .init(labels: Labels("sizes"), histogram: histogram, timestamp: start + .milliseconds(second * 1000 + 250)))
        batch.exemplars.append(
            Exemplar(series: Labels("hits_total", ["job": "shop"]), labels: ["trace": "t1"], value: 4, timestamp: 99))
        return batch
    }

    private static let wantsAll =
        "send_exemplars: true\nsend_native_histograms: true\nmetadata_config: {send_interval: 1s}\n"

    @Test
    func `version 2 has symbols, metadata of each series, histograms and exemplars where the specification has them`()
        async throws
    {
        let receiver = try RemoteWriteReceiver()
        try await Self.sending(
            to: receiver.url, "protobuf_message: io.prometheus.write.v2.Request\n\(Self.wantsAll)"
        ) { writer in
            writer.append(Self.batch(7))
            let request = try #require(try await receiver.waitForTaken(1).first)
            #expect(request.headers["content-type"] == "application/x-protobuf;proto=io.prometheus.write.v2.Request")
            #expect(request.headers["content-encoding"] == "snappy")
            #expect(request.headers["x-prometheus-remote-write-version"] == "2.0.0")
            #expect(request.headers["user-agent"] == "jaga/test")
            let message = try #require(WireView(try Snappy.decompress(request.body, limit: 1 << 20)))
            let symbols = message.texts(4)
            #expect(symbols.first == "" && Set(symbols).count == symbols.count)
            #expect(Set(message.fields.map(\.number)) == [4, 5])
            func labels(_ view: WireView) throws -> [String: String] {
                let places = view.numbers(1).map { Int($0) }
                #expect(places.count.isMultiple(of: 2))
                var found: [String: String] = [:]
                for index in stride(from: 0, to: places.count, by: 2) {
                    try #require(places[index] < symbols.count && places[index + 1] < symbols.count)
                    found[symbols[places[index]]] = symbols[places[index + 1]]
                }
                // Names rise, as receivers demand.
                let names = stride(from: 0, to: places.count, by: 2).map { symbols[places[$0]] }
                #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
                return found
            }
            var byName: [String: WireView] = [:]
            for series in message.messages(5) {
                let own = try labels(series)
                #expect(own["site"] == "n")
                byName[own["__name__"] ?? ""] = series
            }
            #expect(Set(byName.keys) == ["hits_total", "heat", "sizes"])
            let hits = try #require(byName["hits_total"])
            let time = UInt64(Self.start.millisecondsSinceEpoch + 7000)
            #expect(hits.messages(2).count == 1 && hits.messages(2)[0].double(1) == 7)
            #expect(hits.messages(2)[0].number(2) == time)
            let metadata = try #require(hits.messages(5).first)
            #expect(metadata.number(1) == 1)
            #expect(symbols[Int(metadata.number(3) ?? 0)] == "Hits." && symbols[Int(metadata.number(4) ?? 0)] == "hits")
            #expect(byName["heat"]?.messages(5).first?.number(1) == 2)
            #expect(byName["heat"]?.messages(2).first?.double(1) == -1.5)
            let exemplar = try #require(hits.messages(4).first)
            #expect(try labels(exemplar) == ["trace": "t1"])
            #expect(exemplar.double(2) == 4 && exemplar.number(3) == 99)
            let histogram = try #require(byName["sizes"]?.messages(3).first)
            #expect(histogram.number(1) == 7 && histogram.double(3) == 3.5 && histogram.number(4) == 4)
            #expect(histogram.double(5) == 0.001 && histogram.number(6) == 1)
            #expect(histogram.messages(11).first?.number(1) == 2 && histogram.messages(11).first?.number(2) == 2)
            #expect(histogram.numbers(12) == [4, 4], "deltas 2 and 2, zigzag")
            #expect(histogram.number(15) == time + 250)
        }
    }

    @Test func `version 1 has labels by name and sends metadata apart`() async throws {
        let receiver = try RemoteWriteReceiver()
        try await Self.sending(to: receiver.url, Self.wantsAll) { writer in
            writer.append(Self.batch(7))
            let requests = try await receiver.waitForTaken(2)
            #expect(
                requests.allSatisfy {
                    $0.headers["content-type"] == "application/x-protobuf"
                        && $0.headers["x-prometheus-remote-write-version"] == "0.1.0"
                })
            let messages = try requests.map { try #require(WireView(try Snappy.decompress($0.body, limit: 1 << 20))) }
            let series = messages.flatMap { $0.messages(1) }
            let names = series.map { view in
                view.messages(1).map { pair in "\(pair.texts(1)[0])=\(pair.texts(2)[0])" }
            }
            #expect(names.contains(["__name__=hits_total", "job=shop", "site=n"]))
            #expect(series.count == 3)
            let metadata = messages.flatMap { $0.messages(3) }
            #expect(
                metadata.contains { $0.number(1) == 1 && $0.texts(2) == ["hits_total"] && $0.texts(4) == ["Hits."] })
        }
    }

    @Test func `a receiver that knows only version 1 is told apart from one that took everything`() async throws {
        // 200 without the header of version 2: the specification has it that nothing was written.
        let receiver = try RemoteWriteReceiver(answers: [(200, [:])])
        try await Self.sending(
            to: receiver.url, "protobuf_message: io.prometheus.write.v2.Request"
        ) { writer in
            writer.append(Self.batch(1))
            try await waitUntil("the refusal is counted") { writer.statuses[0].failedSamples > 0 }
            #expect(writer.statuses[0].lastError?.contains("does not know version 2") == true)
        }
    }

    @Test(arguments: [429, 503]) func `what Retry-After asks for is waited, and nothing is lost`(status: Int)
        async throws
    {
        let receiver = try RemoteWriteReceiver(answers: [(status, ["Retry-After": "600"]), (status, [:])])
        let clock = ManualClock()
        /// Moves the clock in steps until there are so many requests.
        func pass(_ step: Duration, untilRequests count: Int) async throws {
            try await waitUntil("\(count) requests") {
                if try receiver.requests().count >= count { return true }
                clock.advance(by: step)
                return false
            }
        }
        try await Self.sending(
            to: receiver.url, "metadata_config: {send: false}", clock: clock, wall: clock.wall
        ) { writer in
            writer.append(Self.batch(3))
            try await pass(.milliseconds(50), untilRequests: 1)
            let refused = clock.now
            try await pass(.seconds(20), untilRequests: 2)
            // The first step may have passed before the answer came.
            #expect(refused.duration(to: clock.now) >= .seconds(600 - 1), "not after the backoff of 10 ms")
            // Without it after the backoff: ten minutes do not pass in steps of this size.
            try await pass(.milliseconds(50), untilRequests: 3)
            let requests = try receiver.requests()
            #expect(requests.map(\.status) == [status, status, 204])
            #expect(Set(requests.map(\.body)).count == 1)
            try await waitUntil("it is counted") { writer.statuses[0].sentSamples == 2 }
            #expect(writer.statuses[0].failedSamples == 0)
        }
    }

    @Test func `429 is refused for good where the settings say so`() async throws {
        let receiver = try RemoteWriteReceiver(answers: [(429, [:])])
        try await Self.sending(
            to: receiver.url, queue: "batch_send_deadline: 50ms, retry_on_http_429: false"
        ) { writer in
            writer.append(Self.batch(3))
            try await waitUntil("it is counted") { writer.statuses[0].failedSamples == 2 }
            #expect(writer.statuses[0].lastError?.contains("429") == true)
        }
    }

    @Test(
        arguments: [
            ("120", 120.0), ("0", 0), ("99999999999999999999", 3600), ("7200", 3600),
            ("Thu, 01 Jan 2026 00:00:30 GMT", 30), ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
            ("Thu, 01 Jan 2026 09:00:00 GMT", 3600),
        ])
    func `a wait is given in seconds or as a date, an hour at most`(text: String, seconds: Double) {
        #expect(retryDelay(text, now: Self.start) == .seconds(seconds))
    }

    @Test(arguments: ["", "-1", "1.5", "soon", "Thu, 01 Foo 2026 00:00:30 GMT", "Thu, 99 Jan 2026 00:00:30 GMT", "١"])
    func `what is no wait is none`(text: String) {
        #expect(retryDelay(text, now: Self.start) == nil)
    }

    @Test func `basic, bearer and own header fields are sent`() async throws {
        let receiver = try RemoteWriteReceiver()
        for (lines, name, value) in [
            ("basic_auth: {username: me, password: 'a:b'}", "authorization", "Basic bWU6YTpi"),
            ("authorization: {credentials: planted}", "authorization", "Bearer planted"),
            ("authorization: {type: Token, credentials: planted}", "authorization", "Token planted"),
            ("headers: {X-Scope-OrgID: shop}", "x-scope-orgid", "shop"),
        ] {
            let before = try receiver.requests().count
            try await Self.sending(to: receiver.url, lines, folder: "/q\(before)") { writer in
                writer.append(Self.batch(1))
                let request = try #require(try await receiver.waitForTaken(before + 1).last)
                #expect(request.headers[name] == value, "\(lines)")
            }
        }
    }

    @Test func `a password in a file is read anew for each request`() async throws {
        let receiver = try RemoteWriteReceiver()
        let folder = try TemporaryFolder("remote")
        try writeText("first\n", to: folder.file("token"))
        try await Self.sending(
            to: receiver.url, "authorization: {credentials_file: '\(folder.file("token"))'}"
        ) { writer in
            writer.append(Self.batch(1))
            #expect(try await receiver.waitForTaken(1).last?.headers["authorization"] == "Bearer first")
            try writeText("second\n", to: folder.file("token"))
            writer.append(Self.batch(2))
            #expect(try await receiver.waitForTaken(2).last?.headers["authorization"] == "Bearer second")
        }
    }

    @Test func `an own authority and a client's certificate are used, and a stranger gets nothing`() async throws {
        let server = try await TestCertificate.make()
        let client = try await TestCertificate.make()
        let receiver = try RemoteWriteReceiver(
            tls: .init(certificate: server.chainPath, key: server.keyPath, clientAuthority: client.chainPath))
        let own = "cert_file: '\(client.chainPath)', key_file: '\(client.keyPath)'"
        try await Self.sending(
            to: receiver.url, "tls_config: {ca_file: '\(server.chainPath)', \(own)}"
        ) { writer in
            writer.append(Self.batch(1))
            let request = try await receiver.waitForTaken(1).first
            #expect(request?.client == "localhost")
        }
        // Without the authority the server is not trusted, without a certificate it does not trust us; both keep what is queued.
        for (number, lines) in ["tls_config: {\(own)}", "tls_config: {ca_file: '\(server.chainPath)'}"].enumerated() {
            try await Self.sending(to: receiver.url, lines, folder: "/refused\(number)") { writer in
                writer.append(Self.batch(2))
                try await waitUntil("the failure is said") { writer.statuses[0].lastError != nil }
                #expect(writer.statuses[0].sentSamples == 0 && writer.statuses[0].failedSamples == 0)
            }
        }
        #expect(try receiver.requests().count == 1)
    }

    @Test func `a proxy is asked in place of the receiver`() async throws {
        let proxy = try RemoteWriteReceiver()
        try await Self.sending(
            to: "http://metrics.invalid/api/v1/write", "proxy_url: http://127.0.0.1:\(proxy.port)"
        ) { writer in
            writer.append(Self.batch(1))
            let request = try await proxy.waitForTaken(1).first
            #expect(request?.target == "http://metrics.invalid/api/v1/write")
        }
    }

    @Test(arguments: [
        "sigv4: {region: x}", "azuread: {}", "google_iam: {}", "oauth2: {client_id: x}", "round_robin_dns: true",
    ])
    func `what is not supported is refused by name`(lines: String) {
        do {
            _ = try RequestPlanTests.settings(lines)
            Issue.record("\(lines) was taken")
        } catch {
            #expect("\(error)".contains(lines.prefix { $0 != ":" }), "\(error)")
        }
    }
}
