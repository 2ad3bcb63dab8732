import Series
import Units

/// The times at which an expression is evaluated, in milliseconds; `step` > 0, `count` ≥ 0.
struct StepGrid: Sendable {
    var start: Int64
    var step: Int64
    var count: Int
    var orderUse = OrderUse.answer

    subscript(_ index: Int) -> Int64 { start + Int64(index) * step }
    var last: Int64 { self[max(0, count - 1)] }
}

/// What holds for the whole of a query.
struct QueryScope: Sendable {
    let grid: StepGrid
    /// Where the query ends as it was asked, which may be later than its last step: what `end()` stands for.
    let end: Int64
    let lookbackMs: Int64
    let subqueryStepMs: Int64
    let delaysNameRemoval: Bool
    let isInstant: Bool
    let features: QueryFeatures
    /// How many steps all subqueries of a query may have together.
    let subqueryStepsMax: Int

    /// The furthest that times and spans may lie from zero: some 285,000 years, of which sums of a few fit into 64 bits of
    /// milliseconds.
    static let secondsMax = 9e12

    init(grid: StepGrid, end: Int64, options: QueryOptions, limits: QueryLimits, isInstant: Bool) {
        features = options.features
        subqueryStepsMax = limits.samplesMax
        self.grid = grid
        self.end = end
        lookbackMs = options.lookback.wholeMilliseconds
        subqueryStepMs = options.subqueryStep.wholeMilliseconds
        delaysNameRemoval = options.delaysNameRemoval
        self.isInstant = isInstant
    }

    /// - Parameter span: where the duration stands.
    func milliseconds(_ duration: DurationExpression, _ span: SourceSpan) throws(QueryFault) -> Int64 {
        if case .literal(let literal) = duration { return literal.wholeMilliseconds }
        let value: Double
        do throws(DurationFault) {
            value = try duration.milliseconds(
                step: isInstant ? 0 : grid.step, length: isInstant ? 0 : end - grid.start)
        } catch {
            throw QueryFault(.execution, error.rawValue, span: span)
        }
        guard value.isFinite, value.magnitude <= Self.secondsMax * 1000 else {
            throw QueryFault(.execution, "\(span.start):\(span.end): duration is out of range", span: span)
        }
        return Int64(value)
    }

    func positiveMilliseconds(_ duration: DurationExpression, _ span: SourceSpan) throws(QueryFault) -> Int64 {
        let value = try milliseconds(duration, span)
        guard value > 0 else {
            throw QueryFault(.execution, "\(span.start):\(span.end): duration must be greater than 0", span: span)
        }
        return value
    }

    /// The times that a selector with these modifiers looks at, one for each step of `grid`.
    func moments(of grid: StepGrid, at: FixedTime?, offset: DurationExpression?, _ span: SourceSpan)
        throws(QueryFault) -> Moments
    {
        let shift = if let offset { try milliseconds(offset, span) } else { Int64(0) }
        let fixed: Int64? =
            switch at {
            case .at(let time): time.millisecondsSinceEpoch
            case .start: self.grid.start
            case .end: end
            case nil: nil
            }
        return Moments(grid: grid, fixed: fixed.map { $0 - shift }, shift: shift)
    }

    /// The grid on which the inside of a subquery is evaluated: multiples of its step, so that the same points are computed
    /// whenever the query is asked.
    func innerGrid(_ subquery: Subquery, _ moments: Moments) throws(QueryFault) -> StepGrid {
        let range = try positiveMilliseconds(subquery.range, subquery.rangeSpan)
        var step = subqueryStepMs
        if let own = subquery.step { step = try positiveMilliseconds(own, subquery.stepSpan) }
        let open = moments.first - range
        var start = step * (open / step)
        if start <= open { start += step }
        let count = moments.last < start ? 0 : (moments.last - start) / step + 1
        guard count <= subqueryStepsMax else {
            throw QueryFault(
                .tooManySteps, "subquery has \(count) steps, at most \(subqueryStepsMax) are allowed",
                span: subquery.span)
        }
        return StepGrid(start: start, step: step, count: Int(count), orderUse: .nobody)
    }
}

/// When a selector looks, for each step: at one fixed time, or at the step's time less the offset.
struct Moments {
    let grid: StepGrid
    let fixed: Int64?
    let shift: Int64

    subscript(_ index: Int) -> Int64 { fixed ?? grid[index] - shift }
    var first: Int64 { self[0] }
    var last: Int64 { self[max(0, grid.count - 1)] }

    var steps: SelectionBounds.Steps {
        fixed.map { SelectionBounds.Steps(first: $0, interval: 1, count: 1) }
            ?? SelectionBounds.Steps(first: first, interval: grid.step, count: grid.count)
    }
}

/// Which series an expression needs, and over which time. Found before anything is computed, so that the store is asked
/// once for each selector however many steps there are.
struct SeriesDemand {
    let scope: QueryScope
    private(set) var wanted: [[LabelMatcher]: Demand] = [:]

