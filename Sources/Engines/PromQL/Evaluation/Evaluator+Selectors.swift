import Series

extension Evaluator {
    /// For each series and step the newest sample not older than the look-back; `value` picks from its time and value.
    func latest(_ selector: VectorSelector, over grid: StepGrid, _ value: (Int64, Double) -> Double) throws -> [Column]
    {
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, selector.span)
        var columns: [Column] = []
        for row in series[selector.matchers] ?? [] {
            try count(grid.count)
            var values = [Double](repeating: absent, count: grid.count)
            var next = 0
            var any = false
            for step in 0..<grid.count {
                let moment = moments[step]
                while next < row.times.count, row.times[next] <= moment { next += 1 }
                guard next > 0, row.times[next - 1] > moment - scope.lookbackMs, !row.values[next - 1].isStaleMarker
                else {
                    continue
                }
                values[step] = value(row.times[next - 1], row.values[next - 1])
                any = true
            }
            if any { columns.append(Column(labels: row.labels, values: values)) }
        }
        return columns
    }

    /// The raw samples that a range selector or subquery gives to each step.
    func windowed(_ expression: Expression, over grid: StepGrid) throws -> WindowedSeries {
        switch expression.bare {
        case .matrix(let matrix):
            let selector = matrix.selector
            let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, matrix.span)
            let rows = (series[selector.matchers] ?? []).map(withoutStaleMarkers)
            let range = try scope.positiveMilliseconds(matrix.range, matrix.span)
            return WindowedSeries(rows: rows, rangeMs: range, moments: moments)
        case .subquery(let subquery):
            return try windowed(subquery, over: grid)
        default:
            preconditionFailure("no range vector: \(expression)")
        }
    }

    private func withoutStaleMarkers(_ row: SeriesColumns) -> WindowedSeries.Row {
        guard row.values.contains(where: \.isStaleMarker) else {
            return WindowedSeries.Row(labels: row.labels, times: row.times, values: row.values)
        }
        let kept = row.values.indices.filter { !row.values[$0].isStaleMarker }
        return WindowedSeries.Row(
            labels: row.labels, times: kept.map { row.times[$0] }, values: kept.map { row.values[$0] })
    }

    private func windowed(_ subquery: Subquery, over grid: StepGrid) throws -> WindowedSeries {
        let moments = try scope.moments(of: grid, at: subquery.at, offset: subquery.offset, subquery.span)
        let range = try scope.positiveMilliseconds(subquery.range, subquery.span)
        let inner = try scope.innerGrid(subquery, moments)
        guard inner.count > 0 else { return WindowedSeries(rows: [], rangeMs: range, moments: moments) }
        let columns: [Column]
        switch try evaluate(subquery.inner, over: inner) {
        case .vector(let vector): columns = vector
        case .scalar(let values): columns = [Column(labels: [:], values: values)]
        case .string: preconditionFailure("a subquery of a string")
        }
        let rows = columns.map { column in
            let present = column.values.indices.filter { column.isPresent($0) }
            return WindowedSeries.Row(
                labels: column.labels, times: present.map { inner[$0] }, values: present.map { column.values[$0] },
                dropsName: column.dropsName)
        }
        return WindowedSeries(rows: rows, rangeMs: range, moments: moments)
    }

    /// Applies `body` to each series' window at each step where the window holds a sample.
    /// - Parameter isSteady: whether `body` depends on the window alone, so that a window fixed by `@` is computed once.
    func overWindows(
        _ windowed: WindowedSeries, _ grid: StepGrid, isSteady: Bool, _ body: (inout Window, Int) -> Double
    ) throws -> [Column] {
        var columns: [Column] = []
        for row in windowed.rows {
            try count(grid.count)
            var window = Window(times: row.times, values: row.values)
            var values = [Double](repeating: absent, count: grid.count)
            var any = false
            for step in 0..<grid.count {
                if isSteady, windowed.moments.fixed != nil, step > 0 {
                    values[step] = values[0]
                    continue
                }
                window.end = windowed.moments[step]
                window.start = window.end - windowed.rangeMs
                window.now = grid[step]
                while window.to < row.times.count, row.times[window.to] <= window.end { window.to += 1 }
                while window.from < window.to, row.times[window.from] <= window.start { window.from += 1 }
                guard window.count > 0 else { continue }
                values[step] = body(&window, step)
                any = any || !values[step].isStaleMarker
            }
            if any { columns.append(Column(labels: row.labels, values: values, dropsName: row.dropsName)) }
        }
        return columns
    }
}
