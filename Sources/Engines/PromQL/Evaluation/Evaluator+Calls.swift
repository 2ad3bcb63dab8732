import Glibc
import Series
import Units

extension Evaluator {
    func call(_ call: FunctionCall, over grid: StepGrid) throws -> StepValues {
        let arguments = call.arguments
        switch call.function {
        case .time: return .scalar((0..<grid.count).map { Double(grid[$0]) / 1000 })
        case .pi: return .scalar([Double](repeating: .pi, count: grid.count))
        case .scalar: return .scalar(onlyValues(try vector(arguments[0], over: grid), grid))
        case .vector: return .vector([Column(labels: [:], values: try scalar(arguments[0], over: grid))])
        case .timestamp: return .vector(try timestamps(arguments[0], grid))
        case .absent: return .vector([absence(of: arguments[0], try vector(arguments[0], over: grid), grid)])
        case .absentOverTime:
            let present = try overWindows(try windowed(arguments[0], over: grid), grid, isSteady: true) { _, _ in
                1
            } mixed: { _, _ in
                .number(1)
            }
            return .vector([absence(of: arguments[0], present, grid)])
        case .sort, .sortDesc, .sortByLabel, .sortByLabelDesc: return .vector(try sorted(call, grid))
        case .labelReplace: return .vector(try labelReplace(call, grid))
        case .labelJoin: return .vector(try labelJoin(call, grid))
        case .histogramQuantile, .histogramFraction, .histogramQuantiles: return .vector(try histogram(call, grid))
        case .histogramAvg, .histogramCount, .histogramStddev, .histogramStdvar, .histogramSum:
            return .vector(try histogramStatistics(call, grid))
        case .queryStart: return .scalar(constant(Double(scope.grid.start) / 1000, grid))
        case .queryEnd: return .scalar(constant(Double(scope.end) / 1000, grid))
        case .queryRange: return .scalar(constant(Double(scope.end - scope.grid.start) / 1000, grid))
        case .queryStep: return .scalar(constant(scope.isInstant ? 0 : Double(scope.grid.step) / 1000, grid))
        case .maxOf, .minOf:
            let sides = try arguments.map { try scalar($0, over: grid) }
            return .scalar(zip(sides[0], sides[1]).map { call.function == .maxOf ? goMax($0, $1) : goMin($0, $1) })
        case .info: return .vector(try info(call, grid))
        default:
            if call.function.signature.parameters.contains(.rangeVector) { return .vector(try rangeCall(call, grid)) }
            return .vector(try withoutName(try elementCall(call, grid), over: grid))
        }
    }

    private func constant(_ value: Double, _ grid: StepGrid) -> [Double] {
        [Double](repeating: value, count: grid.count)
    }

    func warn(_ text: String, _ span: SourceSpan) { notes.warn("PromQL warning: \(text) (\(place(span)))") }
    func inform(_ text: String, _ span: SourceSpan) { notes.inform("PromQL info: \(text) (\(place(span)))") }

    /// Queries are nearly always one line; the column is what helps.
    private func place(_ span: SourceSpan) -> String { "1:\(span.start + 1)" }

    private func onlyValues(_ columns: [Column], _ grid: StepGrid) -> [Double] {
        (0..<grid.count).map { step in
            let present = columns.filter { $0.isNumber(step) }
            return present.count == 1 ? present[0].values[step] : .nan
        }
    }

    private func timestamps(_ argument: Expression, _ grid: StepGrid) throws -> [Column] {
        if case .vector(let selector) = argument.bare {
            let times = try latest(selector, over: grid) { row, index, column, step in
                column.values[step] = Double(row.times[index]) / 1000
            }
            return try withoutName(times, over: grid)
        }
        let times = try vector(argument, over: grid).map { column in
            var times = column.blank
            for step in 0..<grid.count where column.isPresent(step) {
                times.values[step] = Double(grid[step]) / 1000
            }
            return times
        }
        return try withoutName(times, over: grid)
    }

    /// 1 wherever `columns` have nothing, labelled as the selector promises.
    private func absence(of argument: Expression, _ columns: [Column], _ grid: StepGrid) -> Column {
        let values = (0..<grid.count).map { step in columns.contains { $0.isPresent(step) } ? absent : 1 }
        var labels: Labels = [:]
        var matchers: [LabelMatcher] = []
        switch argument.bare {
        case .vector(let selector): matchers = selector.matchers
        case .matrix(let matrix): matchers = matrix.selector.matchers
        default: break
        }
        var seen: Set<String> = []
        for matcher in matchers where matcher.name != Labels.metricName {
            if matcher.op == .equal, seen.insert(matcher.name).inserted {
                labels[matcher.name] = matcher.value
            } else {
                labels[matcher.name] = nil
            }
        }
        return Column(labels: labels, values: values)
    }

