import Glibc
import JSONCoding
import TestSupport
import Testing
import Units

extension EndToEnd {
    /// A data folder without room: samples are refused with a clear state, and everything else goes on: queries, the ledger, and above all
    /// the message that tells of it. Each test fills a small file system of its own to the last byte.
    struct FullDiskTests {
        @Test(.enabled(if: geteuid() == 0, "only root may mount the small file system"))
        func `a full disk stops the storing of samples and nothing else, until there is space again`() async throws {
            let folder = try TemporaryFolder("full")
            guard let data = try smallDisk(in: folder) else {
                try Test.cancel("no small file system can be mounted here")
            }
            defer { umount2(data, Int32(MNT_DETACH)) }
            let jaga = try await JagaServer.start(
                "site: full\nhost: {interval: 1s}\nrules: {interval: 1s}\n", folder: folder, data: data)
            try await waitUntil("some samples") { try await jaga.value("count_over_time(node_load1[1m])") ?? 0 >= 3 }
            let kept = try await jaga.value("count_over_time(node_load1[1h])") ?? 0

            try fill("\(data)/ballast")
            try await waitUntil("the store says that it cannot write", timeout: .seconds(90)) {
                let areas = try await jaga.get("/api/jaga/v1/status")["areas"]?.arrayValue
                let own = areas?.first { $0["kind"]?.stringValue == "jaga" }
                return own?["verdict"]?.stringValue == "critical"
                    && own?["reason"]?.stringValue?.contains("samples are not stored") == true
            }
            #expect(try await jaga.value("count_over_time(node_load1[1h])") ?? 0 >= kept, "queries do not go on")
            #expect(try await jaga.run("status").code == 2)
            #expect(jaga.server.isRunning)
            // What has to be recorded is, in the room that was kept for it.
            let added = try await jaga.run("user", "add", "ani")
            #expect(added.code == 0, "\(added)")
            try await expectCalmLog(jaga)
            let stuck = try await jaga.value("max_over_time(timestamp(node_load1)[1h:1s])") ?? 0

            unlink("\(data)/ballast")
            try await waitUntil("samples are stored again", timeout: .seconds(90)) {
                try await jaga.value("max_over_time(timestamp(node_load1)[1h:1s])") ?? 0 > stuck + 1
            }
            try await waitUntil("all is well again", timeout: .seconds(90)) {
                let areas = try await jaga.get("/api/jaga/v1/status")["areas"]?.arrayValue
                return areas?.first { $0["kind"]?.stringValue == "jaga" }?["verdict"]?.stringValue == "ok"
            }
            #expect(try await jaga.run("ledger", "verify").code == 0)
            // What was kept is there after a restart too.
            await jaga.server.stop()
            try await jaga.begin()
            #expect(try await jaga.value("count_over_time(node_load1[1h])") ?? 0 >= kept)
            await jaga.server.stop()
        }

