import Diagnostics
import JSONCoding
import Processes
import SystemPackage
import TestSupport

/// What a command of the built program said, and how it ended.
struct CommandAnswer: Sendable, CustomStringConvertible {
    let code: Int32
    let output: String
    let errors: String
    let took: Duration

    /// Standard output as JSON.
    var json: JSONValue { get throws { try JSONValue(parsing: output) } }
    var description: String { "code \(code)\n\(output)\n\(errors)" }
}

/// Runs `jaga` as somebody at a terminal would.
/// - Parameters:
///   - folder: where it runs; a folder without a `jaga.yaml` unless a test puts one there.
///   - limit: after this it is ended, and the code is 143.
func jaga(
    _ arguments: [String], environment: [String: String] = [:], folder: String = "/", limit: Duration = .seconds(120)
) async throws -> CommandAnswer {
    // What the person who runs the tests has set must not reach the program.
    var changes: [String: String?] = ["JAGA_DATA": nil, "JAGA_URL": nil, "JAGA_TOKEN": nil]
    for (name, value) in environment { changes[name] = value }
    let outcome = try await Command(
        BuiltPrograms.path("jaga"), arguments, environment: .inherit(changes: changes), folder: FilePath(folder),
        timeLimit: limit, outputLimit: 16 << 20
    ).run()
    return CommandAnswer(
        code: outcome.exitCode, output: outcome.output.text, errors: outcome.errors.text, took: outcome.duration)
}
