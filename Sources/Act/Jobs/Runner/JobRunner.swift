import Diagnostics
public import Events
import JSONCoding
public import Logging
import Processes
import Schedule
public import StateStore
import Synchronization
public import Units

// One loop looks at the wall clock, at least every 15 s so that a clock which is set is noticed, and asks for each job what
// is due (`DueRuns`). A run that begins takes its locks, records `job.started`, works under its deadline and records
// `job.finished`. Nothing is held in memory that a restart would miss: what was handled is read back from the projection,
// and a run that has no end there was lost with the process.

/// Runs jobs: when they are due, when they are asked for, one at a time for each lock.
public final class JobRunner: Sendable {
    fileprivate struct State {
        var jobs: [String: JobDefinition] = [:]
        var due: [String: DueRuns] = [:]
        /// Lock to the run that holds it.
        var locks: [String: String] = [:]
        var running: [String: String] = [:]
        var runCount = 0
        var isRestored = false
        /// Runs that were asked for before `isRestored`: whoever looks for what a former process left open finds them too.
        var earlyRuns: Set<String> = []
        /// Run to the number of its processes that a former Jaga left behind and this one has ended.
        var leftovers: [String: Int] = [:]
    }

    let store: StateStore
    private let events: any EventRecording
    private let wall: any WallClock
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state = Mutex(State())
    private let requests = AsyncStream.makeStream(of: PreparedRun.self)

    /// - Parameters:
    ///   - jobs: at first; `replace` changes them.
    ///   - clock: for pauses and deadlines.
    public init(
        _ jobs: [JobDefinition], events: any EventRecording, store: StateStore, wall: any WallClock,
        clock: any Clock<Duration>, logger: Logger = Logger(label: "jobs")
    ) {
        self.store = store
        self.events = events
        self.wall = wall
        self.clock = clock
        self.logger = logger
        state.withLock { $0.jobs = Dictionary(uniqueKeysWithValues: jobs.map { ($0.name, $0) }) }
    }

    /// The jobs, sorted by name.
    public var jobs: [JobDefinition] { state.withLock { $0.jobs.values.sorted { $0.name < $1.name } } }

    /// Puts other jobs in the place of all. Runs that are going on end as they began.
    public func replace(with jobs: [JobDefinition]) {
        let now = wall.now
        state.withLock { state in
            state.jobs = Dictionary(uniqueKeysWithValues: jobs.map { ($0.name, $0) })
            for job in jobs where state.due[job.name] == nil && state.isRestored {
                state.due[job.name] = DueRuns(handled: now)
            }
        }
    }

    /// The next scheduled run of a job.
    public func nextRun(of job: String) -> Timestamp? {
        let (definition, due) = state.withLock { ($0.jobs[job], $0.due[job]) }
        guard let definition, definition.isEnabled, let recurrence = definition.recurrence else { return nil }
        let now = wall.now
        return recurrence.next(after: max(now, min(due?.handled ?? now, now + DueRuns.setBackMax)))
    }

    /// Jobs that run now, with their runs.
    public var running: [String: String] { state.withLock { $0.running } }

    // MARK: The loop

    /// Says which runs of a former process had processes that went on without it and were ended at this start.
    /// - Parameter counts: of processes, by run; known before `run` is called.
    public func noteLeftovers(_ counts: [String: Int]) { state.withLock { $0.leftovers = counts } }

