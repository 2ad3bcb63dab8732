import Series

// Samples of which one was kept for each step. Of a gauge a step keeps more than its mean, so that what is asked of the samples that it stands
// for has the answer that they would have given: their extremes, their sum, how many they were, and the mean of all of them, however many
// each step had. What looks at single samples gets the last of each step, which was there at that time; a mean never was.

extension Function {
    /// What it needs to know of steps.
    var figuresOfSteps: StepFigures {
        switch self {
        case .avgOverTime: [.sums, .counts]
        case .sumOverTime: .sums
        case .countOverTime: .counts
        case .minOverTime, .timeOfMinOverTime: .minimums
        case .maxOverTime, .timeOfMaxOverTime: .maximums
        case .absentOverTime, .presentOverTime, .timeOfFirstOverTime, .timeOfLastOverTime: []
        default: .lasts
        }
    }
}

extension Function {
    /// Whether samples that are left out change what it says, more than by what lies at the edges of the range.
    /// - Parameter hasFigures: whether it is known what the steps were made of.
    func needsEverySample(hasFigures: Bool) -> Bool {
        switch self {
        case .absentOverTime, .lastOverTime, .maxOverTime, .presentOverTime, .timeOfLastOverTime: false
        // Of counters nothing is kept but samples, and those around each reset.
        case .avgOverTime, .countOverTime, .minOverTime, .sumOverTime: !hasFigures
        case .delta, .increase, .rate, .resets: hasFigures
        default: true
        }
    }
}

extension Evaluator {
    /// As `overWindows`, with what each step was made of where that is known.
    func overSteps(_ call: FunctionCall, _ windowed: WindowedSeries, _ numbers: [[Double]], _ grid: StepGrid) throws
        -> [Column]
    {
        guard windowed.rows.contains(where: { $0.figures != nil }) else {
            return try overWindows(call, windowed, numbers, grid)
        }
        guard call.function == .avgOverTime || call.function == .countOverTime else {
            return try overWindows(call, readingSteps(of: windowed, for: call.function), numbers, grid)
        }
        var total = call
        total.function = .sumOverTime
        var columns: [Column] = []
        for row in windowed.rows {
            var one = windowed
            one.rows = [row]
            // Of a series with histograms in between the numbers of a step do not stand for the whole window.
            guard let figures = row.figures, row.histograms.isEmpty else {
                columns += try overWindows(call, one, numbers, grid)
                continue
            }
            one.rows[0].values = figures.counts
            let counts = try overWindows(total, one, numbers, grid)
            guard call.function == .avgOverTime else {
                columns += counts
                continue
            }
            one.rows[0].values = figures.sums
            var means = try overWindows(total, one, numbers, grid)
            for index in means.indices {
                for step in means[index].values.indices where !means[index].values[step].isStaleMarker {
                    means[index].values[step] /= counts[index].values[step]
                }
            }
            columns += means
        }
        return columns
    }

    /// The same windows over what `function` needs of each step.
    func readingSteps(of windowed: WindowedSeries, for function: Function) -> WindowedSeries {
        var read = windowed
        for index in read.rows.indices {
            // Where histograms stand in between, their places must stay empty.
            guard let figures = read.rows[index].figures, read.rows[index].histograms.isEmpty else { continue }
            let column: [Double]
            switch function.figuresOfSteps {
            case .sums: column = figures.sums
            case .minimums: column = figures.minimums
            case .maximums: column = figures.maximums
            case .lasts: column = figures.lasts
            default: continue
            }
            read.rows[index].values = column
        }
        return read
    }
}
