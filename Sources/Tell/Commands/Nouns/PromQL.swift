import ArgumentParser
import Diagnostics
import Glibc
import JSONCoding
import PromQL
import Texts

/// `jaga promql`: the query language without a daemon.
struct PromQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promql", abstract: "Work with PromQL texts, without the daemon.",
        subcommands: [RunScripts.self, FormatQuery.self, ParseQuery.self])

    struct RunScripts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "script", abstract: "Run query tests in the script language of Prometheus.",
            discussion: """
                Prints one line for each case that fails, with its file and line, and at the end how many passed and \
                failed. Everything experimental is on, and metric names are dropped at the end of a query, as the \
                scripts of Prometheus assume. Exits with 1 when a case failed or a file cannot be read.
                """)

        @Argument(help: "Scripts: load, clear, eval and expect.") var files: [String]

        @Flag(
            name: .long,
            help: "Hold each instant query also against the middle step of a range query around it.")
        var alsoAsRange = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console.current!
            var passed = 0
            var failures: [(file: String, outcome: ScriptOutcome)] = []
            for file in files {
                let script = QueryScript(try readText(file))
                for outcome in await ScriptRunner(checksRanges: alsoAsRange).run(script) {
                    if outcome.failure == nil { passed += 1 } else { failures.append((file, outcome)) }
                }
            }
            if output.json {
                console.output(Self.report(passed: passed, failures).canonicalText)
            } else {
                for (file, outcome) in failures {
                    let query = outcome.query.isEmpty ? "" : "\(outcome.query): "
                    console.output("\(file):\(outcome.line): \(query)\(outcome.failure ?? "")")
                }
                console.output(console.phrases(.scriptCases, ["passed": passed, "failed": failures.count]))
            }
            if !failures.isEmpty { throw EndWith(.failed) }
        }

        private static func report(passed: Int, _ failures: [(file: String, outcome: ScriptOutcome)]) -> JSONValue {
            let list = failures.map { file, outcome in
                JSONValue.object([
                    "file": .string(file), "line": .integer(Int64(outcome.line)), "query": .string(outcome.query),
                    "message": .string(outcome.failure ?? ""),
                ])
            }
            return .object([
                "passed": .integer(Int64(passed)), "failed": .integer(Int64(failures.count)),
                "failures": .array(list),
            ])
        }
    }

    struct FormatQuery: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "format", abstract: "Print an expression in its normal layout.")

        @Argument(help: "The expression.") var expression: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let text = try parsed(expression).prettyText
            Console.current.output(output.json ? JSONValue.object(["query": .string(text)]).canonicalText : text)
        }
    }

    struct ParseQuery: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "parse", abstract: "Print the tree of an expression as JSON, as /api/v1/parse_query gives it.")

        @Argument(help: "The expression.") var expression: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            Console.current.output(try parsed(expression).tree.canonicalText)
        }
    }
}

/// - Throws: `PlainFailure` of the code that the API has for it too.
private func parsed(_ text: String) throws -> Expression {
    do {
        return try Expression.parse(text, features: .allSyntax)
    } catch {
        throw PlainFailure("bad_data", error.summary, hint: error.hint)
    }
}

/// The text of a file of at most 64 MiB.
private func readText(_ path: String) throws -> String {
    let bytesMax = 64 << 20
    guard let file = fopen(path, "rb") else { throw PlainFailure("unreadable", "cannot read \(path): \(reason())") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { break }
        bytes += buffer[..<count]
        guard bytes.count <= bytesMax else {
            throw PlainFailure("unreadable", "\(path) is longer than \(bytesMax) bytes")
        }
    }
    guard ferror(file) == 0 else { throw PlainFailure("unreadable", "cannot read \(path): \(reason())") }
    return String(decoding: bytes, as: UTF8.self)
}

private func reason() -> String { String(cString: strerror(errno)) }
