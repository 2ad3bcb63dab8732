import Diagnostics
import Dispatch
import Events
import FoundationEssentials
import Ledger
import Processes
import Schedule
import Series
import StateStore
import Synchronization
import TestSupport
import Testing
import Units

@testable import Jobs

/// Goal: each run leaves a start and an end in the ledger, and nothing runs beside its lock or past its deadline. Method: a
/// real ledger on a file, a clock moved by hand, kinds that wait for a signal.
@Suite struct JobRunnerTests {
    @Test func `a scheduled run goes from start to end into history and series`() async throws {
        let site = try Site([job("nightly", Fixed { JobResult(message: "done") }, "0 2 * * *")])
        let loop = site.start()
        try await site.advance(to: "2026-01-01T02:00:01Z")
        try await site.waitForRuns("nightly", ["succeeded"])
        let run = try #require(try await JobRuns.history(of: "nightly", in: site.store).first)
        #expect(run.trigger == "schedule")
        #expect(run.scheduledFor?.rfc3339 == "2026-01-01T02:00:00Z")
        #expect(run.message == "done")
        let batch = try await JobSeries(site.runner).read(at: site.clock.time)
        #expect(value(batch, "jaga_job_last_run_success") == 1)
        #expect(value(batch, "jaga_job_next_run_timestamp_seconds") == 1_767_319_200)
        loop.cancel()
    }

    @Test func `a command's output and exit code are kept`() async throws {
        let kind = CommandJob(.shell("echo hello $JAGA_JOB; echo oops >&2; exit 7"))
        let site = try Site([job("talk", kind)])
        try await site.runner.recover()
        let run = try await site.runner.runToEnd("talk", by: Actor(.person, "ani"))
        #expect(run.outcome == "failed")
        #expect(run.exitCode == 7)
        #expect(Set(run.output.split(separator: "\n")) == ["hello talk", "oops"])
        #expect(run.message == "'sh' failed: exit code 7: oops")
        #expect(run.actor == "person:ani")
        #expect(run.trigger == "manual")
    }

