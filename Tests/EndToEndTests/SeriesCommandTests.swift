import DurableFiles
import JSONCoding
import Processes
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: each command of `jaga series` does what it says on a data folder, with a daemon on it and without, and refuses what is wrong with
    /// a word on what to do. Method: the built program on folders of its own; blocks made by Debian's promtool; bits flipped in files.
    struct SeriesCommandTests {
        private static let quiet = "site: s\nhost: {enabled: false}\nrules: {shipped: false}\n"
        /// 2025-06-01T00:00:00Z: long ago enough to be in a block.
        private static let start = 1_748_736_000

        /// A folder with 300 samples of each of 20 series, 15 s apart.
        private func filled(_ folder: TemporaryFolder) async throws -> String {
            let data = folder.file("data")
            var text = "# TYPE temperature gauge\n"
            for series in 0..<20 {
                for step in 0..<300 {
                    text += "temperature{room=\"\(series)\",job=\"shop\",instance=\"a:1\"} \(step % 17).\(series) "
                    text += "\(Self.start + step * 15)\n"
                }
            }
            try writeText(text + "# EOF\n", to: folder.file("old.om"))
            try RealFiles().createFolders(data)
            let made = try await jaga(["series", "import", folder.file("old.om"), "--data", data, "--json"])
            #expect(made.code == 0, "\(made)")
            #expect(try made.json["stored"]?.intValue == 6000 && made.json["too_new"]?.intValue == 0)
            return data
        }

        /// The text without its end, as lines in order.
        private func lines(_ text: String) -> [String] {
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init).sorted()
        }

        @Test func `what is imported is counted, exported and taken in again the same`() async throws {
            let folder = try TemporaryFolder("series")
            let data = try await filled(folder)
            let stats = try await jaga(["series", "stats", "--data", data, "--json", "--limit", "3"])
            #expect(try stats.code == 0 && stats.json["block_samples"]?.intValue == 6000, "\(stats)")
            let text = try await jaga(["series", "export", "--data", data])
            #expect(text.code == 0 && text.output.hasSuffix("# EOF\n") && text.errors.contains("6000 samples"))
            #expect(lines(text.output).count == 6000)
            let part = try await jaga([
                "series", "export", "{room=~\"3|4\"}", "--from", "\(Self.start + 15)", "--to", "\(Self.start + 60)",
                "--data", data,
            ])
            #expect(lines(part.output).count == 8, "\(part)")
            // Into a second folder, and by way of Prometheus' blocks into a third.
            try writeText(text.output, to: folder.file("again.om"))
            let second = folder.file("second")
            try RealFiles().createFolders(second)
            #expect(try await jaga(["series", "import", folder.file("again.om"), "--data", second]).code == 0)
            #expect(try await jaga(["series", "export", "--data", second]).output == text.output)
            let made = try await Command(
                "promtool",
                ["tsdb", "create-blocks-from", "openmetrics", folder.file("again.om"), folder.file("tsdb")],
                timeLimit: .seconds(300)
            ).run()
            #expect(made.exitCode == 0, "\(made.errors.text)")
            let third = folder.file("third")
            try RealFiles().createFolders(third)
            let taken = try await jaga(["series", "import", folder.file("tsdb"), "--data", third, "--json"])
            #expect(try taken.code == 0 && taken.json["stored"]?.intValue == 6000, "\(taken)")
            #expect(try await jaga(["series", "export", "--data", third]).output == text.output)
            // What Prometheus says of its blocks is what we say of ours. It wants a log beside them.
            try RealFiles().createFolders(folder.file("tsdb/wal"))
            let dump = try await Command(
                "promtool", ["tsdb", "dump", folder.file("tsdb")], timeLimit: .seconds(300), outputLimit: 16 << 20
            ).run()
            #expect(dump.output.text.split(separator: "\n").count == 6000)
            // A second time nothing is doubled, and that is said.
            let again = try await jaga(["series", "import", folder.file("tsdb"), "--data", third])
            #expect(again.code == 0 && again.output.contains("6000 samples were stored before"), "\(again)")
            #expect(try await jaga(["series", "export", "--data", third]).output == text.output)
        }

        /// Prometheus' blocks can hold series without a name, which nothing here could export and take in again.
        @Test func `series without a metric name are left out of a block, and counted`() async throws {
            let folder = try TemporaryFolder("series")
            _ = try await filled(folder)
            let made = try await Command(
                "promtool", ["tsdb", "create-blocks-from", "openmetrics", folder.file("old.om"), folder.file("tsdb")],
                timeLimit: .seconds(60)
            ).run()
            #expect(made.exitCode == 0, "\(made.errors.text)")
            let files = RealFiles()
            for block in try files.list(folder.file("tsdb")) {
                let index = "\(folder.file("tsdb"))/\(block)/index"
                guard try files.status(of: index) != nil else { continue }
                try files.replace(index, with: Self.renamed(try files.contents(of: index)))
            }
            let taken = try await jaga(["series", "import", folder.file("tsdb"), "--data", folder.file("other")])
            #expect(
                taken.code == 3
                    && taken.output.contains(
                        "6000 samples of series without a metric name were left out"),
                "\(taken)")
        }

        /// The index with `__nome__` for `__name__` among its symbols, and the checksum of that (CRC32C, bit by bit).
        private static func renamed(_ index: [UInt8]) -> [UInt8] {
            func number(_ place: Int, _ count: Int) -> Int {
                index[place..<place + count].reduce(0) { $0 << 8 | Int($1) }
            }
            var index = index
            let start = number(index.count - 52, 8)
            let content = start + 4..<start + 4 + number(start, 4)
            let name = Array("__name__".utf8)
            for place in content where index[place...].starts(with: name) { index[place + 3] = UInt8(ascii: "o") }
            var sum = UInt32.max
            for byte in index[content] {
                sum ^= UInt32(byte)
                for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82F6_3B78 : 0) }
            }
            for place in 0..<4 {
                index[content.upperBound + place] = UInt8(truncatingIfNeeded: ~sum >> UInt32(24 - 8 * place))
            }
            return index
        }

        @Test func `a flipped bit is found with its place, set aside, and the rest is kept`() async throws {
            let folder = try TemporaryFolder("series")
            let data = try await filled(folder)
            let sound = try await jaga(["series", "verify", "--data", data])
            #expect(sound.code == 0 && sound.output.hasPrefix("intact: 6000 samples"), "\(sound)")
            let nothing = try await jaga(["series", "repair", "--data", data])
            #expect(nothing.code == 0 && nothing.output == "nothing to repair\n", "\(nothing)")
            let files = RealFiles()
            let blocks = try files.list("\(data)/series/blocks")
            let block = "\(data)/series/blocks/\(try #require(blocks.first))"
            var bytes = try files.contents(of: block)
            bytes[100] ^= 0x10
            try files.replace(block, with: bytes)
            let damaged = try await jaga(["series", "verify", "--data", data])
            #expect(damaged.code == 3 && damaged.output.contains("'\(block)' is damaged at byte"), "\(damaged)")
            #expect(damaged.output.contains("DAMAGED"))
            let repaired = try await jaga(["series", "repair", "--data", data, "--json"])
            #expect(repaired.code == 3, "\(repaired)")
            #expect(try repaired.json["problems"]?[0]?.stringValue?.contains("/series/damaged/") == true)
            #expect(try files.list("\(data)/series/damaged").count == 1)
            #expect(try await jaga(["series", "verify", "--data", data]).code == 0)
            #expect(try await jaga(["series", "export", "--data", data]).code == 0)
            #expect(try await jaga(["series", "repair", "--data", data]).code == 0)
        }

        @Test func `wrong input is refused with what to do`() async throws {
            let folder = try TemporaryFolder("series")
            let data = try await filled(folder)
            for command in ["stats", "verify", "repair", "export", "snapshot"] {
                let nowhere = try await jaga(["series", command, "--data", folder.file("nowhere")])
                #expect(nowhere.code == 10 && nowhere.errors.contains("--data"), "\(command): \(nowhere)")
            }
            // A folder of something else is no data folder, and stays as it is.
            try RealFiles().createFolders(folder.file("other/things"))
            let other = try await jaga(["series", "stats", "--data", folder.file("other")])
            #expect(other.code == 10 && other.errors.contains("holds no samples"), "\(other)")
            let strange = try await jaga(["series", "import", folder.file("old.om"), "--data", folder.file("other")])
            #expect(strange.code == 10, "\(strange)")
            #expect(try RealFiles().list(folder.file("other")) == ["things"])
            for (name, text, word) in [
                ("cut.om", "a 1 1000\n", "# EOF"), ("untimed.om", "a 1\n# EOF\n", "no timestamp"),
                ("broken.om", "a{ 1 1000\n# EOF\n", "line 1"), ("empty.om", "", "# EOF"),
                (
                    "bucket.om", "# TYPE h histogram\nh_bucket{le=\"1\"} 1 1000\nh_count 1 1000\n# EOF\n",
                    "not-openmetrics"
                ),
            ] {
                try writeText(text, to: folder.file(name))
                let answer = try await jaga(["series", "import", folder.file(name), "--data", data, "--json"])
                #expect(answer.code != 0 && answer.errors.contains(word), "\(name): \(answer)")
            }
            let missing = try await jaga(["series", "import", folder.file("no.om"), "--data", data])
            #expect(missing.code == 10, "\(missing)")
            let noBlocks = try await jaga(["series", "import", folder.path, "--data", data])
            #expect(noBlocks.code != 0 && noBlocks.errors.contains("no block of Prometheus"), "\(noBlocks)")
            for arguments in [
                ["series", "export", "{room=", "--data", data],
                ["series", "export", "--from", "1e300", "--data", data],
                ["series", "stats", "--limit", "0", "--data", data],
            ] {
                let answer = try await jaga(arguments)
                #expect(answer.code == 64, "\(arguments): \(answer)")
            }
            let future = "a 1 99999999999\n# EOF\n"
            try writeText(future, to: folder.file("future.om"))
            let ahead = try await jaga(["series", "import", folder.file("future.om"), "--data", data])
            #expect(ahead.code == 3 && ahead.output.contains("of the future"), "\(ahead)")
        }

        @Test func `a snapshot is a folder that a daemon can use, and never over another`() async throws {
            let folder = try TemporaryFolder("series")
            let data = try await filled(folder)
            let before = try await jaga(["series", "export", "--data", data]).output
            try RealFiles().createFolders(folder.file("copy"))
            let target = folder.file("copy/series")
            let made = try await jaga(["series", "snapshot", target, "--data", data, "--json"])
            #expect(try made.code == 0 && made.json["folder"]?.stringValue == target, "\(made)")
            #expect(try await jaga(["series", "export", "--data", folder.file("copy")]).output == before)
            let again = try await jaga(["series", "snapshot", target, "--data", data])
            #expect(again.code == 1 && again.errors.contains("exists already"), "\(again)")
            let own = try await jaga(["series", "snapshot", "--data", data])
            #expect(own.code == 0, "\(own)")
            #expect(try RealFiles().list("\(data)/series/snapshots").count == 1)
        }

        @Test func `beside a daemon what reads works, and what changes files says that it may not`() async throws {
            let folder = try TemporaryFolder("series")
            let data = try await filled(folder)
            let server = try await JagaServer.start(
                "site: s\nhost: {interval: 1s}\nrules: {shipped: false}\nseries: {series_per_metric_max: 3}\n",
                folder: folder, data: data)
            try await waitUntil("a reading") { try await server.value("node_load1") != nil }
            let stats = try await server.run("series", "stats", "--json")
            #expect(stats.code == 0, "\(stats)")
            #expect(try stats.json["limits"]?["per_metric"]?.intValue == 3)
            // The host has more than three series of a metric, so some were refused, and the offenders are named.
            #expect(try stats.json["refusals"]?.intValue ?? 0 > 0, "\(stats)")
            #expect(try stats.json["refused_metrics"]?.arrayValue?.isEmpty == false)
            let shown = try await server.run("series", "stats", "--limit", "2")
            #expect(
                shown.output.contains("a series was refused because of a limit")
                    && shown.output.contains("Refusals by metric") && shown.output.contains("3 of one metric"),
                "\(shown)")
            let page = try await server.text("/series")
            #expect(page.contains("Series that are refused") && page.contains("at its limit"))
            #expect(try await server.get("/api/jaga/v1/series?limit=1")["metrics"]?.arrayValue?.count == 1)
            try await waitUntil("the refusals are a metric") {
                try await server.value("jaga_series_limit_refusals_total") ?? 0 > 0
            }

            #expect(try await server.run("series", "verify").code == 0)
            let text = try await server.run("series", "export", "temperature")
            #expect(text.code == 0 && lines(text.output).count == 6000, "\(text.errors)")
            #expect(((try? RealFiles().list("\(data)/series/snapshots")) ?? []).isEmpty, "nothing is left behind")
            let fresh = try await server.run("series", "export", "node_load1")
            #expect(fresh.code == 0 && !lines(fresh.output).isEmpty, "what is in memory is exported too")
            let target = folder.file("snapshot")
            let made = try await server.run("series", "snapshot", target)
            #expect(made.code == 0 && made.output.contains(target), "\(made)")
            #expect(try RealFiles().status(of: "\(target)/blocks") != nil)
            for command in [["series", "repair"], ["series", "import", folder.file("old.om")]] {
                let refused = try await jaga(command + ["--data", data])
                #expect(refused.code == 11, "\(refused)")
                #expect(refused.errors.contains("a daemon uses the data folder") && refused.errors.contains("Stop it"))
            }
            await server.remove()
        }

        /// What starts again after a kill takes no more memory than what was killed had.
        @Test func `the log is read again in the memory that there was, and nothing is missing`() async throws {
            let folder = try TemporaryFolder("series")
            let server = try await JagaServer.start(Self.quiet, folder: folder)
            let token = try await server.run("user", "add-token", "w", "--role", "operator")
            let script = """
                import sys, time, urllib.request
                # OTLP in JSON, since that needs no library.
                import json
                url, token, series, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
                start = int(time.time()) - rounds
                for step in range(rounds):
                    points = [{"asInt": str(step * n), "timeUnixNano": str((start + step) * 1000000000),
                        "attributes": [{"key": "n", "value": {"stringValue": str(n)}}]} for n in range(series)]
                    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
                        {"name": "load", "gauge": {"dataPoints": points}}]}]}]}).encode()
                    request = urllib.request.Request(url + "/api/v1/otlp/v1/metrics", body,
                        {"Content-Type": "application/json", "Authorization": "Bearer " + token})
                    urllib.request.urlopen(request).read()

                """
            try writeText(script, to: folder.file("send.py"))
            let sent = try await Command(
                "python3",
                [
                    folder.file("send.py"), "http://127.0.0.1:\(server.server.port)",
                    String(token.output.split(separator: "\n").last ?? ""), "2000", "150",
                ], timeLimit: .seconds(300)
            ).run()
            #expect(sent.exitCode == 0, "\(sent.errors.text)")
            let before = try await server.value("sum(count_over_time(load[1h]))")
            #expect(before == 300_000)
            // Memory of its own; code comes and goes with what runs.
            @Sendable func anonymous() -> Int {
                guard let pid = server.server.pid, let status = try? readText("/proc/\(pid)/status") else { return 0 }
                let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
                return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
            }
            let had = anonymous()
            await server.server.kill()
            async let begun: Void = server.begin()
            var most = 0
            try await waitUntil("it answers again", every: .milliseconds(1)) {
                most = max(most, anonymous())
                return await server.server.answers()
            }
            try await begun
            #expect(had > 0 && most > 0 && most <= had, "up to \(most) kB after \(had) kB")
            #expect(try await server.value("sum(count_over_time(load[1h]))") == before)
            await server.remove()
        }
    }
}
