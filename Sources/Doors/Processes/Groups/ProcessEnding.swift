import Glibc

// Ends processes that are nobody's any more: those that a command left in its process group when it ended, and those that a
// killed Jaga left behind. SIGTERM first, SIGKILL after a while. Each signal goes to one process whose start time was compared
// right before, never to a number alone.

enum ProcessEnding {
    /// Between SIGTERM and SIGKILL. Short: whoever started these processes is gone and has no more use for what they finish.
    static let grace = Duration.seconds(1)
    /// After SIGKILL only a process that waits for a broken disk stays.
    static let killLimit = Duration.seconds(2)

    /// Ends what `find` finds, asking again until there is nothing more: a process may start another while it is ended.
    /// - Returns: the processes that were found, and those that are still there.
    static func end(
        _ find: () -> [ProcessEntry]
    ) async -> (found: Set<ProcessEntry>, left: [ProcessEntry]) {
        var found: Set<ProcessEntry> = []
        var alive = find()
        let start = ContinuousClock.now
        while !alive.isEmpty, start.duration(to: .now) < grace + killLimit {
            let isLate = start.duration(to: .now) >= grace
            for process in alive where isLate || !found.contains(process) {
                if process.isAlive { kill(process.id, isLate ? SIGKILL : SIGTERM) }
                // A stopped process takes SIGTERM only when it goes on.
                if process.isAlive { kill(process.id, SIGCONT) }
            }
            found.formUnion(alive)
            // A task that was cancelled sleeps no more, and this has to go on all the same: hence a task of its own, which
            // ends after 20 ms.
            await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
            alive = find()
        }
        return (found, alive)
    }

    /// The living members of a group, without its leader.
    static func followers(of leader: Int32) -> [ProcessEntry] {
        ProcessEntry.all().filter { $0.group == leader && $0.id != leader && !$0.isZombie }
    }

    /// This process and those above it, which are never ended.
    static func ownLine() -> Set<Int32> {
        var line: Set<Int32> = [1]
        var id = getpid()
        while id > 1, line.insert(id).inserted, let process = ProcessEntry.read(id) { id = process.parent }
        return line
    }

    /// Whether a child of this process has ended. It is not waited for, so its number stays its own.
    static func hasEnded(child id: Int32) -> Bool {
        var info = siginfo_t()
        // ECHILD: somebody else has waited for it.
        guard waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT | WNOHANG) == 0 else { return errno == ECHILD }
        return info.si_signo == SIGCHLD
    }
}
