import DurableFiles
import Series
import Synchronization
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: queries over more blocks than a few find the indexes in memory, which are bounded by their bytes and go when nobody asks any more.
/// Method: the indexes of a real store's blocks.
@Suite struct IndexCacheTests {
    private func filled(_ files: MemoryFiles) async throws -> TimeSeriesStore {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        for step in 0..<240 as Range<Int64> {
            var next = SampleBatch(at: at(epoch + step * 30_000))
            for number in 0..<20 { next.add("m", ["n": "\(number)"], Double(step)) }
            try await store.append(next)
        }
        try await store.maintain(at: at(epoch + 240 * 30_000))
        return store
    }

    @Test func `the second query over all blocks reads no index, and after some rounds without one none is kept`()
        async throws
    {
        let files = MemoryFiles()
        let store = try await filled(files)
        let blocks = store.state.withLock { $0.blocks }
        #expect(blocks.count > 4)
        let everything = [LabelMatcher("__name__", equals: "m")]
        func ask() async throws -> [SeriesColumns] {
            try await store.select(everything, from: .distantPast, through: .distantFuture)
        }
        let first = try await ask()
        #expect(store.state.withLock { $0.indexes.count } == blocks.count)
        let kept = store.state.withLock { state in blocks.filter { state.indexes.index(of: $0.path) != nil } }
        #expect(kept.count == blocks.count)
        #expect(try await ask() == first)
        for _ in 0..<5 { store.state.withLock { $0.indexes.grow() } }
        #expect(store.state.withLock { $0.indexes.count } == blocks.count)
        // One that is asked for stays.
        _ = store.state.withLock { $0.indexes.index(of: blocks[0].path) }
        store.state.withLock { $0.indexes.grow() }
        #expect(store.state.withLock { $0.indexes.count } == 1)
        for _ in 0..<6 { store.state.withLock { $0.indexes.grow() } }
        #expect(store.state.withLock { $0.indexes.count } == 0)
        #expect(try await ask() == first)
    }

    @Test func `the ones used last stay when there is no room for all`() async throws {
        let files = MemoryFiles()
        let store = try await filled(files)
        let blocks = store.state.withLock { $0.blocks }
        let indexes = try blocks.map { try $0.readIndex(files) }
        var cache = IndexCache(byteCountMax: indexes[0].byteCount + indexes[1].byteCount + indexes[2].byteCount)
        for place in 0..<3 { cache.keep(indexes[place], of: blocks[place].path) }
        #expect(cache.count == 3)
        _ = cache.index(of: blocks[0].path)
        cache.keep(indexes[3], of: blocks[3].path)
        #expect(cache.index(of: blocks[0].path) != nil && cache.index(of: blocks[3].path) != nil)
        #expect(cache.index(of: blocks[1].path) == nil)
        var small = IndexCache(byteCountMax: indexes[0].byteCount - 1)
        small.keep(indexes[0], of: blocks[0].path)
        #expect(small.count == 0)
        cache.forget(blocks[0].path)
        #expect(cache.index(of: blocks[0].path) == nil)
    }
}