    @Test func `what a command printed before its time was over is kept`() async throws {
        var definition = job("stuck", CommandJob(.shell("echo waiting for the lock >&2; exec sleep 1000")))
        definition.deadline = .seconds(10)
        let log = JobLog()
        let context = JobContext(job: "stuck", run: "stuck-1", trigger: .manual, actor: .jaga, log: log)
        let task = Task { [definition] in try await definition.kind.run(context) }
        try await waitUntil("the command has spoken") { log.text == "waiting for the lock\n" }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a second run finds the lock taken, and a scheduled one is recorded as missed`() async throws {
        let gate = Gate()
        let waits = Fixed {
            await gate.wait(); return JobResult(message: "done")
        }
        var first = job("a", waits, "0 * * * *", locks: ["target/x"])
        first.deadline = .seconds(86_400)
        let site = try Site([first, job("b", waits, locks: ["target/x"])])
        let loop = site.start()
        let run = try await site.runner.trigger("a", by: .jaga)
        let failure = await #expect(throws: JobFailure.self) { try await site.runner.trigger("b", by: .jaga) }
        #expect(failure?.code == .locked)
        #expect(failure?.summary.contains(run) == true)
        try await site.clock.waitForSleepers(2)
        try await site.advance(to: "2026-01-01T01:00:01Z")
        try await site.waitForRuns("a", ["missed", "running"])
        gate.open()
        try await site.waitForRuns("a", ["missed", "succeeded"])
        loop.cancel()
    }

    /// As soon as Jaga listens a run can be asked for, while the runner still looks for what a former process left open.
    @Test func `a run that is asked for while the runner starts is not taken for a lost one`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let site = try Site([], folder)
        try await site.ledger.record([
            started(JobContext(job: "a", run: "former", trigger: .manual, actor: .jaga), at: site.clock.time)
        ])
        let wall = NotedClock(site.clock.wall)
        let runner = JobRunner(
            [job("a", Fixed { JobResult(message: "done") })], events: site.ledger, store: site.store, wall: wall,
            clock: site.clock)
        // All readers of the store are taken, so that the look into it waits until the new run stands there.
        let readers = BusyReaders()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { try await site.store.read { _ in readers.stay() } }
            }
            try await waitUntil("the readers are busy") { readers.count == 3 }
            group.addTask { try await runner.recover() }
            let run: String
            do {
                defer { readers.release() }
                try await waitUntil("the runner has begun to look") { wall.askedCount > 0 }
                run = try await runner.trigger("a", by: .jaga)
            }
            try await group.waitForAll()
            let runs = try await JobRuns.history(of: "a", in: site.store)
            #expect(runs.map(\.run) == [run, "former"])
            #expect(runs.map(\.outcome) == ["running", "lost"])
        }
    }

    @Test func `time over ends the run, and retries follow with growing pauses`() async throws {
        let hangs = Fixed {
            try await ContinuousClock().sleep(for: .seconds(3600)); return JobResult(message: "")
        }
        var definition = job("slow", hangs)
        definition.deadline = .seconds(10)
        definition.retries = 2
        definition.retryWait = .seconds(60)
        let site = try Site([definition])
        try await site.runner.recover()
        let task = Task { try await site.runner.runToEnd("slow", by: .jaga) }
        for span in [10, 60, 10, 120, 10] {
            try await site.clock.waitForSleepers(1)
            site.clock.advance(by: .seconds(span))
        }
        let last = try await task.value
        #expect(last.outcome == "timedOut")
        #expect(last.attempt == 3)
        #expect(last.trigger == "retry")
        #expect(last.message == "not done within its deadline of 10s")
        let all = try await JobRuns.history(of: "slow", in: site.store)
        #expect(all.map(\.outcome) == ["timedOut", "timedOut", "timedOut"])
    }

    @Test func `a run that the process did not survive is lost, and missed runs are noticed`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        do {
            let site = try Site([job("nightly", Fixed { JobResult(message: "") }, "0 2 * * *")], folder)
            try await site.ledger.record([
                started(
                    JobContext(
                        job: "nightly", run: "nightly-1", trigger: .schedule, actor: .jaga,
                        scheduledFor: Timestamp(rfc3339: "2026-01-01T02:00:00Z")), at: site.clock.time)
            ])
            try site.store.close()
        }
        var definition = job("nightly", Fixed { JobResult(message: "made up for") }, "0 2 * * *")
        definition.missed = .runOnce
        let site = try Site([definition], folder, start: "2026-01-04T09:00:00Z")
        let loop = site.start()
        try await site.waitForRuns("nightly", ["succeeded", "missed", "lost"])
        let states = try await JobRuns.states(in: site.store)
        #expect(states["nightly"]?.counts == ["succeeded": 1, "missed": 2, "lost": 1])
        #expect(states["nightly"]?.handledFor?.rfc3339 == "2026-01-04T02:00:00Z")
        loop.cancel()
    }

    @Test func `a run whose processes had to be ended at the next start is interrupted`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        do {
            let site = try Site([job("nightly", Fixed { JobResult(message: "") }, "0 2 * * *")], folder)
            try await site.ledger.record(
                ["nightly-1", "nightly-2"].map {
                    started(JobContext(job: "nightly", run: $0, trigger: .manual, actor: .jaga), at: site.clock.time)
                })
            try site.store.close()
        }
        let site = try Site([job("nightly", Fixed { JobResult(message: "") })], folder)
        site.runner.noteLeftovers(["nightly-1": 3, "other": 1])
        try await site.runner.recover()
        let runs = try await JobRuns.history(of: "nightly", in: site.store)
        #expect(runs.map(\.outcome) == ["lost", "interrupted"])
        #expect(runs[1].message.contains("3 processes"))
        let batch = try await JobSeries(site.runner).read(at: site.clock.time)
        let counted = batch.rows.first {
            $0.labels.name == "jaga_job_runs_total" && $0.labels["outcome"] == "interrupted"
        }
        #expect(counted?.value == 1)
    }

    @Test func `what a command runs is noted under its run`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let site = try Site(
            [job("talk", CommandJob(.shell("until grep . '\(folder.path)'/notes/* 2>/dev/null; do sleep 0.01; done")))],
            folder)
        try FileManager.default.createDirectory(atPath: folder.file("notes"), withIntermediateDirectories: false)
        let run = try await GroupJournal.$current.withValue(GroupJournal(folder: folder.file("notes"))) {
            try await site.runner.runToEnd("talk", by: .jaga)
        }
        #expect(run.outcome == "succeeded")
        #expect(run.output.contains(run.run))
    }

    @Test func `the end of a run is recorded when the disk has room again`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let store = try StateStore.open(at: folder.file("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [JobRuns()])
        let events = StubbornEvents(ledger)
        let clock = ManualClock(start: Timestamp(rfc3339: "2026-01-01T00:00:00Z")!)
        let work = Fixed {
            events.refuses.withLock { $0 = true }
            return JobResult(message: "done")
        }
        let runner = JobRunner([job("work", work)], events: events, store: store, wall: clock.wall, clock: clock)
        let run = Task { try await runner.runToEnd("work", by: .jaga) }
        // The deadline's pause, which ends with the work, and then the pause before the next try.
        try await waitUntil("the end is refused") { events.refusalCount.withLock { $0 } == 1 }
        #expect(runner.running["work"] != nil, "the lock is let go of before the end is recorded")
        events.refuses.withLock { $0 = false }
        try await clock.waitForSleepers(1)
        clock.advance(by: .seconds(10))
        #expect(try await run.value.outcome == "succeeded")
        #expect(runner.running.isEmpty)
    }

    /// The missed runs are entered, then the disk is full for the start of the one that is made up for.
    @Test func `missed runs are entered once when the start after them fails`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let store = try StateStore.open(at: folder.file("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [JobRuns()])
        let events = StubbornEvents(ledger)
        let clock = ManualClock(start: Timestamp(rfc3339: "2026-01-01T00:00:00Z")!)
        var hourly = job("hourly", Fixed { JobResult(message: "") }, "0 * * * *")
        hourly.missed = .runOnce
        let runner = JobRunner([hourly], events: events, store: store, wall: clock.wall, clock: clock)
        try await runner.recover()
        clock.advance(by: .seconds(4 * 3600 + 600))
        events.refusedKind.withLock { $0 = .jobStarted }
        await runner.tick()
        await runner.tick()
        #expect(events.refusalCount.withLock { $0 } == 2)
        events.refusedKind.withLock { $0 = nil }
        await runner.tick()
        let state = try await JobRuns.states(in: store)["hourly"]
        #expect(state?.counts["missed"] == 3)
        #expect(state?.handledFor?.rfc3339 == "2026-01-01T04:00:00Z")
        let kinds = try await ledger.reader.entries(matching: EntryFilter(order: .oldestFirst)).map(\.event.kind)
        #expect(kinds == [.jobMissed, .jobStarted])
    }

    @Test func `shutting down cancels what runs and records it`() async throws {
        let hangs = Fixed {
            try await ContinuousClock().sleep(for: .seconds(3600)); return JobResult(message: "")
        }
        let site = try Site([job("slow", hangs)])
        let loop = site.start()
        try await site.runner.trigger("slow", by: .jaga)
        try await site.waitForRuns("slow", ["running"])
        try await site.clock.waitForSleepers(2)
        loop.cancel()
        try await site.waitForRuns("slow", ["cancelled"])
    }

    @Test func `an unknown job names the nearest one`() async throws {
        let site = try Site([job("nightly", Fixed { JobResult(message: "") })])
        let failure = await #expect(throws: JobFailure.self) { try await site.runner.trigger("nigthly", by: .jaga) }
        #expect(failure?.hint == "Did you mean 'nightly'?")
    }

    @Test func `replaying the ledger gives the same history`() async throws {
        let site = try Site([job("talk", CommandJob(.shell("echo hi")))])
        try await site.runner.recover()
        for _ in 0..<3 { _ = try await site.runner.runToEnd("talk", by: .jaga) }
        let before = try await JobRuns.history(in: site.store)
        try site.ledger.rebuildProjections()
        #expect(try await JobRuns.history(in: site.store) == before)
        #expect(before.count == 3)
    }

    private func value(_ batch: SampleBatch, _ name: String) -> Double? {
        batch.rows.first { $0.labels.name == name }?.value
    }
}

private func job(
    _ name: String, _ kind: any JobKind, _ schedule: String? = nil, locks: [String] = []
) -> JobDefinition {
    JobDefinition(
        name: name, kind: kind, recurrence: schedule.flatMap { try? Recurrence($0) }, scheduleText: schedule ?? "",
        locks: locks)
}

/// A ledger on a disk that is full for a while.
private final class StubbornEvents: EventRecording {
    struct DiskFull: Error {}

    let refuses = Mutex(false)
    let refusedKind = Mutex<EventKind?>(nil)
    let refusalCount = Mutex(0)
    private let ledger: Ledger

    init(_ ledger: Ledger) { self.ledger = ledger }

    func record(_ events: [Event]) async throws -> Int64 {
        let kind = refusedKind.withLock { $0 }
        if refuses.withLock({ $0 }) || events.contains(where: { $0.kind == kind }) {
            refusalCount.withLock { $0 += 1 }
            throw DiskFull()
        }
        return try await ledger.record(events)
    }
}

/// Keeps the store's readers until they are released.
private final class BusyReaders: Sendable {
    private let entered = Mutex(0)
    private let mayLeave = DispatchSemaphore(value: 0)

    var count: Int { entered.withLock { $0 } }

    func stay() {
        entered.withLock { $0 += 1 }
        mayLeave.wait()
    }

    func release() { for _ in 0..<count { mayLeave.signal() } }
}

/// Counts how often it is asked.
private final class NotedClock: WallClock {
    private let count = Mutex(0)
    private let clock: any WallClock

    init(_ clock: any WallClock) { self.clock = clock }

    var askedCount: Int { count.withLock { $0 } }
    var now: Timestamp {
        count.withLock { $0 += 1 }
        return clock.now
    }
}

private struct Fixed: JobKind {
    let name = "fixed"
    let body: @Sendable () async throws -> JobResult
    func run(_ context: JobContext) async throws -> JobResult { try await body() }
}

private final class Gate: Sendable {
    private let stream = AsyncStream.makeStream(of: Void.self)
    func open() { stream.continuation.finish() }
    func wait() async { for await _ in stream.stream {} }
}

private final class Site: Sendable {
    let folder: TemporaryFolder
    let store: StateStore
    let ledger: Ledger
    let clock: ManualClock
    let runner: JobRunner

    init(_ jobs: [JobDefinition], _ folder: TemporaryFolder? = nil, start: String = "2026-01-01T00:00:00Z") throws {
        self.folder = try folder ?? TemporaryFolder()
        clock = ManualClock(start: Timestamp(rfc3339: start)!)
        store = try StateStore.open(at: self.folder.file("jaga.db"))
        ledger = try Ledger.open(store: store, projections: [JobRuns()])
        runner = JobRunner(jobs, events: ledger, store: store, wall: clock.wall, clock: clock)
    }

    /// Owned by the test, which cancels it.
    func start() -> Task<Void, any Error> {
        let runner = runner
        return Task { try await runner.run() }
    }

    /// Lets the loop fall asleep, then moves the clock in its steps.
    func advance(to time: String) async throws {
        let end = Timestamp(rfc3339: time)!
        try await clock.waitForSleepers(1)
        clock.advance(by: end - clock.time)
    }

    func waitForRuns(_ job: String, _ outcomes: [String]) async throws {
        try await waitUntil("the runs of \(job) are \(outcomes)") { [store] in
            try await JobRuns.history(of: job, in: store).map(\.outcome) == outcomes
        }
    }
}
