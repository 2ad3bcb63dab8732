import Commands
import Diagnostics
import Glibc
import Testing

/// Goal: who cannot reach the daemon learns why. Method: the real connection, with folders and files where the socket should be.
@Suite struct DaemonConnectionTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/jaga-connection-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    private func failure(_ path: String) async throws -> DaemonUnreachable {
        let connection = try DaemonConnection(ConnectionOptions(socketPath: path))
        do {
            _ = try await connection.send("GET", "/", body: nil)
        } catch let failure as DaemonUnreachable {
            return failure
        }
        throw PlainFailure("test", "somebody answers at \(path)")
    }

    @Test func `a path longer than the kernel takes is refused before anything is tried`() throws {
        let long = "/tmp/" + String(repeating: "x", count: 100) + "/run/jaga.sock"
        let error = #expect(throws: PlainFailure.self) {
            _ = try DaemonConnection(ConnectionOptions(socketPath: long))
        }
        #expect(error?.summary.contains("\(long.utf8.count) bytes, and the kernel takes 107") == true)
        #expect(error?.hint?.contains("shorter path") == true)
        // With an address the socket does not matter.
        _ = try DaemonConnection(ConnectionOptions(socketPath: long, url: "http://127.0.0.1:1"))
    }

    @Test func `a file in the place of the data folder has its own hint`() async throws {
        let file = "\(folder)/jaga.yaml"
        close(open(file, O_CREAT | O_WRONLY, 0o600))
        let failure = try await failure("\(file)/run/jaga.sock")
        #expect(failure.reason == .notAFolder && failure.hint == "Give the data folder with --data, not a file in it.")
        #expect(failure.oneLine.hasSuffix("Not a directory"))
    }

    @Test func `nothing there is a daemon that does not run`() async throws {
        let failure = try await failure("\(folder)/run/jaga.sock")
        #expect(failure.reason == .notRunning && failure.hint?.contains("jaga serve") == true)
    }

    /// Root may open everything, so the case needs another user's eyes.
    @Test(.enabled(if: geteuid() != 0, "root may open every socket"))
    func `a socket of another user has its own hint`() async throws {
        mkdir("\(folder)/closed", 0o700)
        chmod("\(folder)/closed", 0)
        defer { chmod("\(folder)/closed", 0o700) }
        let failure = try await failure("\(folder)/closed/run/jaga.sock")
        #expect(failure.reason == .notAllowed && failure.hint?.contains("sudo -u") == true)
    }

    @Test func `user and password of the address are in no message`() async throws {
        for (url, shown) in [
            ("http://any:S3CRET@127.0.0.1:1", "http://127.0.0.1:1"), ("http://S3CRET@127.0.0.1:1/jaga/", "127.0.0.1:1"),
        ] {
            let connection = try DaemonConnection(ConnectionOptions(socketPath: "/x", url: url))
            let failure = await #expect(throws: DaemonUnreachable.self) {
                _ = try await connection.send("GET", "/", body: nil)
            }
            #expect(failure?.oneLine.contains("S3CRET") == false && failure?.oneLine.contains(shown) == true)
        }
        let wrong = Terminal(answers: [:])
        #expect(await wrong.run("query", "up", "--url", "any:S3CRET@127.0.0.1:1") == .usage)
        #expect(wrong.notes.contains("@127.0.0.1:1' for --url") && !wrong.notes.contains("S3CRET"), "\(wrong.notes)")
    }

    @Test func `what is told of a socket that may not be opened`() {
        let failure = DaemonUnreachable(
            address: "/var/lib/jaga/run/jaga.sock", reason: .notAllowed,
            cause: PlainFailure("socket", "Permission denied"))
        #expect(failure.hint?.contains("'sudo -u USER'") == true && failure.hint?.contains("JAGA_TOKEN") == true)
    }
}
