import Series

extension Evaluator {
    /// The samples that a selector reads, with buckets only where something looks at them.
    func rows(_ selector: VectorSelector) -> [SampleRow] {
        guard statisticsOnly.contains(selector.span) else { return series[selector.matchers] ?? [] }
        if let known = statistics[selector.matchers] { return known }
        let rows = (series[selector.matchers] ?? []).map(\.statistics)
        statistics[selector.matchers] = rows
        return rows
    }

    /// For each series and step the newest sample not older than the look-back.
    func latest(_ selector: VectorSelector, over grid: StepGrid) throws -> [Column] {
        if selector.edges == .smoothed { return try smoothed(selector, over: grid) }
        let rows = rows(selector)
        if rows.allSatisfy({ $0.histograms.isEmpty && $0.coarse.isEmpty }) {
            return try latestNumbers(rows, selector, over: grid)
        }
        return try latest(selector, over: grid) { row, index, column, step in
            column.values[step] = row.values[index]
            if !row.histograms.isEmpty, let histogram = row.histograms[index] { column[step] = .histogram(histogram) }
        }
    }

    /// The same for series of plain numbers as they came: where they are is found once for all series that share their times.
    private func latestNumbers(_ rows: [SampleRow], _ selector: VectorSelector, over grid: StepGrid) throws -> [Column]
    {
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, selector.span)
        try count(rows.count * grid.count)
        let places = LatestPlaces(moments, stepCount: grid.count, lookbackMs: scope.lookbackMs)
        return try eachPart(rows) { rows -> [Column?] in
            var places = places
            return rows.map { row in places.values(of: row).map { Column(labels: row.labels, values: $0) } }
        }.compactMap(\.self)
    }

    /// The same, with what `put` makes of the sample.
    func latest(
        _ selector: VectorSelector, over grid: StepGrid, _ put: (SampleRow, Int, inout Column, Int) -> Void
    ) throws -> [Column] {
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, selector.span)
        var columns: [Column] = []
        for row in rows(selector) {
            try count(row.histograms.isEmpty ? grid.count : grid.count * Self.samplesPerHistogram)
            var column = Column(labels: row.labels, values: [Double](repeating: absent, count: grid.count))
            var next = 0
            var any = false
            for step in 0..<grid.count {
                let moment = moments[step]
                while next < row.times.count, row.times[next] <= moment { next += 1 }
                guard next > 0, row.isRecent(next - 1, at: moment, lookbackMs: scope.lookbackMs),
                    row.isPresent(next - 1)
                else { continue }
                put(row, next - 1, &column, step)
                any = true
            }
            if any { columns.append(column) }
        }
        return columns
    }

    /// `x smoothed`: on the line between the samples before and after the step; where there is none after, the last one.
    private func smoothed(_ selector: VectorSelector, over grid: StepGrid) throws -> [Column] {
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, selector.span)
        var columns: [Column] = []
        for whole in rows(selector) {
            let row = whole.withoutStaleMarkers
            try checkExtended(row)
            try count(grid.count)
            var column = Column(labels: row.labels, values: [Double](repeating: absent, count: grid.count))
            var next = 0
            for step in 0..<grid.count {
                let moment = moments[step]
                while next < row.times.count, row.times[next] <= moment { next += 1 }
                guard next > 0, row.isRecent(next - 1, at: moment, lookbackMs: scope.lookbackMs) else { continue }
                let before = (time: row.times[next - 1], value: row.values[next - 1])
                column.values[step] = before.value
                guard before.time < moment, next < row.times.count, row.times[next] <= moment + scope.lookbackMs
                else { continue }
                column.values[step] = interpolated(
                    before, (row.times[next], row.values[next]), at: moment, isCounter: false)
            }
            if !column.isEmpty { columns.append(column) }
        }
        return columns
    }

    func checkExtended(_ row: SampleRow) throws {
        if row.histograms.contains(where: { $0 != nil }) {
            throw QueryFault(.execution, "smoothed and anchored modifiers do not work with native histograms")
        }
    }

    /// The raw samples that a range selector or subquery gives to each step.
    func windowed(_ expression: Expression, over grid: StepGrid) throws -> WindowedSeries {
        switch expression.bare {
        case .matrix(let matrix):
            let selector = matrix.selector
            let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, matrix.span)
            let range = try scope.positiveMilliseconds(matrix.range, matrix.rangeSpan)
            let rows = rows(selector).map(\.withoutStaleMarkers)
            if selector.edges != nil { for row in rows { try checkExtended(row) } }
            return WindowedSeries(rows: rows, rangeMs: range, moments: moments, edges: selector.edges)
        case .subquery(let subquery):
            return try windowed(subquery, over: grid)
        default:
            preconditionFailure("no range vector: \(expression)")
        }
    }

    private func windowed(_ subquery: Subquery, over grid: StepGrid) throws -> WindowedSeries {
        let moments = try scope.moments(of: grid, at: subquery.at, offset: subquery.offset, subquery.span)
        let range = try scope.positiveMilliseconds(subquery.range, subquery.rangeSpan)
        let inner = try scope.innerGrid(subquery, moments)
        guard inner.count > 0 else { return WindowedSeries(rows: [], rangeMs: range, moments: moments) }
        var columns = try vector(subquery.inner, over: inner)
        // Its steps are others than the query's, and with them the order of what is computed there.
        if seesOrder(grid) { columns.sort { $0.labels < $1.labels } }
        let times = (0..<inner.count).map { inner[$0] }
        let rows = columns.map { column in
            SampleRow(
                labels: column.labels, times: times, values: column.values,
                histograms: column.histograms.map { $0?.withoutHint }, dropsName: column.dropsName
            ).withoutStaleMarkers
        }
        return WindowedSeries(rows: rows, rangeMs: range, moments: moments)
    }

    /// Applies `body` to each series' window at each step where the window holds a sample.
    /// - Parameters:
    ///   - isSteady: whether `body` depends on the window alone, so that a window fixed by `@` is computed once.
    ///   - mixed: what to do with the window of a series that has histograms.
    func overWindows(
        _ windowed: WindowedSeries, _ grid: StepGrid, isSteady: Bool, _ body: (inout Window, Int) throws -> Double,
        mixed: (MixedWindow, Int) throws -> SampleValue?
    ) throws -> [Column] {
        var columns: [Column] = []
        for row in windowed.rows {
            try count(row.histograms.isEmpty ? grid.count : grid.count * Self.samplesPerHistogram)
            var window = Window(times: row.times, values: row.values)
            var column = Column(
                labels: row.labels, values: [Double](repeating: absent, count: grid.count), dropsName: row.dropsName)
            for step in 0..<grid.count {
                if isSteady, windowed.moments.fixed != nil, step > 0 {
                    column[step] = column[0]
                    continue
                }
                if step & 0x3FF == 0x3FF { try checkTime() }
                window.end = windowed.moments[step]
                window.start = window.end - windowed.rangeMs
                window.now = grid[step]
                while window.to < row.times.count, row.times[window.to] <= window.end { window.to += 1 }
                while window.from < window.to, row.times[window.from] <= window.start { window.from += 1 }
                guard window.count > 0 else { continue }
                if row.histograms.isEmpty {
                    column.values[step] = try body(&window, step)
                } else {
                    column[step] = try mixed(MixedWindow(row, window), step)
                }
            }
            if !column.isEmpty { columns.append(column) }
        }
        return columns
    }
}
