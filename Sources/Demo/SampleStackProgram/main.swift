import BlockingCalls
import Diagnostics
import Glibc
import SampleShop
import SampleStack

// The sample stack as a program, for tests and for looking at by hand: `sample-stack` starts all of it, says where it
// is, and ends it on SIGINT or SIGTERM; `sample-stack shop <configuration file>` is the shop alone, which the first
// form starts.

/// Writes a line and, where there is a status, ends the program with it.
func write(_ text: String, to descriptor: Int32) {
    _ = Array("\(text)\n".utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
}

func runStack() async throws {
    // Blocked before any thread is made, so that one thread of our choice takes them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let stack = try await Stack.start(shopProgram: [CommandLine.arguments[0], "shop"])
    write("folder \(stack.description.folder)", to: STDOUT_FILENO)
    write("shop \(stack.description.webURL)", to: STDOUT_FILENO)
    let pids = [stack.postgres.pid, stack.redis.pid, stack.nginx.pid, stack.shop.pid].compactMap { $0 }
    write("pids " + pids.map { "\($0)" }.joined(separator: " "), to: STDOUT_FILENO)
    let waited = signals
    _ = try await BlockingThreads.shared.run {
        var set = waited
        var signal: Int32 = 0
        return sigwait(&set, &signal)
    }
    await stack.stop()
}

do {
    switch CommandLine.arguments.dropFirst() {
    case []: try await runStack()
    case let words where words.first == "shop" && words.count == 2: try await Shop.run(configurationPath: words.last!)
    default:
        write("usage: sample-stack [shop <configuration file>]", to: STDERR_FILENO)
        exit(64)
    }
} catch {
    write("sample-stack: \(describe(error))", to: STDERR_FILENO)
    exit(1)
}