    private func sorted(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        var columns = try vector(call.arguments[0], over: grid)
        if call.function == .sort || call.function == .sortDesc {
            columns = columns.map { $0.hasHistograms ? mapped($0) { $1 } : $0 }
        }
        guard seesOrder(grid) else { return columns }
        if call.function == .sort || call.function == .sortDesc {
            let areRanked = columns.areRanked
            let isBefore: (Double, Double) -> Bool = call.function == .sort ? (<) : (>)
            var ranks = Array(repeating: [Int32](repeating: 0, count: grid.count), count: columns.count)
            for step in 0..<grid.count {
                try checkTime()
                let present = columns.indices.filter { columns[$0].isNumber(step) }
                let before =
                    areRanked ? stablySorted(present) { columns.rank($0, step) < columns.rank($1, step) } : present
                let ordered = stablySorted(before) { left, right in
                    ranksBefore(columns[left].values[step], columns[right].values[step], isBefore)
                }
                for (rank, index) in ordered.enumerated() { ranks[index][step] = Int32(truncatingIfNeeded: rank) }
            }
            return columns.arranged(by: ranks)
        }
        let names = call.arguments.dropFirst().map { string($0).value }
        let isAscending = call.function == .sortByLabel
        // The labels are the same at every step.
        for index in columns.indices { columns[index].ranks = [] }
        return stablySorted(columns) { left, right in
            for name in names {
                let (a, b) = (left.labels[name] ?? "", right.labels[name] ?? "")
                if a != b { return naturallyPrecedes(a, b) == isAscending }
            }
            return left.labels != right.labels && (left.labels < right.labels) == isAscending
        }
    }

    // MARK: Functions of one value at a time

    private func elementCall(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        guard let first = call.arguments.first else {
            // `hour()` and its like look at the step's own time.
            let now = Column(labels: [:], values: (0..<grid.count).map { Double(grid[$0]) / 1000 })
            return [mapped(now) { calendarPart(call.function, $1) }]
        }
        let columns = try vector(first, over: grid)
        let numbers = try call.arguments.dropFirst().map { try scalar($0, over: grid) }
        return columns.map { column in
            mapped(column) { step, value in
                switch call.function {
                case .clamp:
                    let (low, high) = (numbers[0][step], numbers[1][step])
                    return high < low ? absent : goMax(low, goMin(high, value))
                case .clampMin: return goMax(numbers[0][step], value)
                case .clampMax: return goMin(numbers[0][step], value)
                case .round:
                    let inverse = 1 / (numbers.first?[step] ?? 1)
                    return (value * inverse + 0.5).rounded(.down) / inverse
                case .hour, .minute, .month, .year, .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth:
                    return calendarPart(call.function, value)
                default: return elementary(call.function, value)
                }
            }
        }
    }
}

/// As Go's `math.Max`: an infinity that nothing exceeds wins, also over NaN, which wins over everything else.
func goMax(_ a: Double, _ b: Double) -> Double {
    a == .infinity || b == .infinity ? .infinity : a.isNaN || b.isNaN ? .nan : max(a, b)
}
func goMin(_ a: Double, _ b: Double) -> Double {
    a == -.infinity || b == -.infinity ? -.infinity : a.isNaN || b.isNaN ? .nan : min(a, b)
}

private func elementary(_ function: Function, _ value: Double) -> Double {
    switch function {
    case .abs: value.magnitude
    case .ceil: value.rounded(.up)
    case .floor: value.rounded(.down)
    case .exp: exp(value)
    case .ln: log(value)
    case .log2: log2(value)
    case .log10: log10(value)
    case .sqrt: value.squareRoot()
    case .sgn: value < 0 ? -1 : value > 0 ? 1 : value
    case .sin: sin(value)
    case .cos: cos(value)
    case .tan: tan(value)
    case .asin: asin(value)
    case .acos: acos(value)
    case .atan: atan(value)
    case .sinh: sinh(value)
    case .cosh: cosh(value)
    case .tanh: tanh(value)
    case .asinh: asinh(value)
    case .acosh: acosh(value)
    case .atanh: atanh(value)
    case .deg: value * 180 / .pi
    case .rad: value * .pi / 180
    default: preconditionFailure("\(function.rawValue) is no function of one number")
    }
}

/// A part of the date that `seconds` after 1970 fall on, in UTC. NaN for what is no time.
private func calendarPart(_ function: Function, _ seconds: Double) -> Double {
    // As many as 64 bits hold. The calendar begins anew every 400 years, on the same day of the week.
    guard let whole = Int64(exactly: seconds.rounded(.towardZero)) else { return .nan }
    let (eras, rest) = whole.flooredDivision(by: 146_097 * 86_400)
    let time = CivilTime(utc: Timestamp(millisecondsSinceEpoch: rest * 1000))
    switch function {
    case .year: return Double(Int64(time.year) + 400 * eras)
    case .month: return Double(time.month)
    case .dayOfMonth: return Double(time.day)
    case .hour: return Double(time.hour)
    case .minute: return Double(time.minute)
    case .dayOfWeek: return Double(time.dayOfWeek)
    case .daysInMonth: return Double(CivilTime.dayCount(month: time.month, year: time.year))
    case .dayOfYear:
        let newYear = CivilTime(year: time.year, month: 1, day: 1)
        return Double(time.daysSinceEpoch - newYear.daysSinceEpoch + 1)
    default: preconditionFailure("\(function.rawValue) is no part of a date")
    }
}

/// `host9` before `host10`: runs of digits compare as numbers.
private func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    let (a, b) = (Array(left.utf8), Array(right.utf8))
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
        if isDigit(a[i]), isDigit(b[j]) {
            let first = a[i...].prefix(while: isDigit)
            let second = b[j...].prefix(while: isDigit)
            let (x, y) = (first.drop { $0 == 0x30 }, second.drop { $0 == 0x30 })
            if x.count != y.count { return x.count < y.count }
            if !x.elementsEqual(y) { return x.lexicographicallyPrecedes(y) }
            (i, j) = (first.endIndex, second.endIndex)
        } else if a[i] != b[j] {
            return a[i] < b[j]
        } else {
            (i, j) = (i + 1, j + 1)
        }
    }
    return a.count - i < b.count - j
}
