import Diagnostics
public import Glibc
import Synchronization

/// One program that serves until it is told to end: its process, signals and log.
///
/// The process may be started again after it ended. A process that nobody stopped ends with the one that started it.
public final class ServerProcess: Sendable {
    /// As people call it: `PostgreSQL`.
    public let name: String
    /// What the program wrote, over all its starts.
    public let logPath: String
    private let command: Command
    private let child = Mutex<pid_t?>(nil)

    init(name: String, _ command: Command, logPath: String) {
        self.name = name
        self.logPath = logPath
        var command = command
        command.output = logPath
        self.command = command
    }

    deinit {
        guard let pid = child.withLock({ $0 }) else { return }
        for process in descendants(of: pid) + [pid] { Glibc.kill(process, SIGKILL) }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        Caretaker.shared.release(process: pid)
    }

    /// The process's number; nil when it does not run.
    public var pid: pid_t? {
        child.withLock { child in
            guard let pid = child else { return nil }
            if reap(pid) != nil {
                child = nil
                Caretaker.shared.release(process: pid)
            }
            return child
        }
    }

    /// The end of what the program wrote.
    public var log: String { Files.read(logPath, tailBytes: 8192) }

    /// Starts the program, which must not run.
    func launch() throws(StackError) {
        precondition(pid == nil, "\(name) runs already")
        let pid = try spawn(command)
        Caretaker.shared.adopt(process: pid)
        child.withLock { $0 = pid }
    }

    /// Sends `signal` to the program and, with `tree`, to all that it started.
    func signal(_ signal: Int32, tree: Bool) {
        guard let pid else { return }
        // The master first: it must not see its workers die, and start new ones.
        Glibc.kill(pid, signal)
        guard tree else { return }
        for process in descendants(of: pid) { Glibc.kill(process, signal) }
    }

    /// Waits until the program has ended.
    /// - Returns: false when it still runs after `limit`.
    func ended(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while pid != nil {
            guard ContinuousClock.now < deadline else { return false }
            await pause(.milliseconds(10))
        }
        return true
    }

    /// Kills the program with all that it started, and waits until they are gone.
    func killTree() async {
        guard let pid else { return }
        // Stopped first, so that the list of its children cannot grow.
        Glibc.kill(pid, SIGSTOP)
        let workers = descendants(of: pid)
        Glibc.kill(pid, SIGKILL)
        for worker in workers { Glibc.kill(worker, SIGKILL) }
        _ = await ended(within: .seconds(10))
        let deadline = ContinuousClock.now + .seconds(10)
        while workers.contains(where: { processFacts(of: $0).map { !$0.isDead } ?? false }),
            ContinuousClock.now < deadline
        {
            await self.pause(.milliseconds(10))
        }
    }

    /// Sleeps also in a cancelled task: ending a server takes its time whatever the caller feels.
    private func pause(_ span: Duration) async {
        let (seconds, attoseconds) = span.components
        if Task.isCancelled {
            var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            nanosleep(&time, nil)
        } else {
            // Cancelled meanwhile, it only comes back sooner.
            try? await Task.sleep(for: span)
        }
    }
}
