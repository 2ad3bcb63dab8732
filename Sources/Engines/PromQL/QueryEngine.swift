public import Series
public import Units

/// What a query may cost. A query past a limit is refused, and the refusal names the figure and the limit.
public struct QueryLimits: Sendable {
    /// Samples read and computed in one query. At 16 bytes each, the default bounds a query to some 800 MB.
    public var samplesMax = 50_000_000
    /// Steps of a range query; the reference's HTTP API has the same bound.
    public var stepsMax = 11_000
    public var timeMax = Duration.seconds(120)
    /// What the queries that run at the same time may take together; nil for no bound on that.
    public var memory: MemoryBudget?
    /// Bytes of one label value that `label_replace`, `label_join` or `count_values` makes.
    public var labelBytesMax = 1 << 16
    /// Bytes of all of them together.
    public var textBytesMax = 64 << 20
    /// Warnings, and likewise infos, that an answer carries; the rest is counted.
    public var annotationsMax = 50

    public init() {}
}

public struct QueryOptions: Sendable {
    /// How far back an instant selector looks for a sample.
    public var lookback = Duration.seconds(300)
    /// The step of a subquery that names none.
    public var subqueryStep = Duration.seconds(60)
    /// Whether names of metrics are dropped at the end of the query rather than by each function
    /// (the reference's feature `promql-delayed-name-removal`).
    public var delaysNameRemoval = false
    /// What is allowed beyond the stable language.
    public var features: QueryFeatures = []

    public init() {}
}

/// Answers queries from any store. Reads no clock: the caller says at which time a query is asked.
public struct QueryEngine: Sendable {
    public let series: any SeriesReading
    public let limits: QueryLimits
    public let options: QueryOptions
    private let clock: any Clock<Duration>

