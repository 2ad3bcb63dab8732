import Diagnostics
public import Glibc

/// A server of the sample stack: a real program on a port of 127.0.0.1, with the ways in which it can be ended or
/// hindered.
public protocol StackServer: AnyObject, Sendable {
    var process: ServerProcess { get }
    /// On 127.0.0.1; stays the same over restarts.
    var port: Int { get }
    /// The signal that asks the program for a quick and orderly end.
    var stopSignal: Int32 { get }
    /// Whether the server does what it is there for, found out within a second.
    func answers() async -> Bool
}

extension StackServer {
    public var name: String { process.name }
    /// Nil when the program does not run.
    public var pid: pid_t? { process.pid }
    public var isRunning: Bool { pid != nil }
    /// The end of what the program wrote.
    public var log: String { process.log }

    /// Starts the program on its port and waits until it answers. Does nothing when it runs.
    /// - Throws: `timedOut` or `notRunning`, with the end of the program's log.
    public func start(limit: Duration = .seconds(60)) async throws {
        guard !isRunning else { return }
        try process.launch()
        do {
            try await waitUntilReady(limit: limit)
        } catch {
            await kill()
            throw error
        }
    }

    /// Ends the program in its orderly way, and with SIGKILL when that takes longer than thirty seconds.
    public func stop() async {
        process.signal(SIGCONT, tree: true)
        process.signal(stopSignal, tree: false)
        if await process.ended(within: .seconds(30)) { return }
        await process.killTree()
    }

    /// Ends the program and all that it started with SIGKILL, as a crash or the kernel's out-of-memory killer would.
    public func kill() async {
        await process.killTree()
    }

    /// Stops the program with SIGSTOP where it stands: connections open, and nothing answers.
    public func pause() {
        process.signal(SIGSTOP, tree: true)
    }

    /// Lets a paused program go on.
    public func resume() {
        process.signal(SIGCONT, tree: true)
    }

    /// Ends the program, when it runs, and starts it again on the same port with the same data.
    public func restart() async throws {
        await stop()
        try await start()
    }

    private func waitUntilReady(limit: Duration) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            if await answers() { return }
            guard isRunning else {
                throw StackError(.notRunning, "\(name) ended while starting: \(log.suffix(2000))")
            }
            guard ContinuousClock.now < deadline else {
                throw StackError(.timedOut, "\(name) did not answer within \(limit): \(log.suffix(2000))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
