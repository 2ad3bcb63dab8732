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
        let first = Task {
            try await threads.run {
                var byte: UInt8 = 0
                return read(reader, &byte, 1)
            }
        }
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
