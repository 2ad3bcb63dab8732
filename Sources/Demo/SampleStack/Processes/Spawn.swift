import Glibc
import SpawnShim

/// A program with all that it is started with.
struct Command: Sendable {
    var arguments: [String]
    var account: Account?
    /// Where it runs. Must be readable by `account`.
    var folder = "/"
    /// Added to the few variables that every program gets.
    var environment: [String: String] = [:]
    /// File for standard input; nothing when nil.
    var input: String?
    /// File that output and errors are appended to.
    var output = "/dev/null"

    init(_ arguments: [String], as account: Account? = nil) {
        self.arguments = arguments
        self.account = account
    }

    /// What `execve` gets: the account's prefix before the words.
    fileprivate var words: [String] { (account?.prefix ?? []) + arguments }

    fileprivate var environmentWords: [String] {
        var all = ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LC_ALL": "C.UTF-8"]
        if let zone = environmentValue("TZ") { all["TZ"] = zone }
        all.merge(environment) { $1 }
        return all.map { "\($0)=\($1)" }
    }
}

/// Starts `command` as a child in a session of its own, so that Ctrl-C in a terminal reaches only the parent, which
/// then ends its servers in order. No other descriptor, no blocked or ignored signal is handed on.
/// - Parameter standardInput: a descriptor that becomes the child's standard input, in place of `command.input`.
func spawn(_ command: Command, standardInput: Int32? = nil) throws(StackError) -> pid_t {
    var child = pid_t()
    let code = withCStrings(command.words) { words in
        withCStrings(command.environmentWords) { environment in
            spawn_shim_start(
                &child, words, environment, command.folder, standardInput ?? -1, command.input ?? "/dev/null",
                command.output)
        }
    }
    guard code == 0 else {
        throw StackError(.spawnFailed, "cannot start \(command.arguments[0]): \(String(cString: strerror(code)))")
    }
    return child
}

/// Runs `body` with `texts` as a null-ended array of C strings.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    pointers.append(nil)
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}

/// How a program ended.
public struct CommandResult: Sendable {
    /// The exit code, or 128 + the signal that ended it.
    public let status: Int32
    public let output: String
}

/// Runs `command` to its end and returns its output.
/// - Throws: `timedOut` after `limit`; the program is killed.
func run(_ command: Command, limit: Duration = .seconds(30)) async throws -> CommandResult {
    var command = command
    let output = try Files.makeTemporaryFolder(prefix: "jaga-run-")
    defer { Files.remove(output) }
    command.output = "\(output)/output"
    let child = try spawn(command)
    Caretaker.shared.adopt(process: child)
    defer { Caretaker.shared.release(process: child) }
    let deadline = ContinuousClock.now + limit
    while true {
        if let status = reap(child) {
            return CommandResult(status: status, output: Files.read(command.output))
        }
        guard ContinuousClock.now < deadline, !Task.isCancelled else { break }
        // A cancelled sleep is seen by the condition above.
        try? await Task.sleep(for: .milliseconds(10))
    }
    kill(child, SIGKILL)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    try Task.checkCancellation()
    throw StackError(.timedOut, "\(command.arguments[0]) did not end within \(limit)")
}

/// Runs `command` and returns its output.
/// - Throws: `commandFailed` with the end of the output when it ends with another code than 0.
func runSuccessfully(_ command: Command, limit: Duration = .seconds(30)) async throws -> String {
    let result = try await run(command, limit: limit)
    guard result.status == 0 else {
        throw StackError(
            .commandFailed, "\(command.arguments[0]) ended with \(result.status): \(result.output.suffix(2000))")
    }
    return result.output
}

/// The status of an ended child, which is gone after this; nil while it runs.
func reap(_ child: pid_t) -> Int32? {
    var status: Int32 = 0
    let answer = waitpid(child, &status, WNOHANG)
    if answer == 0 { return nil }
    guard answer == child else { return 0 }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
}

/// Runs a program to its end, for tests that need a tool.
/// - Parameters:
///   - arguments: the program's path and its arguments.
///   - limit: after this it is killed.
/// - Returns: its exit code (or 128 + signal) and what it wrote, output and errors mixed.
/// - Throws: `StackError` when it cannot be started or takes too long.
public func runProgram(_ arguments: [String], environment: [String: String] = [:], limit: Duration = .seconds(30))
    async throws -> CommandResult
{
    var command = Command(arguments)
    command.environment = environment
    return try await run(command, limit: limit)
}