        @Test(.enabled(if: geteuid() == 0, "only root may mount the small file system"))
        func `a full disk is told at once, once, and after a restart too`() async throws {
            let folder = try TemporaryFolder("full")
            guard let data = try smallDisk(in: folder) else {
                try Test.cancel("no small file system can be mounted here")
            }
            defer { umount2(data, Int32(MNT_DETACH)) }
            let webhook = try await WebhookReceiver.start()
            try writeText(
                """
                groups:
                  - name: g
                    rules:
                      - {alert: Full, expr: jaga_series_writable == 0, for: 2s, labels: {severity: critical}}

                """, to: folder.file("rules.yml"))
            let jaga = try await JagaServer.start(
                """
                site: full
                host: {interval: 1s}
                rules: {interval: 1s, files: [rules.yml], shipped: false}
                alerting: {route: {group_wait: 1s, group_interval: 2s}}
                receivers: {ops: {webhook: [{url: "\(webhook.url)"}]}}

                """, folder: folder, data: data)
            try await waitUntil("some samples") { try await jaga.value("count_over_time(node_load1[1m])") ?? 0 >= 3 }
            let kept = try await jaga.value("count_over_time(node_load1[1h])") ?? 0
            try await waitUntil("room is kept") { namesIn(data).contains("jaga.db.reserve") }

            try fill("\(data)/ballast")
            let told = try await webhook.waitForAccepted(1, timeout: .seconds(120))
            #expect(told[0].body.contains("Full") && told[0].body.contains("firing"), "\(told[0].body)")
            try await expectFiring(jaga)
            try await waitUntil("the delivery in the ledger") {
                try await !jaga.ledger("notification.delivered").isEmpty
            }

            // A start on the full disk: after a crash, and after an orderly end.
            for isOrderly in [false, true] {
                if isOrderly { await jaga.server.stop() } else { await jaga.server.kill() }
                // What the end gave back is taken by somebody else, but for the file that was kept for the start.
                try fill("\(data)/ballast")
                try await jaga.begin()
                #expect(try await jaga.value("count_over_time(node_load1[1h])") ?? 0 >= kept)
                try await waitUntil("the state after the start", timeout: .seconds(60)) {
                    try await own(jaga)?["verdict"]?.stringValue == "critical"
                }
                try await expectFiring(jaga)
                #expect(try await own(jaga)?["reason"]?.stringValue?.contains("samples are not stored") == true)
            }
            #expect(try messages(at: webhook).count == 1, "told again")

            let stuck = try await jaga.value("max_over_time(timestamp(node_load1)[1h:1s])") ?? 0
            unlink("\(data)/ballast")
            try await waitUntil("samples are stored again", timeout: .seconds(90)) {
                try await jaga.value("max_over_time(timestamp(node_load1)[1h:1s])") ?? 0 > stuck + 1
            }
            try await waitUntil("the end is told") { try messages(at: webhook).count >= 2 }
            let all = try messages(at: webhook)
            #expect(all.count == 2 && all[1].body.contains("resolved"), "\(all.map(\.body))")
            #expect(try await jaga.run("ledger", "verify").code == 0)
            await jaga.server.stop()
            await webhook.stop()
        }

        /// Each once: one whose answer came too late is sent again under the same id.
        private func messages(at webhook: WebhookReceiver) throws -> [WebhookReceiver.Request] {
            var ids: Set<String> = []
            return try webhook.requests().filter { request in
                request.status == 200 && ids.insert(request.headers["idempotency-key"] ?? "").inserted
            }
        }

        private func expectFiring(_ jaga: JagaServer) async throws {
            try await waitUntil("the alert is shown", timeout: .seconds(60)) {
                let alerts = try await jaga.get("/api/v1/alerts")["data"]?["alerts"]?.arrayValue ?? []
                return alerts.contains {
                    $0["labels"]?["alertname"]?.stringValue == "Full" && $0["state"]?.stringValue == "firing"
                }
            }
            #expect(try await jaga.run("status").code == 2)
        }

        private func own(_ jaga: JagaServer) async throws -> JSONValue? {
            try await jaga.get("/api/jaga/v1/status")["areas"]?.arrayValue?.first { $0["kind"]?.stringValue == "jaga" }
        }

        /// A folder on a file system of 24 MB; nil in a container without the right to mount one.
        private func smallDisk(in folder: TemporaryFolder) throws -> String? {
            let data = folder.file("data")
            try makeFolder(data)
            guard mount("jaga-test", data, "tmpfs", 0, "size=24m,mode=700") == 0 else {
                print("full disk: cannot mount a tmpfs here, errno \(errno)")
                return nil
            }
            return data
        }

        /// The same warning is not written twice within a minute, however often a loop meets it.
        private func expectCalmLog(_ jaga: JagaServer) async throws {
            let warnings = jaga.log.split(separator: "\n").filter {
                $0.contains("] [ERROR] ") || $0.contains("] [WARN] ")
            }
            var counts: [Substring: Int] = [:]
            for line in warnings {
                // After `[2026-01-01 00:00:00] `, and without the count of those that were held back.
                let text = line.dropFirst(22)
                counts[text.firstRange(of: " repeated=").map { text[..<$0.lowerBound] } ?? text, default: 0] += 1
            }
            #expect(!warnings.isEmpty)
            // As many minutes as passed by the log's own times: they may be some on a slow machine.
            let times = warnings.compactMap {
                Timestamp(rfc3339: $0.dropFirst().prefix(19).replacing(" ", with: "T") + "Z")
            }
            try #require(times.count == warnings.count, "\(warnings)")
            let minutes = Int((times.max()! - times.min()!) / .seconds(60))
            for (line, count) in counts { #expect(count <= 2 + minutes, "\(count) times: \(line)") }
        }

        private func fill(_ path: String) throws {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            for size in [1 << 20, 1 << 10, 1] {
                let block = [UInt8](repeating: 1, count: size)
                var left = 100
                while left > 0, block.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == size {
                    left -= 1
                }
            }
        }
    }
}