    /// Closes what a former process left open, then starts what is due until the task is cancelled; runs that are going on
    /// are then cancelled too and recorded as such.
    public func run() async throws {
        try await recover()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                while !Task.isCancelled {
                    await tick()
                    try await clock.sleep(for: pause())
                }
            }
            group.addTask { [self] in
                await withDiscardingTaskGroup { runs in
                    for await run in requests.stream { runs.addTask { await self.perform(run) } }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Records runs without an end as interrupted, when what they ran had to be ended, or else as lost, and takes up from the newest scheduled time that was handled.
    func recover() async throws {
        let now = wall.now
        let unfinished = try await JobRuns.unfinished(in: store)
        // Read second: a run has its name before it stands in the ledger.
        let own = state.withLock { $0.earlyRuns.union($0.running.values) }
        for run in unfinished where !own.contains(run.run) {
            let count = state.withLock { $0.leftovers[run.run] ?? 0 }
            let (outcome, message) =
                count == 0
                ? ("lost", "Jaga ended while the job was running; how it went is not known")
                : (
                    "interrupted",
                    "Jaga was killed while the job was running, and what the job still ran was ended at the next start "
                        + "(\(count) process\(count == 1 ? "" : "es"))"
                )
            try await events.record([
                finished(
                    run.job, run: run.run, outcome: outcome, at: now, duration: nil, exitCode: nil, message, output: "")
            ])
        }
        let states = try await JobRuns.states(in: store)
        state.withLock { state in
            for name in state.jobs.keys {
                state.due[name] = DueRuns(handled: states[name]?.handledFor ?? now)
            }
            state.isRestored = true
            state.earlyRuns = []
        }
    }

    /// Starts what is due now. Where the ledger refuses an entry, the job stays due.
    func tick() async {
        let now = wall.now
        let decisions = state.withLock { state in
            state.jobs.values.sorted { $0.name < $1.name }.map { job -> Decision in
                let due = state.due[job.name] ?? DueRuns(handled: now)
                var later = due
                guard job.isEnabled, let recurrence = job.recurrence else {
                    // What passes while a job is disabled is not missed.
                    state.due[job.name] = DueRuns(handled: now)
                    return Decision(job: job, before: due, actions: [])
                }
                let actions = later.actions(at: now, recurrence, job.missed)
                state.due[job.name] = later
                return Decision(job: job, before: due, actions: actions)
            }
        }
        for decision in decisions {
            // What is in the ledger is done with, also when the next action fails: it must not be entered a second time.
            var reached = decision.before
            do {
                for action in decision.actions {
                    try await carryOut(action, of: decision.job, at: now)
                    reached.handled = action.scheduledFor
                }
            } catch {
                if !(error is CancellationError) { logger.error("job \(decision.job.name): \(describe(error))") }
                state.withLock { $0.due[decision.job.name] = reached }
            }
        }
    }

    private struct Decision {
        var job: JobDefinition
        var before: DueRuns
        var actions: [DueRuns.Action]
    }

    private func carryOut(_ action: DueRuns.Action, of job: JobDefinition, at now: Timestamp) async throws {
        switch action {
        case .miss(let newest, let count):
            try await events.record([missed(job.name, at: now, newest, count, "Jaga could not run it at that time")])
        case .run(let scheduled, _):
            do {
                let run = try await prepare(job, .schedule, Actor(.schedule, job.name), scheduledFor: scheduled)
                requests.continuation.yield(run)
            } catch let failure as JobFailure {
                try await events.record([missed(job.name, at: now, scheduled, 1, failure.detail)])
            }
        }
    }

    private func pause() -> Duration {
        let now = wall.now
        let next = jobs.compactMap { nextRun(of: $0.name) }.min() ?? .distantFuture
        guard next < now + .seconds(15) else { return .seconds(15) }
        return max(.milliseconds(10), next - now)
    }

    // MARK: On demand

    /// Starts a job now and comes back when its start is recorded.
    /// - Returns: the run, for `JobRuns.find`.
    /// - Throws: `JobFailure`.
    @discardableResult
    public func trigger(_ job: String, by actor: Actor) async throws -> String {
        let run = try await prepare(try find(job), .manual, actor, scheduledFor: nil)
        requests.continuation.yield(run)
        return run.context.run
    }

    /// Runs a job in the caller's task, and comes back with its last attempt.
    /// - Throws: `JobFailure`.
    public func runToEnd(_ job: String, by actor: Actor) async throws -> JobRunRecord {
        let run = try await prepare(try find(job), .manual, actor, scheduledFor: nil)
        let last = await perform(run)
        guard let record = try await JobRuns.find(run: last, in: store) else {
            throw JobFailure(.unknownJob, job: job)
        }
        return record
    }

    private func find(_ name: String) throws -> JobDefinition {
        let jobs = state.withLock { $0.jobs }
        if let job = jobs[name] { return job }
        throw JobFailure(.unknownJob, job: name, nearestName(to: name, among: jobs.keys) ?? "")
    }

    // MARK: One run

    struct PreparedRun: Sendable {
        var job: JobDefinition
        var context: JobContext
        var locks: [String]
    }

    /// Takes the locks and records the start.
    private func prepare(
        _ job: JobDefinition, _ trigger: JobTrigger, _ actor: Actor, scheduledFor: Timestamp?
    ) async throws -> PreparedRun {
        let now = wall.now
        let locks = ["job/\(job.name)"] + job.locks
        let taken = state.withLock { state -> (run: String?, holder: String?) in
            for lock in locks {
                if let holder = state.locks[lock] { return (nil, "'\(lock)' is held by the run \(holder)") }
            }
            let run = state.nextRunName(job.name, now)
            for lock in locks { state.locks[lock] = run }
            state.running[job.name] = run
            return (run, nil)
        }
        guard let run = taken.run else { throw JobFailure(.locked, job: job.name, taken.holder ?? "") }
        let context = JobContext(
            job: job.name, run: run, trigger: trigger, actor: actor, attempt: 1, scheduledFor: scheduledFor)
        do {
            try await events.record([started(context, at: now)])
        } catch {
            release(locks, job.name)
            throw error
        }
        return PreparedRun(job: job, context: context, locks: locks)
    }

    private func release(_ locks: [String], _ job: String) {
        state.withLock { state in
            for lock in locks { state.locks[lock] = nil }
            state.running[job] = nil
        }
    }

    /// Runs the attempts and records each one's end.
    /// - Returns: the name of the last attempt's run.
    @discardableResult
    private func perform(_ prepared: PreparedRun) async -> String {
        defer { release(prepared.locks, prepared.job.name) }
        let job = prepared.job
        var context = prepared.context
        var wait = job.retryWait
        while true {
            let begin = wall.now
            let result = await attempt(job, context)
            do {
                let end = wall.now
                try await recordPatiently(
                    finished(
                        job.name, run: context.run, outcome: result.outcome, at: end, duration: end - begin,
                        exitCode: result.exitCode, result.message, output: context.log.text), of: job.name)
                guard result.mayRetry, context.attempt <= job.retries else { return context.run }
                try await clock.sleep(for: wait)
                wait = min(wait * 2, .seconds(3600))
                let now = wall.now
                let run = state.withLock { $0.nextRunName(job.name, now) }
                context = JobContext(
                    job: job.name, run: run, trigger: .retry, actor: context.actor, attempt: context.attempt + 1,
                    scheduledFor: context.scheduledFor)
                try await events.record([started(context, at: now)])
            } catch {
                // Jaga stops. Where the entry is missing the run shows as running, and as lost after the next start.
                if !(error is CancellationError) { logger.error("job \(job.name): \(describe(error))") }
                return context.run
            }
        }
    }

    /// Records how a run ended, and tries again every ten seconds while that fails: a job that did its work while the disk was
    /// full did it. Its locks are held meanwhile, since no start could be recorded either.
    /// - Throws: what the ledger says, once this task is cancelled.
    private func recordPatiently(_ event: Event, of job: String) async throws {
        while true {
            do {
                try await events.record([event])
                return
            } catch {
                if Task.isCancelled { throw error }
                logger.error("the end of a run of job \(job) is not recorded yet: \(describe(error))")
            }
            try await clock.sleep(for: .seconds(10))
        }
    }

    private struct AttemptResult: Sendable {
        var outcome: String
        var message: String
        var exitCode: Int32?
        var mayRetry: Bool
    }

    private func attempt(_ job: JobDefinition, _ context: JobContext) async -> AttemptResult {
        do {
            let result = try await withThrowingTaskGroup(of: JobResult?.self) { group in
                group.addTask {
                    try await GroupJournal.$label.withValue(context.run) { try await job.kind.run(context) }
                }
                group.addTask { [clock] in
                    try await clock.sleep(for: job.deadline)
                    return nil
                }
                let first = try await group.next()!
                group.cancelAll()
                return first
            }
            guard let result else {
                return AttemptResult(
                    outcome: "timedOut", message: "not done within its deadline of \(job.deadline.briefText)",
                    mayRetry: true)
            }
            return AttemptResult(
                outcome: result.succeeded ? "succeeded" : "failed", message: result.message, exitCode: result.exitCode,
                mayRetry: !result.succeeded)
        } catch is CancellationError {
            return AttemptResult(outcome: "cancelled", message: "Jaga was stopped while it ran", mayRetry: false)
        } catch {
            let words = (error as? any Failure)?.oneLine ?? describe(error)
            return AttemptResult(outcome: "failed", message: words, mayRetry: true)
        }
    }
}

extension JobRunner.State {
    /// As in `nightly-20260310T020000Z-3`: unique, since the count never repeats within a process and the time does not
    /// repeat between processes.
    fileprivate mutating func nextRunName(_ job: String, _ now: Timestamp) -> String {
        runCount += 1
        let time = now.rfc3339.filter { $0.isNumber || $0.isLetter }
        let name = "\(job)-\(time)-\(runCount)"
        if !isRestored { earlyRuns.insert(name) }
        return name
    }
}
