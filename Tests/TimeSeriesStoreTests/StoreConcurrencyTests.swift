import DurableFiles
import Series
import Testing
import TimeSeriesStore
import Units

/// Goal: a reader sees every sample once, also while samples move from memory to a block and blocks are removed. Method: one task
/// appends, one maintains, two read, all at once; an answer must have no hole and no repetition.
@Suite struct StoreConcurrencyTests {
    @Test func `readers see no hole while samples move`() async throws {
        let store = try openStore(
            MemoryFiles(), StoreSettings(retention: .seconds(3600), blockSpan: .seconds(600)),
            segmentByteCountMax: 4000)
        let stepCount: Int64 = 1000
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for step in 0..<stepCount {
                    let rows = (0..<5).map { (Labels("m", ["n": "\($0)"]), Double(step)) }
                    let outcome = try await store.append(batch(epoch + step * 15_000, rows))
                    #expect(outcome.stored == 5)
                }
            }
            group.addTask {
                while true {
                    let newest = store.stats.newest?.millisecondsSinceEpoch ?? epoch
                    guard newest < last else { return }
                    try await store.maintain(at: at(newest))
                    await Task.yield()
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    var newest = epoch
                    while newest < last {
                        for column in try await store.select([], from: .distantPast, through: .distantFuture) {
                            let first = try #require(column.times.first)
                            let expected = (0..<Int64(column.times.count)).map { first + $0 * 15_000 }
                            #expect(column.times == expected)
                            let latest = try #require(column.times.last)
                            #expect(latest >= newest)
                            if column.labels["n"] == "4" { newest = latest }
                        }
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        try await store.maintain(at: at(last))
        #expect(store.stats.counts.blocksWritten > 10 && store.stats.counts.blocksRemoved > 5)
    }

    private var last: Int64 { epoch + 999 * 15_000 }
}
