import Collectors
import Logging
import Series
import Synchronization
import TestSupport
import Testing
import Units

/// Goal: each source keeps its own rhythm, whatever the others do; a failed reading leaves no healthy value behind. Method: a
/// clock that the test moves, sources that do as they are told, and a store that remembers.
@Suite struct SourceRunnerTests {
    /// Answers with what the test put in, or hangs.
    final class ToldSource: SampleSource {
        enum Answer: Sendable {
            case values([String: Double])
            case failure
            case hang
            /// Does not even come back when cancelled.
            case deaf
        }

        let name: String
        let labels: Labels
        let interval: Duration
        let deadline: Duration
        let upMetric = "thing_up"
        private let state = Mutex<
            (answer: Answer, readings: [Timestamp], inFlight: Int, inFlightMax: Int, isStuck: Bool)
        >(
            (.values([:]), [], 0, 0, false))
        private let release = AsyncStream<Void>.makeStream()

        init(
            _ name: String, _ answer: Answer = .values(["thing": 1]), interval: Duration = .seconds(15),
            deadline: Duration = .seconds(5)
        ) {
            self.name = name
            labels = ["instance": name]
            self.interval = interval
            self.deadline = deadline
            state.withLock { $0.answer = answer }
        }

        /// A reading is under way that does not answer.
        var isStuck: Bool { state.withLock { $0.isStuck } }
        var readings: [Timestamp] { state.withLock { $0.readings } }
        /// A reading is under way that needs no clock to end.
        var isAnswering: Bool {
            state.withLock { state in
                switch state.answer {
                case .values, .failure: state.inFlight > 0 && !state.isStuck
                case .hang, .deaf: false
                }
            }
        }
        var inFlightMax: Int { state.withLock { $0.inFlightMax } }
        func tell(_ answer: Answer) { state.withLock { $0.answer = answer } }
        func releaseDeaf() { release.continuation.finish() }

        struct Broken: Error {}

        func read(at now: Timestamp) async throws -> SampleBatch {
            let answer = state.withLock { state in
                state.readings.append(now)
                state.inFlight += 1
                state.inFlightMax = max(state.inFlightMax, state.inFlight)
                return state.answer
            }
            defer { state.withLock { $0.inFlight -= 1 } }
            switch answer {
            case .values(let values):
                var batch = SampleBatch(at: now)
                for (name, value) in values.sorted(by: { $0.key < $1.key }) { batch.add(name, [:], value) }
                return batch
            case .failure: throw Broken()
            case .hang:
                state.withLock { $0.isStuck = true }
                defer { state.withLock { $0.isStuck = false } }
                try await ContinuousClock().sleep(for: .seconds(3600))
                throw Broken()
            case .deaf:
                state.withLock { $0.isStuck = true }
                defer { state.withLock { $0.isStuck = false } }
                let stream = release.stream
                await Task { for await _ in stream {} }.value
                throw Broken()
            }
        }
    }

    private final class Running: Sendable {
        let sources = Mutex<[ToldSource]>([])
    }

    private let clock = ManualClock()
    /// Those that run, which `pass` waits for.
    private let running = Running()
    private let store = RecordingStore()

    private func runner(_ sources: [ToldSource]) -> SourceRunner {
        SourceRunner(
            sources.map { SourcePlan($0, identity: $0.name) }, appendingTo: store, clock: clock, wallClock: clock.wall,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, ownLabels: ["host": "test"])
    }

    /// Moves the clock in small steps, and lets the tasks run in between: a reading that answers by itself has done so before
    /// the clock goes on, and its source sleeps again, or a busy machine would make it look late.
    private func pass(_ span: Duration, _ isDone: () -> Bool = { false }) async throws {
        var left = span
        while left > .zero, !isDone() {
            let step = min(left, .milliseconds(250))
            clock.advance(by: step)
            left -= step
            for _ in 0..<50 { await Task.yield() }
            // A real moment, so that tasks on other threads begin too; what they then do is waited for.
            try await ContinuousClock().sleep(for: .milliseconds(1))
            try await waitUntil("the readings under way", every: .milliseconds(1)) {
                running.sources.withLock { sources in
                    sources.allSatisfy { !$0.isAnswering } && clock.sleeperCount >= sources.count { !$0.isStuck }
                }
            }
        }
    }

    private func batches(of source: String) -> [SampleBatch] {
        store.batches.filter { $0.value("jaga_source_up", ["source": source]) != nil }
    }

