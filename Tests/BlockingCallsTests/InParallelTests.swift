import BlockingCalls
import Synchronization
import Testing

/// Goal: work that is shared is done whole, each piece once, and nothing of it is held when the call is over. Method: every index is counted; many callers
/// at once, from threads that are all busy themselves.
@Suite struct InParallelTests {
    @Test(arguments: [0, 1, 7, 64, 1000, 4097])
    func `each index is done once, whatever the grain`(count: Int) {
        for grain in [1, 3, 64, 5000] {
            let counts = Mutex([Int](repeating: 0, count: count))
            let isWhole = inParallel(count, grain: grain) { range in
                counts.withLock { counts in for index in range { counts[index] += 1 } }
            }
            #expect(isWhole)
            #expect(counts.withLock { $0.allSatisfy { $0 == 1 } }, "\(count) by \(grain)")
        }
    }

    @Test func `what the pieces write is there when the call is over`() {
        var squares = [Int](repeating: 0, count: 10_000)
        squares.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let squares = buffer
            inParallel(10_000, grain: 16) { range in for index in range { squares[index] = index * index } }
        }
        #expect(squares.indices.allSatisfy { squares[$0] == $0 * $0 })
    }

    @Test func `a caller that has had enough leaves the rest undone and says so`() {
        let done = Atomic(0)
        let isWhole = inParallel(100_000, grain: 1, while: { done.load(ordering: .relaxed) < 10 }) { range in
            done.add(range.count, ordering: .relaxed)
        }
        #expect(!isWhole)
        #expect(done.load(ordering: .relaxed) < 100_000)
    }

    @Test func `calls inside of calls, and more callers than threads, all come to their end`() async {
        let total = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let own = Mutex(0)
                    inParallel(20, grain: 1) { _ in
                        inParallel(20, grain: 1) { inner in own.withLock { $0 += inner.count } }
                    }
                    return own.withLock { $0 }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(total == 50 * 20 * 20)
    }

    @Test func `nothing holds the caller's closure when the call is over`() {
        final class Held: Sendable {}
        weak var remembered: Held?
        for _ in 0..<500 {
            let held = Held()
            remembered = held
            inParallel(64, grain: 1) { _ in withExtendedLifetime(held) {} }
        }
        #expect(remembered == nil)
    }

    @Test func `few things are shared fairly, many in pieces that are not too long`() {
        #expect(fairGrain(0, max: 32) == 1)
        #expect(fairGrain(1, max: 32) == 1)
        #expect(fairGrain(2 * parallelWidth, max: 32) == 1)
        #expect(fairGrain(20 * parallelWidth, max: 32) == 10)
        #expect(fairGrain(1_000_000, max: 32) == 32)
    }
}
