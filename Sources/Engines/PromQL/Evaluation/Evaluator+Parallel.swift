import BlockingCalls
import Series

// Each series of a selector is worked on by itself, so where there are many samples the processors share the series. Counting against the
// limits and everything that notes something for the answer stays on the query's own thread.

extension Evaluator {
    /// Fewer samples are done before another thread is awake.
    private static let parallelSampleCountMin = 50_000
    private static let seriesAtOnceMax = 16

    /// What `body` makes of each row, in the order of the rows.
    /// - Parameter body: may run on any thread; reads nothing that changes meanwhile.
    /// - Throws: `CancellationError`.
    func eachRow<Result>(_ rows: [SampleRow], _ body: @Sendable (SampleRow) -> Result) throws -> [Result] {
        try eachPart(rows) { $0.map(body) }
    }

    /// The same for what many rows share: `body` is given stretches of rows and gives one result for each row.
    /// - Parameter seriesAtOnce: how long a stretch is; nil for as long as serves all processors.
    func eachPart<Result>(
        _ rows: [SampleRow], seriesAtOnce: Int? = nil,
        _ body: @Sendable (ArraySlice<SampleRow>) -> [Result]
    ) throws -> [Result] {
        var sampleCount = 0
        for row in rows where sampleCount < Self.parallelSampleCountMin { sampleCount += row.times.count }
        guard sampleCount >= Self.parallelSampleCountMin else {
            var results: [Result] = []
            results.reserveCapacity(rows.count)
            let grain = seriesAtOnce ?? Self.seriesAtOnceMax
            for start in stride(from: 0, to: rows.count, by: grain) {
                try checkTime()
                results += body(rows[start..<min(rows.count, start + grain)])
            }
            return results
        }
        var results = [Result?](repeating: nil, count: rows.count)
        let isDone = results.withUnsafeMutableBufferPointer { buffer in
            // Each place is written by the one thread that has its row.
            nonisolated(unsafe) let results = buffer
            return inParallel(
                rows.count, grain: seriesAtOnce ?? fairGrain(rows.count, max: Self.seriesAtOnceMax), while: { goesOn }
            ) { range in
                for (place, result) in zip(range, body(rows[range])) { results[place] = result }
            }
        }
        guard isDone else { throw CancellationError() }
        return [Result](unsafeUninitializedCapacity: results.count) { whole, count in
            for index in results.indices { whole.initializeElement(at: index, to: results[index].take()!) }
            count = results.count
        }
    }

    /// Applies `body` to each series' window at each step where the window holds a sample; for series of plain numbers and windows that move.
    func eachWindow(
        _ windowed: WindowedSeries, _ grid: StepGrid, _ body: @Sendable (inout Window, Int) -> Double
    ) throws -> [Column] {
        for _ in windowed.rows { try count(grid.count) }
        let (moments, rangeMs) = (windowed.moments, windowed.rangeMs)
        return try eachRow(windowed.rows) { row -> Column? in
            var window = Window(times: row.times, values: row.values)
            var any = false
            let values = [Double](unsafeUninitializedCapacity: grid.count) { values, count in
                for step in 0..<grid.count {
                    window.end = moments[step]
                    window.start = window.end - rangeMs
                    window.now = grid[step]
                    while window.to < row.times.count, row.times[window.to] <= window.end { window.to += 1 }
                    while window.from < window.to, row.times[window.from] <= window.start { window.from += 1 }
                    let value = window.count > 0 ? body(&window, step) : absent
                    if !value.isStaleMarker { any = true }
                    values.initializeElement(at: step, to: value)
                }
                count = grid.count
            }
            return any ? Column(labels: row.labels, values: values, dropsName: row.dropsName) : nil
        }.compactMap(\.self)
    }
}