    private func withRunner(_ sources: [ToldSource], _ body: (SourceRunner) async throws -> Void) async throws {
        let runner = runner(sources)
        running.sources.withLock { $0 = sources }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            try await clock.waitForSleepers(sources.count)
            try await body(runner)
            group.cancelAll()
        }
    }

    @Test func `a reading is stored with the source's labels, the up metric and the runner's own series`() async throws
    {
        let source = ToldSource("a")
        try await withRunner([source]) { runner in
            try await self.pass(.seconds(2)) { !self.store.batches.isEmpty }
            let batch = try #require(self.store.batches.first)
            #expect(batch.value("thing", ["instance": "a"]) == 1)
            #expect(batch.value("thing_up", ["instance": "a"]) == 1)
            #expect(batch.value("jaga_source_up", ["source": "a", "host": "test"]) == 1)
            #expect(batch.value("jaga_source_readings_total", ["source": "a"]) == 1)
            let snapshot = try #require(runner.snapshot.first)
            #expect(snapshot.isUp == true)
            #expect(snapshot.lastError == nil)
            #expect(snapshot.readingCount == 1)
        }
    }

    @Test func `readings keep to a grid of the time of day`() async throws {
        let source = ToldSource("a")
        try await withRunner([source]) { _ in
            try await self.pass(.seconds(120)) { source.readings.count >= 5 }
            let times = source.readings.map(\.millisecondsSinceEpoch)
            try #require(times.count >= 5)
            let shifts = Set(times.dropFirst().map { $0 % 15_000 })
            #expect(shifts.count == 1, "\(times)")
            for (first, second) in zip(times.dropFirst(), times.dropFirst(2)) { #expect(second - first == 15_000) }
            #expect(times[1] - times[0] >= 7_500)
        }
    }

    @Test func `a failed reading stores 0 and ends the series of the reading before`() async throws {
        let source = ToldSource("a", .values(["thing": 1, "other": 2]))
        try await withRunner([source]) { runner in
            try await self.pass(.seconds(2)) { self.store.batches.count == 1 }
            source.tell(.failure)
            try await self.pass(.seconds(40)) { self.store.batches.count == 2 }
            let batch = self.store.batches[1]
            #expect(batch.value("thing_up", ["instance": "a"]) == 0)
            #expect(batch.value("thing")?.isStaleMarker == true)
            #expect(batch.value("other")?.isStaleMarker == true)
            #expect(batch.value("jaga_source_failures_total") == 1)
            #expect(runner.snapshot[0].isUp == false)
            #expect(runner.snapshot[0].lastError?.contains("Broken") == true)
            source.tell(.values(["thing": 3]))
            try await self.pass(.seconds(40)) { self.store.batches.count == 3 }
            let last = self.store.batches[2]
            #expect(last.value("thing") == 3)
            #expect(last.value("thing_up") == 1)
            #expect(last.rows("other").isEmpty)
        }
    }

    @Test func `a series that a good reading no longer has ends`() async throws {
        let source = ToldSource("a", .values(["thing": 1, "gone": 2]))
        try await withRunner([source]) { _ in
            try await self.pass(.seconds(2)) { self.store.batches.count == 1 }
            source.tell(.values(["thing": 1]))
            try await self.pass(.seconds(40)) { self.store.batches.count == 2 }
            #expect(self.store.batches[1].value("gone")?.isStaleMarker == true)
            #expect(self.store.batches[1].value("thing") == 1)
        }
    }

    @Test(arguments: [false, true])
    func `a hanging source is down after its deadline and holds no other up`(isDeaf: Bool) async throws {
        let hanging = ToldSource("hanging", isDeaf ? .deaf : .hang)
        let fine = ToldSource("fine")
        try await withRunner([hanging, fine]) { runner in
            try await self.pass(.seconds(120)) { fine.readings.count >= 4 }
            #expect(self.batches(of: "fine").count >= 3)
            let first = try #require(self.batches(of: "hanging").first)
            #expect(first.value("thing_up", ["instance": "hanging"]) == 0)
            #expect(hanging.inFlightMax == 1)
            #expect(runner.snapshot[0].lastError?.contains("no answer within") == true)
            // A source that ignores its cancellation is not asked again before it came back.
            if isDeaf { #expect(hanging.readings.count == 1) }
            hanging.releaseDeaf()
        }
    }

    @Test func `an exchange of sources ends the removed, begins the new and leaves the others alone`() async throws {
        let stays = ToldSource("stays")
        let goes = ToldSource("goes")
        let comes = ToldSource("comes")
        try await withRunner([stays, goes]) { runner in
            try await self.pass(.seconds(2)) { self.store.batches.count == 2 }
            // Equal name and identity: the running one stays, although this is another object.
            let sameAgain = ToldSource("stays")
            runner.replace(with: [sameAgain, comes].map { SourcePlan($0, identity: $0.name) })
            try await self.pass(.seconds(20)) { !comes.readings.isEmpty && stays.readings.count >= 2 }
            #expect(sameAgain.readings.isEmpty)
            #expect(stays.readings.count >= 2)
            #expect(runner.snapshot.map(\.name) == ["stays", "comes"])
            let ended = self.store.batches.filter {
                $0.value("thing", ["instance": "goes"])?.isStaleMarker == true
            }
            #expect(ended.count == 1)
            let count = goes.readings.count
            try await self.pass(.seconds(40))
            #expect(goes.readings.count == count)
        }
    }

    @Test func `a store that refuses is told in the snapshot and reading goes on`() async throws {
        struct Full: Error {}
        let source = ToldSource("a")
        store.fail(with: Full())
        try await withRunner([source]) { runner in
            try await self.pass(.seconds(60)) { runner.snapshot[0].appendFailureCount >= 2 }
            #expect(runner.snapshot[0].lastError?.contains("not stored") == true)
            self.store.fail(with: nil)
            try await self.pass(.seconds(60)) { !self.store.batches.isEmpty }
            #expect(!self.store.batches.isEmpty)
        }
    }

    @Test func `a clock that is set back does not silence a source`() async throws {
        let source = ToldSource("a")
        try await withRunner([source]) { _ in
            try await self.pass(.seconds(2)) { source.readings.count == 1 }
            self.clock.shiftWall(by: .seconds(-7200))
            try await self.pass(.seconds(45)) { source.readings.count >= 3 }
            #expect(source.readings.count >= 3)
        }
    }
}
