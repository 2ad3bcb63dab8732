import Diagnostics
import JSONCoding
import Outbound
import SampleStack
import SystemPackage
import TestSupport

/// `jaga serve` as a child process, with a folder of its own. Talked to only from outside: by its admin socket, over the
/// network, by commands, by signals.
final class JagaServer: Sendable {
    let folder: TemporaryFolder
    let server: ProgramServer
    let data: String
    let configurationPath: String
    private let environment: [String: String]
    private let client = HTTPClient()

    var url: String { "http://127.0.0.1:\(server.port)" }
    var logPath: String { server.process.logPath }
    /// All that it wrote, over all its starts.
    var log: String { (try? readText(logPath)) ?? "" }

    /// - Parameters:
    ///   - configuration: the text of `jaga.yaml`; nil starts without a file.
    ///   - data: the data folder; one in `folder` when nil.
    ///   - descriptorCountMax: how many files and connections it may have open; as many as the tests when nil.
    init(
        _ configuration: String?, environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        data: String? = nil, descriptorCountMax: Int? = nil
    ) throws {
        let folder = try folder ?? TemporaryFolder("e2e")
        self.folder = folder
        self.data = data ?? folder.file("data")
        self.environment = environment
        configurationPath = folder.file("jaga.yaml")
        let port = try ProgramServer.freePort()
        var arguments = [BuiltPrograms.path("jaga"), "serve", "--data", self.data, "--listen", "127.0.0.1:\(port)"]
        if let configuration {
            try writeText(configuration, to: configurationPath)
            arguments += ["--config", configurationPath]
        }
        if let descriptorCountMax {
            arguments = ["/bin/sh", "-c", "ulimit -n \(descriptorCountMax) && exec \"$@\"", "sh"] + arguments
        }
        server = ProgramServer("serve", arguments, port: port, in: folder.path, environment: environment)
    }

    /// Makes one and waits until it answers.
    static func start(
        _ configuration: String?, environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        data: String? = nil, descriptorCountMax: Int? = nil
    ) async throws -> JagaServer {
        let jaga = try JagaServer(
            configuration, environment: environment, folder: folder, data: data, descriptorCountMax: descriptorCountMax)
        try await jaga.begin()
        return jaga
    }

    /// Starts the program and waits until both of its servers answer.
    func begin() async throws {
        try await server.start()
        try await waitUntil("the admin socket answers") { (try? await text("/healthz")) != nil }
    }

    /// Ends it in its orderly way and removes its folder.
    func remove() async {
        await server.stop()
        folder.remove()
    }

    /// A command against this daemon: `--data` is added.
    func run(_ arguments: String..., limit: Duration = .seconds(120)) async throws -> CommandAnswer {
        try await jaga(arguments + ["--data", data], environment: environment, folder: folder.path, limit: limit)
    }

    /// Writes a new configuration, without telling the daemon.
    func configure(_ text: String) throws { try writeText(text, to: configurationPath) }

    // MARK: The admin socket

    /// The answer to `GET path` by the admin socket.
    /// - Throws: when the daemon does not answer with 200.
    func get(_ path: String) async throws -> JSONValue {
        try JSONValue(parsing: try await text(path))
    }

    /// The same, whatever its status.
    func answer(_ path: String) async throws -> HTTPResponse {
        try await client.send(
            HTTPRequest(
                url: "http://localhost\(path)", timeout: .seconds(60), bodyBytesMax: 256 << 20,
                unixSocketPath: "\(data)/run/jaga.sock"))
    }

    func text(_ path: String) async throws -> String {
        let response = try await answer(path)
        guard response.status == 200 else {
            throw TestProgramAnswered(status: response.status, text: response.text)
        }
        return response.text
    }

    /// The samples of an expression: labels as JSON, then value.
    func query(_ expression: String) async throws -> [JSONValue] {
        let path = "/api/v1/query?query=\(percentEncoded(expression))"
        return try await get(path)["data"]?["result"]?.arrayValue ?? []
    }

    /// The value of an expression that gives one sample; nil when it gives none.
    func value(_ expression: String) async throws -> Double? {
        try await query(expression).first?["value"]?[1]?.stringValue.flatMap { Double($0) }
    }

    /// The entries of the ledger from the beginning, of one kind or family where given.
    func ledger(_ kind: String? = nil) async throws -> [JSONValue] {
        var entries: [JSONValue] = []
        var before: Int64?
        repeat {
            var path = "/api/jaga/v1/ledger?limit=1000"
            if let kind { path += "&kind=\(kind)" }
            if let before { path += "&before=\(before)" }
            let page = try await get(path)
            entries += page["entries"]?.arrayValue ?? []
            before = page["nextBefore"]?.intValue
        } while before != nil
        return entries.reversed()
    }

    /// The source of this name as the API shows it.
    func source(_ name: String) async throws -> JSONValue? {
        try await get("/api/jaga/v1/sources").arrayValue?.first { $0["name"]?.stringValue == name }
    }

    /// The alerts that fire, by name.
    func firing() async throws -> [String] {
        (try await get("/api/jaga/v1/alerts").arrayValue ?? [])
            .filter { $0["state"]?.stringValue == "firing" }.compactMap { $0["name"]?.stringValue }
    }
}

/// The daemon answered with another status than a test wanted.
struct TestProgramAnswered: Error, CustomStringConvertible {
    let status: Int
    let text: String
    var description: String { "the daemon answered with \(status): \(text.prefix(500))" }
}

func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
        let isPlain = (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
        if isPlain { return String(UnicodeScalar(byte)) }
        let hex = String(byte, radix: 16, uppercase: true)
        return hex.count == 1 ? "%0\(hex)" : "%\(hex)"
    }.joined()
}
