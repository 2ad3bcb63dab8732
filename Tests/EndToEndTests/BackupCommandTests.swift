import Diagnostics
import Glibc
import JSONCoding
import SampleStack
import SystemPackage
import TestSupport
import Testing

extension EndToEnd {
    /// Backups as somebody at a terminal takes, proves and restores them; what a flipped bit in the repository leads to; and
    /// what is refused.
    struct BackupCommandTests {
        private static let password = "backup-test-password"

        @Test func `a backup is taken, listed, verified, drilled and restored, and a flipped byte is found`()
            async throws
        {
            let folder = try TemporaryFolder("backup")
            let postgres = try await PostgresServer.start(
                in: folder.path, .init(authentication: .scram(password: Secret(Self.password))))
            try await postgres.createDatabase("shop")
            try await postgres.run(
                sql: """
                    CREATE TABLE users AS SELECT n AS id, 'user ' || n AS name FROM generate_series(1, 2000) n;
                    CREATE TABLE orders AS SELECT n AS id, n % 2000 + 1 AS user_id FROM generate_series(1, 3000) n;
                    """, database: "shop")
            let jaga = try await JagaServer.start(
                Self.configuration(port: postgres.port), environment: ["BACKUP_PASSWORD": Self.password],
                folder: folder)

            let run = try await jaga.run("backup", "run", "shop")
            #expect(run.code == 0, "\(run)")
            #expect(run.output.contains("5000 rows"), "\(run)")
            let list = try await jaga.run("backup", "list", "--json")
            let backup = try #require(try list.json["backups"]?[0])
            let id = try #require(backup["id"]?.stringValue)
            #expect(backup["rows"]?.intValue == 5000)
            #expect(backup["verification"]?.stringValue == "good")

            let verify = try await jaga.run("backup", "verify", id)
            #expect(verify.code == 0 && verify.output.contains("intact"), "\(verify)")
            let drill = try await jaga.run("backup", "drill", "shop", "--json")
            #expect(drill.code == 0, "\(drill)")
            #expect(try drill.json["state"]?.stringValue == "succeeded")
            #expect(try await jaga.get("/api/jaga/v1/backups")["drills"]?[0]?["passed"]?.boolValue == true)

            try await expectRestores(jaga, postgres)
            try await expectRefusals(jaga)
            try await expectDamageFound(jaga, backup: id, path: try #require(backup["path"]?.stringValue))
            await jaga.server.stop()
            await postgres.stop()
            folder.remove()
        }

        private func expectRestores(_ jaga: JagaServer, _ postgres: PostgresServer) async throws {
            let restore = try await jaga.run("restore", "shop", "--into", "shop_again")
            #expect(restore.code == 0, "\(restore)")
            #expect(try await postgres.run(sql: "SELECT count(*) FROM orders", database: "shop_again") == "3000")
            // Over a database that is there, the live one above all: never.
            for name in ["shop_again", "shop"] {
                let refused = try await jaga.run("restore", "shop", "--into", name)
                #expect(refused.code == 1, "\(refused)")
                #expect(refused.errors.contains(name) && refused.errors.contains("exist"), "\(refused)")
            }
            #expect(try await postgres.run(sql: "SELECT count(*) FROM users", database: "shop") == "2000")
            let scratch = try await postgres.run(sql: "SELECT string_agg(datname, ',') FROM pg_database")
            #expect(Set(scratch.split(separator: ",")) == ["postgres", "template0", "template1", "shop", "shop_again"])
        }

        private func expectRefusals(_ jaga: JagaServer) async throws {
            for words in [
                ["backup", "run", "shopp"], ["backup", "verify", "20200101T000000Z"], ["backup", "drill", "shopp"],
                ["restore", "shopp", "--into", "x"], ["jobs", "run", "nothing"], ["jobs", "show", "nothing"],
            ] {
                let answer = try await EndToEndTests.jaga(words + ["--data", jaga.data])
                #expect(answer.code == 10, "\(words): \(answer)")
                #expect(answer.errors.hasPrefix("jaga: there is no "), "\(words): \(answer)")
                let asJSON = try await EndToEndTests.jaga(words + ["--json", "--data", jaga.data])
                #expect(asJSON.code == 10)
                #expect(try JSONValue(parsing: asJSON.errors)["error"]?["code"]?.stringValue == "not-found")
            }
        }

        private func expectDamageFound(_ jaga: JagaServer, backup id: String, path: String) async throws {
            let file = try #require(largestFile(below: path), "nothing in \(path)")
            try flipByte(of: file)
            let verify = try await jaga.run("backup", "verify", id)
            #expect(verify.code == 1, "\(verify)")
            #expect(verify.errors.contains(id), "\(verify)")
            try await waitUntil("the alert of the damaged backup", timeout: .seconds(180)) {
                try await jaga.firing().contains("BackupVerificationFailed")
            }
            let status = try await jaga.run("status")
            #expect(status.code == 2, "\(status)")
            let restore = try await jaga.run("restore", "shop", "--into", "from_damage", "--backup", id)
            #expect(restore.code == 1, "a damaged backup was restored: \(restore)")
            let drill = try await jaga.run("backup", "drill", "shop", "--backup", id)
            #expect(drill.code == 1, "\(drill)")
            // A new one ends the trouble.
            #expect(try await jaga.run("backup", "run", "shop").code == 0)
            try await waitUntil("the alert of the damaged backup ends", timeout: .seconds(180)) {
                try await !jaga.firing().contains("BackupVerificationFailed")
            }
            #expect(try await jaga.run("ledger", "verify").code == 0)
        }

        private static func configuration(port: Int) -> String {
            """
            site: backup-test
            host: {interval: 2s}
            rules: {interval: 1s}
            backup:
              targets:
                shop:
                  {host: 127.0.0.1, port: \(port), database: shop, user: postgres, password: "${BACKUP_PASSWORD}",
                  assertions: {users: SELECT count(*) FROM users}}
            jobs:
              nightly: {backup: shop, schedule: "0 3 * * *"}

            """
        }
    }
}

/// The largest regular file in or below a folder, or the file itself.
private func largestFile(below path: String) -> String? {
    var best: (path: String, size: Int)?
    var pending = [path]
    while let next = pending.popLast() {
        var facts = stat()
        guard stat(next, &facts) == 0 else { continue }
        if facts.st_mode & S_IFMT == S_IFDIR {
            pending += namesIn(next).map { "\(next)/\($0)" }
        } else if facts.st_size > best?.size ?? -1 {
            best = (next, Int(facts.st_size))
        }
    }
    return best?.path
}

/// Changes one bit in the middle of a file.
private func flipByte(of path: String) throws {
    let file = try FileDescriptor.open(FilePath(path), .readWrite)
    try file.closeAfter {
        let middle = try file.seek(offset: 0, from: .end) / 2
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: middle, into: $0) }
        byte[0] ^= 0x10
        _ = try byte.withUnsafeBytes { try file.write(toAbsoluteOffset: middle, $0) }
    }
}