    struct Demand {
        var span: ClosedRange<Int64>
        /// Nothing looks at another sample than the newest of each series.
        var isLatestEnough: Bool
        /// The first instant at which the newest sample counts, or at which a window begins.
        var looksFrom: Int64?
        /// The newest sample at each of these is all that anything looks at.
        var steps: SelectionBounds.Steps?
        var needsLabels = true
        var needsOrder = true
        var figures: StepFigures = []
    }

    init(scope: QueryScope) {
        self.scope = scope
    }

    mutating func add(_ expression: Expression, over grid: StepGrid) throws(QueryFault) {
        guard grid.count > 0 else { return }
        switch expression {
        case .vector(let selector): try add(selector, over: grid)
        case .aggregation(let aggregation) where aggregation.looksAtNoLabels:
            guard case .vector(let selector) = aggregation.inner.bare else { preconditionFailure("no selector") }
            if let parameter = aggregation.parameter { try add(parameter, over: grid) }
            try add(selector, over: grid, needsLabels: false, needsOrder: aggregation.op.dependsOnOrder)
        case .matrix(let matrix): try add(matrix, over: grid)
        case .subquery(let subquery):
            let moments = try scope.moments(of: grid, at: subquery.at, offset: subquery.offset, subquery.span)
            try add(subquery.inner, over: try scope.innerGrid(subquery, moments))
        case .call(let call) where call.function == .info:
            try add(call.arguments[0], over: grid)
            add(infoMatchers(call), grid.start - scope.lookbackMs + 1, grid.last, looksFrom: grid.start)
        case .call(let call):
            for argument in call.arguments {
                if case .matrix(let matrix) = argument.bare {
                    try add(matrix, over: grid, figures: call.function.figuresOfSteps)
                } else {
                    try add(argument, over: grid)
                }
            }
        default:
            for child in expression.children { try add(child, over: grid) }
        }
    }

    private mutating func add(_ matrix: MatrixSelector, over grid: StepGrid, figures: StepFigures = [])
        throws(QueryFault)
    {
        let selector = matrix.selector
        let range = try scope.positiveMilliseconds(matrix.range, matrix.rangeSpan)
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, matrix.span)
        let before = selector.edges == nil ? 0 : scope.lookbackMs
        let after = selector.edges == .smoothed ? scope.lookbackMs : 0
        // Of samples that stand for a step each, one before the first window is read as well: without it nothing would say that the
        // window was too short for them.
        add(
            selector.matchers, moments.first - range - before + 1, moments.last + after,
            looksFrom: selector.edges == nil ? moments.first - range : nil, figures: figures)
    }

    private mutating func add(
        _ selector: VectorSelector, over grid: StepGrid, needsLabels: Bool = true, needsOrder: Bool = true
    ) throws(QueryFault) {
        let moments = try scope.moments(of: grid, at: selector.at, offset: selector.offset, selector.span)
        // Ranges are open on the left: a sample exactly as old as the look-back is too old.
        let reach = selector.edges == nil ? 0 : scope.lookbackMs
        add(
            selector.matchers, moments.first - scope.lookbackMs + 1, moments.last + reach,
            isLatestEnough: moments.first == moments.last && selector.edges == nil, looksFrom: moments.first,
            steps: selector.edges == nil ? moments.steps : nil, needsLabels: needsLabels, needsOrder: needsOrder)
    }

    private mutating func add(
        _ matchers: [LabelMatcher], _ from: Int64, _ through: Int64, isLatestEnough: Bool = false,
        looksFrom: Int64? = nil, steps: SelectionBounds.Steps? = nil, needsLabels: Bool = true, needsOrder: Bool = true,
        figures: StepFigures = []
    ) {
        let through = max(from, through)
        guard let known = wanted[matchers] else {
            wanted[matchers] = Demand(
                span: from...through, isLatestEnough: isLatestEnough, looksFrom: looksFrom, steps: steps,
                needsLabels: needsLabels, needsOrder: needsOrder, figures: figures)
            return
        }
        wanted[matchers] = Demand(
            span: min(known.span.lowerBound, from)...max(known.span.upperBound, through),
            isLatestEnough: isLatestEnough && known.isLatestEnough && known.span.upperBound == through,
            looksFrom: [known.looksFrom, looksFrom].compactMap(\.self).min(),
            steps: known.steps == steps ? steps : nil, needsLabels: needsLabels || known.needsLabels,
            needsOrder: needsOrder || known.needsOrder, figures: figures.union(known.figures))
    }
}

extension Aggregation {
    /// Whether one group of all series of a selector comes out, of which nothing tells which series they were.
    fileprivate var looksAtNoLabels: Bool {
        guard labels.isEmpty, !isWithout, case .vector(let selector) = inner.bare, selector.edges == nil else {
            return false
        }
        return switch op {
        case .sum, .avg, .count, .group, .min, .max, .stddev, .stdvar, .quantile: true
        default: false
        }
    }
}

extension Aggregator {
    /// Whether it tells one order of the series from another; of zeros that differ in sign, `min` and `max` take the first.
    var looksAtOrder: Bool { self != .count && self != .group && self != .limitRatio }

    /// Whether another order of the series could change the last digit of a number.
    fileprivate var dependsOnOrder: Bool {
        switch self {
        case .count, .group, .min, .max: false
        default: true
        }
    }
}
