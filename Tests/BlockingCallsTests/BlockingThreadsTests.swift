import BlockingCalls
import Glibc
import Testing

/// Goal: a call that hangs holds nothing up but itself. Method: real threads, released through pipes, so that no test waits
/// by the clock.
@Suite struct BlockingThreadsTests {
    @Test func `a result comes back from another thread`() async throws {
        let here = pthread_self()
        let other = try await BlockingThreads(threadCountMax: 1).run { pthread_equal(pthread_self(), here) == 0 }
        #expect(other)
    }

    @Test func `a cancelled caller comes back while its call still hangs`() async throws {
        let threads = BlockingThreads(threadCountMax: 1)
        var pipeEnds: [Int32] = [0, 0]
        try #require(pipe(&pipeEnds) == 0)
        let (reader, writer) = (pipeEnds[0], pipeEnds[1])
        let task = Task {
            try await threads.run {
                var byte: UInt8 = 0
                return read(reader, &byte, 1)
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        var byte: UInt8 = 1
        #expect(write(writer, &byte, 1) == 1)
        close(writer)
    }

    @Test func `calls past the limit wait in line and all are served`() async throws {
        let threads = BlockingThreads(threadCountMax: 3)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...100 { group.addTask { try await threads.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 5050)
    }

    @Test func `a deadline ends a body that would never end`() async throws {
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(1)) { try await ContinuousClock().sleep(for: .seconds(3600)) }
        }
    }

    @Test func `a body's own error comes through`() async throws {
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await withDeadline(.seconds(60)) { throw Broken() } }
    }

    @Test func `a limit ends the wait for a call that hangs, and tells it`() async throws {
        let threads = BlockingThreads(threadCountMax: 1)
        var pipeEnds: [Int32] = [0, 0]
        try #require(pipe(&pipeEnds) == 0)
        let (reader, writer) = (pipeEnds[0], pipeEnds[1])
        let ended = AsyncStream<Int>.makeStream()
        await #expect(throws: DeadlineExceeded.self) {
            // The call comes to its end because it is told to: the pipe is closed by who watches the limit.
            try await threads.run(within: .milliseconds(20), onExpiry: { close(writer) }) {
                var byte: UInt8 = 0
                ended.continuation.yield(read(reader, &byte, 1))
            }
        }
        var ends = ended.stream.makeAsyncIterator()
        #expect(await ends.next() == 0)
        close(reader)
    }

    @Test func `a call that waits in line counts against its limit`() async throws {
        let threads = BlockingThreads(threadCountMax: 1)
        var pipeEnds: [Int32] = [0, 0]
        try #require(pipe(&pipeEnds) == 0)
        let (reader, writer) = (pipeEnds[0], pipeEnds[1])
        let begun = AsyncStream<Void>.makeStream()
        let first = Task {
            try await threads.run {
                begun.continuation.finish()
                var byte: UInt8 = 0
                return read(reader, &byte, 1)
            }
        }
        // The only thread is taken before anybody gets in line.
        for await _ in begun.stream {}
        await #expect(throws: DeadlineExceeded.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for limit in [40, 20, 30] {
                    group.addTask { try await threads.run(within: .milliseconds(limit)) {} }
                }
                try await group.waitForAll()
            }
        }
        close(writer)
        #expect(try await first.value == 0)
    }

    @Test func `calls that end in time are not disturbed by their limits`() async throws {
        let threads = BlockingThreads(threadCountMax: 4)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...200 {
                group.addTask { try await threads.run(within: .seconds(number % 7 + 30)) { number } }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 20100)
    }
}

/// Goal: tasks that prefer the pool run on its threads, and sleepers are woken in time. Method: real threads; a sleep is bounded by what wakes it,
/// never by a pause of the test.
@Suite struct BlockingExecutorTests {
    @Test func `a task that prefers the pool may block, also in what it calls and after each wait`() async {
        let threads = BlockingThreads(threadCountMax: 2)
        let here = BlockingThreads.mayBlockHere
        #expect(!here)
        let found = await withTaskGroup(of: [Bool].self) { group in
            group.addTask(executorPreference: threads) {
                var found = [BlockingThreads.mayBlockHere]
                await Task.yield()
                found.append(BlockingThreads.mayBlockHere)
                found.append(await Counter().look())
                try? await WatchdogClock().sleep(for: .milliseconds(1))  // Nobody cancels it.
                found.append(BlockingThreads.mayBlockHere)
                return found
            }
            return await group.next()!
        }
        #expect(found == [true, true, true, true])
        withExtendedLifetime(threads) {}
    }

    private actor Counter {
        func look() -> Bool { BlockingThreads.mayBlockHere }
    }

    @Test func `more blocking tasks than threads are all done`() async {
        let threads = BlockingThreads(threadCountMax: 3)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...200 {
                group.addTask(executorPreference: threads) {
                    await Task.yield()
                    return number
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 20_100)
        withExtendedLifetime(threads) {}
    }

    @Test func `sleepers wake, and never before their deadline`() async throws {
        let clock = WatchdogClock()
        let begin = clock.now
        let order = try await withThrowingTaskGroup(of: Int.self) { group in
            for milliseconds in [30, 10, 20, 0, -5] {
                group.addTask {
                    try await clock.sleep(until: begin + .milliseconds(milliseconds))
                    #expect(clock.now >= begin + .milliseconds(milliseconds))
                    return max(0, milliseconds)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(order.sorted() == [0, 0, 10, 20, 30])
    }

    @Test func `a sleeper that is cancelled ends at once`() async {
        let task = Task { try await WatchdogClock().sleep(for: .seconds(100_000)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a timer tells who takes too long, and nobody else`() async throws {
        let told = AsyncStream.makeStream(of: Void.self)
        let answer = await withTimer(.milliseconds(5)) {
            told.continuation.yield()
        } _: {
            // Only the timer ends this wait.
            for await _ in told.stream { return 1 }
            return 0
        }
        #expect(answer == 1)
        await withTimer(.seconds(100_000)) {
            Issue.record("told before its time")
        } _: {
            await Task.yield()
        }
    }
}
