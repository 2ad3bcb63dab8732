import JSONCoding
import SampleStack
import Units

/// What both receivers are made of: a Python program, a file of what it received, a file of how it behaves.
struct Receiver: Sendable {
    let server: ProgramServer
    let folder: StackFolder
    private var messagesPath: String { "\(folder.path)/messages.jsonl" }
    private var behaviourPath: String { "\(folder.path)/behaviour.json" }

    init(
        _ name: String, python: String, script: String, settings: [String: JSONValue] = [:],
        environment variables: [String: String] = [:], port: Int? = nil
    ) async throws {
        folder = try StackFolder(prefix: "jaga-\(name)-")
        let port = try port ?? ProgramServer.freePort()
        var settings = settings
        settings["port"] = .integer(Int64(port))
        settings["messages"] = .string("\(folder.path)/messages.jsonl")
        settings["behaviour"] = .string("\(folder.path)/behaviour.json")
        try writeText(script, to: "\(folder.path)/receiver.py")
        server = ProgramServer(
            name, [python, "\(folder.path)/receiver.py", JSONValue.object(settings).canonicalText], port: port,
            in: folder.path, environment: variables)
        try await server.start()
    }

    func behave(_ behaviour: ReceiverBehaviour) throws {
        let settings: JSONValue = [
            "failFirst": .integer(Int64(behaviour.failFirst)), "answer": .string(behaviour.answer),
            "delayMs": .integer(behaviour.delay.wholeMilliseconds),
        ]
        try writeText(settings.canonicalText, to: behaviourPath)
    }

    func received() throws -> [JSONValue] {
        guard let text = try? readText(messagesPath) else { return [] }
        // The last line may be half written, and of the first one there may be nothing yet.
        guard let end = text.lastIndex(of: "\n") else { return [] }
        return try text[...end].split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }
}