    /// - Parameter clock: measures `limits.timeMax`, and how long queries take.
    public init(
        _ series: any SeriesReading, limits: QueryLimits = QueryLimits(), options: QueryOptions = QueryOptions(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.series = series
        self.limits = limits
        self.options = options
        self.clock = clock
    }

    /// - Throws: `QueryFault`, or `CancellationError` when the caller is cancelled.
    public func instant(_ expression: String, at time: Timestamp) async throws -> QueryResult {
        try await naming(expression) {
            try await instant(try Expression.parse(expression, features: options.features), at: time)
        }
    }

    /// - Throws: `QueryFault`, or `CancellationError` when the caller is cancelled.
    public func instant(_ expression: Expression, at time: Timestamp) async throws -> QueryResult {
        let ms = time.millisecondsSinceEpoch
        try check(time)
        return try await evaluate(expression, over: StepGrid(start: ms, step: 1, count: 1), until: ms, isInstant: true)
    }

    /// - Parameters:
    ///   - start: the first step.
    ///   - end: steps go up to this time, it included.
    ///   - step: longer than zero.
    /// - Throws: `QueryFault`, or `CancellationError` when the caller is cancelled.
    public func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> QueryResult
    {
        try await naming(expression) {
            try await range(
                try Expression.parse(expression, features: options.features), from: start, through: end, step: step)
        }
    }

    public func range(_ expression: Expression, from start: Timestamp, through end: Timestamp, step: Duration)
        async throws -> QueryResult
    {
        let stepMs = step.wholeMilliseconds
        guard stepMs > 0 else {
            throw QueryFault(.execution, "zero or negative query resolution step widths are not accepted")
        }
        guard end >= start else { throw QueryFault(.execution, "end timestamp must not be before start time") }
        guard expression.type == .scalar || expression.type == .instantVector else {
            throw QueryFault(
                .parse,
                "invalid expression type \(goQuoted(expression.type.rawValue)) for range query, must be Scalar or instant Vector"
            )
        }
        try check(start)
        try check(end)
        let steps = (end.millisecondsSinceEpoch - start.millisecondsSinceEpoch) / stepMs + 1
        // As the reference counts: steps between points.
        guard steps - 1 <= limits.stepsMax else {
            throw QueryFault(
                .tooManySteps,
                "exceeded maximum resolution of \(limits.stepsMax) points per timeseries: asked for \(steps)")
        }
        let grid = StepGrid(start: start.millisecondsSinceEpoch, step: stepMs, count: Int(steps))
        return try await evaluate(expression, over: grid, until: end.millisecondsSinceEpoch, isInstant: false)
    }

    private func check(_ time: Timestamp) throws(QueryFault) {
        guard Double(time.millisecondsSinceEpoch).magnitude <= QueryScope.secondsMax * 1000 else {
            throw QueryFault(.execution, "time is out of range: \(time.millisecondsSinceEpoch) ms")
        }
    }

    /// Adds the query's text to faults that were found without it, so that they can show line and column.
    private func naming(_ query: String, _ body: () async throws -> QueryResult) async throws -> QueryResult {
        let watch = Stopwatch(clock)
        do {
            var result = try await body()
            result.timings.total = watch.elapsed
            return result
        } catch let fault as QueryFault where fault.query.isEmpty {
            throw QueryFault(fault.code, fault.message, query: query, span: fault.span, cause: fault.cause)
        }
    }

    private func evaluate(_ expression: Expression, over grid: StepGrid, until end: Int64, isInstant: Bool)
        async throws -> QueryResult
    {
        let limit = limits.timeMax
        // Whether a query that may take no time gets an answer must not be left to chance.
        let timedOut = QueryFault(.timedOut, "query timed out after \(limit.prometheusText)")
        guard limit > .zero else { throw timedOut }
        let deadline = QueryDeadline(limit, clock)
        do {
            return try await evaluate(expression, over: grid, until: end, isInstant: isInstant, by: deadline)
        } catch is CancellationError where !Task.isCancelled && deadline.isOver {
            throw timedOut
        } catch let refusal as MemoryRefusal {
            throw QueryFault(refusal)
        }
    }

    /// From a store that can, no more than is looked at and than the query may have, so that what is refused was never in memory.
    private func select(
        _ matchers: [LabelMatcher], _ demand: SeriesDemand.Demand, samplesMax: Int, memory: MemoryShare?,
        by deadline: QueryDeadline
    ) async throws -> [SeriesColumns] {
        let start = Timestamp(millisecondsSinceEpoch: demand.span.lowerBound)
        let end = Timestamp(millisecondsSinceEpoch: demand.span.upperBound)
        guard let bounded = series as? any BoundedSeriesReading else {
            // It may wait for somebody else.
            let found = try await within(deadline) { try await series.select(matchers, from: start, through: end) }
            try memory?.take(
                found.reduce(0) {
                    $0 + ($1.times.count + $1.histograms.count * Evaluator.samplesPerHistogram)
                        * SelectionBounds.bytesPerSample + SelectionBounds.bytesPerSeries
                })
            return found
        }
        return try await bounded.select(
            matchers, from: start, through: end,
            within: SelectionBounds(
                samplesMax: samplesMax, samplesPerHistogram: Evaluator.samplesPerHistogram,
                isLatestEnough: demand.isLatestEnough,
                looks: demand.looksFrom.map {
                    .init(from: Timestamp(millisecondsSinceEpoch: $0), lookback: options.lookback)
                }, steps: demand.steps, needsLabels: demand.needsLabels, needsOrder: demand.needsOrder,
                figures: demand.figures, memory: memory, isOver: { deadline.isOver }))
    }

    /// Cancels `body` when the time is up.
    private func within<Value: Sendable>(
        _ deadline: QueryDeadline, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await deadline.wait()
                throw CancellationError()
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }

    @concurrent
    private func evaluate(
        _ expression: Expression, over grid: StepGrid, until end: Int64, isInstant: Bool, by deadline: QueryDeadline
    ) async throws -> QueryResult {
        let watch = Stopwatch(clock)
        let scope = QueryScope(grid: grid, end: end, options: options, limits: limits, isInstant: isInstant)
        var demand = SeriesDemand(scope: scope)
        try demand.add(expression, over: grid)
        let memory = limits.memory.map { MemoryShare(of: $0) }
        var loaded: [[LabelMatcher]: [SampleRow]] = [:]
        var samples = 0
        for (matchers, wanted) in demand.wanted {
            var columns: [SeriesColumns]
            do {
                columns = try await select(
                    matchers, wanted, samplesMax: limits.samplesMax - samples, memory: memory, by: deadline)
            } catch let error as TooManySamples {
                throw Evaluator.tooManySamples(samples + error.count, limits.samplesMax)
            } catch let error where !(error is CancellationError || error is MemoryRefusal) {
                throw QueryFault(reading: error)
            }
            samples += columns.reduce(0) { $0 + $1.times.count + $1.histograms.count * Evaluator.samplesPerHistogram }
            guard samples <= limits.samplesMax else { break }
            // Moved, not copied: of ten thousands of series the counting of references alone would be felt.
            var rows: [SampleRow] = []
            rows.reserveCapacity(columns.count)
            columns.reverse()
            while let next = columns.popLast() { rows.append(SampleRow(next)) }
            loaded[matchers] = rows
        }
        let evaluator = Evaluator(
            scope: scope, series: loaded, limits: limits, memory: memory, deadline: deadline, samplesRead: samples)
        try evaluator.count(0)
        let preparation = watch.elapsed
        var result = QueryResult(value: try evaluator.answer(expression, over: grid))
        result.warnings = evaluator.notes.warnings
        result.infos = evaluator.notes.infos
        result.samplesRead = samples
        result.memory = memory
        result.samplesCounted = evaluator.samples
        result.spansRead = demand.wanted.values.map { wanted in
            let (start, end) = (wanted.span.lowerBound, wanted.span.upperBound)
            return Timestamp(millisecondsSinceEpoch: start)...Timestamp(millisecondsSinceEpoch: end)
        }
        let total = watch.elapsed
        result.timings = .init(preparation: preparation, evaluation: total - preparation, total: total)
        return result
    }
}
