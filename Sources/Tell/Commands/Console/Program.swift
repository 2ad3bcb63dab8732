public import ArgumentParser
import Diagnostics
import JSONCoding
import WebAPI

/// The command line as a function: arguments in, an exit status out, everything else through the console.
public func runCommandLine(_ arguments: [String], console: Console) async -> ProgramStatus {
    await Console.$current.withValue(console) {
        let asJSON = arguments.contains("--json")
        do {
            if arguments.first == "help", let unknown = unknownCommand(in: Array(arguments.dropFirst())) {
                throw ValidationError(unknown)
            }
            var command = try Jaga.parseAsRoot(arguments)
            try refuseEmpty(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return .done
        } catch let end as EndWith {
            return end.status
        } catch is CancellationError {
            return .interrupted
        } catch let failure as any Failure {
            report(failure, asJSON: asJSON, console: console)
            return status(for: failure)
        } catch {
            return reportParsing(error, arguments, asJSON: asJSON, console: console)
        }
    }
}

private func reportParsing(
    _ error: any Error, _ arguments: [String], asJSON: Bool, console: Console
) -> ProgramStatus {
    let code = Jaga.exitCode(for: error)
    let message = Jaga.fullMessage(for: error)
    if code == .success {
        console.output(message)
        return .done
    }
    if code == .validationFailure {
        let failure = PlainFailure(
            "usage", unknownCommand(in: arguments) ?? sentence(Jaga.message(for: error)),
            hint: hint(for: arguments))
        report(failure, asJSON: asJSON, console: console)
        return .usage
    }
    report(PlainFailure("failed", describe(error)), asJSON: asJSON, console: console)
    return .failed
}

private func hint(for arguments: [String]) -> String {
    let (_, path, next) = commandPath(in: arguments)
    // `-1e308` or `-(up)`: an expression, and no option of ours begins so.
    if path == "jaga query" || path == "jaga promql format", let word = next, word.hasPrefix("-"),
        let second = word.dropFirst().first,
        second != "-", !second.isLetter
    {
        return "What begins with '-' and is no option stands behind '--': \(path) -- '\(word)'."
    }
    return "See '\(path) --help'."
}

/// An empty word is mostly a variable of a script that is not set, and a folder or a name that is empty would lead elsewhere.
private func refuseEmpty(_ arguments: [String]) throws {
    guard let index = arguments.firstIndex(where: { $0.isEmpty || ($0.hasPrefix("--") && $0.hasSuffix("=")) }) else {
        return
    }
    let word = arguments[index]
    let place = !word.isEmpty ? word : index > 0 ? "the word after '\(arguments[index - 1])'" : "the first word"
    throw ValidationError("\(place) is empty; leave it out, or see whether a variable is not set.")
}

/// The parser's message on one line. It begins with a capital letter, where after "jaga:" the sentence goes on, and writes more
/// than five choices as a list.
private func sentence(_ message: String) -> String {
    let lines = message.split(separator: "\n")
    let choices = lines.filter { $0.hasPrefix("  - ") }.map { $0.dropFirst(4) }
    let text =
        lines.filter { !$0.hasPrefix("  - ") }.joined(separator: " ").replacing("one of the following:", with: "one of")
        + (choices.isEmpty ? "" : " \(choices.joined(separator: ", "))")
    // A single sentence has no full stop, as everywhere behind "jaga:".
    let ended = text.hasSuffix(".") && !text.contains(". ") ? String(text.dropLast()) : text
    guard let first = ended.first, let second = ended.dropFirst().first, second.isLowercase else { return ended }
    return first.lowercased() + ended.dropFirst()
}

/// The command that the words name, as far as they name one, and the word where that ended.
private func commandPath(
    in arguments: [String]
) -> (command: any ParsableCommand.Type, path: String, next: String?) {
    var command: any ParsableCommand.Type = Jaga.self
    var path = "jaga"
    for word in arguments {
        guard let child = command.configuration.subcommands.first(where: { $0._commandName == word }) else {
            return (command, path, word)
        }
        command = child
        path += " \(word)"
    }
    return (command, path, nil)
}

/// What to say of a word that stands where a command should and is none; nil when that is not what is wrong.
private func unknownCommand(in arguments: [String]) -> String? {
    let (command, path, next) = commandPath(in: arguments)
    let children = command.configuration.subcommands
    guard let word = next, !children.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
    let names = children.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
    let remedy =
        nearestName(to: word, among: names).map { "did you mean '\($0)'?" }
        ?? "the commands are \(names.joined(separator: ", "))"
    return "there is no command '\(path) \(word)'; \(remedy)"
}

private func report(_ failure: any Failure, asJSON: Bool, console: Console) {
    if asJSON {
        var members: [String: JSONValue] = ["code": .string(failure.codeName), "message": .string(failure.oneLine)]
        if let hint = failure.hint { members["hint"] = .string(hint) }
        if let invalid = failure as? InvalidInput {
            members["faults"] = .array(invalid.diagnostics.map { .string($0.description) })
        }
        console.notes(JSONValue.object(["error": .object(members)]).canonicalText)
        return
    }
    console.notes("jaga: \(failure.oneLine)")
    if let hint = failure.hint { console.notes("      \(hint)") }
}

private func status(for failure: any Failure) -> ProgramStatus {
    if failure is InvalidInput { return .configurationInvalid }
    if let problem = failure as? Problem {
        switch problem.code {
        case .notFound: return .notFound
        case .conflict: return .locked
        case .unauthenticated, .forbidden: return .refused
        case .invalid: return .usage
        default: return .failed
        }
    }
    return ProgramStatus(codeName: failure.codeName) ?? .failed
}

/// `jaga`
public struct Jaga: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "jaga",
        abstract: "Keeps watch over a self-hosted web application.",
        discussion: """
            Run 'jaga serve' to start watching this host, 'jaga status' for the answer to "is everything all right?".
            Every command takes --json. Exit codes: 0 done, 1 failed, 3 findings, 10 not found, 11 locked, 12 refused, \
            64 usage, 69 daemon unreachable, 78 configuration invalid, 130 interrupted.
            """,
        version: ProgramVersion.number,
        subcommands: [
            Serve.self, Init.self, Status.self, Check.self, Config.self, Reload.self, Query.self,
            PromQLCommand.self, SeriesCommand.self, Alerts.self, RulesCommand.self,
            Backup.self,
            Restore.self, Jobs.self, LedgerCommand.self, User.self, Demo.self, Version.self, SampleShopCommand.self,
        ])

    public init() {}
}
