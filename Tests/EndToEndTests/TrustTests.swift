import Glibc
import JSONCoding
import Processes
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: what a killed daemon leaves behind is put in order, and a ledger that lost entries is never taken for a whole one.
    /// Method: the built program, killed and started again over files that an accident changed.
    struct TrustTests {
        @Test func `what a killed daemon ran is ended at the next start, and its run counts as interrupted`()
            async throws
        {
            let folder = try TemporaryFolder("orphans")
            let ids = folder.file("ids")
            let jaga = try await JagaServer.start(
                """
                site: orphans
                host: {interval: 5s}
                jobs:
                  hang: {shell: "trap '' TERM; sleep 1000 & echo $! $$$$ > '\(ids)'; wait; sleep 1000", deadline: 1h}

                """, folder: folder)
            // Waits for the run's end, which does not come: the daemon goes first.
            let asking = Task { try await jaga.run("jobs", "run", "hang") }
            let processes = try await waitFor("the job runs") { () -> [Int32]? in
                // Not written yet, or not whole yet.
                guard let text = try? readText(ids), text.hasSuffix("\n") else { return nil }
                return text.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
            }
            try #require(processes.count == 2)
            // The daemon alone: the harness would end all that it started with it.
            kill(try #require(jaga.server.process.pid), SIGKILL)
            try await waitUntil("the daemon is gone") { jaga.server.process.pid == nil }
            #expect(isAlive(processes[0]), "nothing is left to end, so this test shows nothing")
            // The kernel ends what the daemon itself started.
            try await waitUntil("the job's shell is gone") { !isAlive(processes[1]) }
            _ = try await asking.value

            try await jaga.begin()
            #expect(!isAlive(processes[0]), "it went on after the start")
            let runs = try await jaga.get("/api/jaga/v1/jobs/hang")["runs"]?.arrayValue
            #expect(runs?.first?["outcome"]?.stringValue == "interrupted", "\(runs?.description ?? "")")
            #expect(jaga.log.contains("ended what the daemon before this one left running"))
            let code = try await jaga.run("status").code
            #expect(code != 0, "an interrupted run is no success")
            await jaga.remove()
        }

        @Test func `an emptied database is refused until it is put back or its loss is accepted`() async throws {
            let folder = try TemporaryFolder("emptied")
            let jaga = try await JagaServer.start("site: emptied\nhost: {interval: 5s}\n", folder: folder)
            await jaga.server.stop()
            let (database, kept) = ("\(jaga.data)/jaga.db", "\(jaga.data)/ledger.checkpoint")
            try #require(rename(database, folder.file("right.db")) == 0)
            // A database of no bytes, and the next start's own attempt, which must not make things worse.
            try writeText("", to: database)
            for _ in 0..<2 {
                let answer = try await serve(jaga, folder)
                #expect(answer.code != 0)
                #expect(answer.errors.contains("the ledger has lost entries"), "\(answer)")
                #expect(answer.errors.contains("\(kept).lost"), "\(answer)")
            }
            let verified = try await EndToEndTests.jaga(["ledger", "verify", "--file", database])
            #expect(verified.code == 3, "\(verified)")
            #expect(verified.output.contains("the tail was cut off"), "\(verified)")

            for end in ["-wal", "-shm"] { unlink(database + end) }
            try #require(rename(folder.file("right.db"), database) == 0)
            try await jaga.begin()
            #expect(try await jaga.run("ledger", "verify").code == 0)
            await jaga.server.stop()

            for end in ["", "-wal", "-shm"] { unlink(database + end) }
            try #require(rename(kept, "\(kept).lost") == 0)
            try await jaga.begin()
            #expect(try await jaga.ledger("ledger.loss_accepted").count == 1)
            #expect(try await jaga.run("ledger", "verify").code == 0)
            await jaga.server.stop()
            let whole = try await EndToEndTests.jaga(["ledger", "verify", "--file", database])
            #expect(whole.code == 0, "\(whole)")
            await jaga.remove()
        }

        @Test func `a missing key is said, and the way out that is said leaves an intact ledger`() async throws {
            let folder = try TemporaryFolder("key")
            let jaga = try await JagaServer.start("site: key\nhost: {interval: 5s}\n", folder: folder)
            await jaga.server.stop()
            let key = "\(jaga.data)/ledger.key"
            try writeText("damaged\n", to: key)
            chmod(key, 0o600)
            let damaged = try await serve(jaga, folder)
            #expect(damaged.code != 0)
            #expect(damaged.errors.contains("rename it to '\(key).lost'"), "\(damaged)")
            unlink(key)
            let missing = try await serve(jaga, folder)
            #expect(missing.errors.contains("'\(key)' is missing"), "\(missing)")
            #expect(missing.errors.contains("make an empty file '\(key).lost'"), "\(missing)")
            try writeText("", to: "\(key).lost")
            try await jaga.begin()
            let verified = try await jaga.run("ledger", "verify")
            #expect(verified.code == 0, "\(verified)")
            #expect(try await jaga.ledger("ledger.key_changed").count == 1)
            await jaga.server.stop()
            let file = try await EndToEndTests.jaga(["ledger", "verify", "--file", "\(jaga.data)/jaga.db"])
            #expect(file.code == 0, "\(file)")
            await jaga.remove()
        }

        @Test func `an export goes through the command line line by line and verifies`() async throws {
            let folder = try TemporaryFolder("export")
            let jaga = try await JagaServer.start("site: export\nhost: {interval: 5s}\n", folder: folder)
            let export = try await jaga.run("ledger", "export")
            #expect(export.code == 0, "\(export)")
            let lines = export.output.split(separator: "\n")
            #expect(lines.first?.contains("jaga-ledger-export") == true)
            #expect(lines.last?.hasPrefix("{\"checkpoint\"") == true)
            try writeText(export.output, to: folder.file("ledger.jsonl"))
            let verified = try await EndToEndTests.jaga(["ledger", "verify", "--file", folder.file("ledger.jsonl")])
            #expect(verified.code == 0, "\(verified)")
            await jaga.remove()
        }

        private func isAlive(_ id: Int32) -> Bool {
            guard let stat = try? readText("/proc/\(id)/stat") else { return false }
            return !stat.contains(") Z ")
        }

        /// A start that is expected to end by itself.
        private func serve(_ jaga: JagaServer, _ folder: TemporaryFolder) async throws -> CommandAnswer {
            try await EndToEndTests.jaga(
                ["serve", "--data", jaga.data, "--listen", "127.0.0.1:0", "--config", jaga.configurationPath],
                folder: folder.path)
        }
    }
}
