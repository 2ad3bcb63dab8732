import Glibc
import Series

/// The samples of one series that one step looks at: those after `start` and up to `end`, in `from..<to`.
struct Window {
    var times: [Int64]
    var values: [Double]
    var from = 0
    var to = 0
    /// Milliseconds; open here.
    var start: Int64 = 0
    /// Milliseconds; closed here.
    var end: Int64 = 0
    /// The step's own time.
    var now: Int64 = 0

    var count: Int { to - from }
}

/// By how much the change between the first and the last sample must be drawn out to cover the whole window.
/// - Parameters:
///   - times: of the first and the last of `count` samples.
///   - first: the first value and `change` what it grew by: a counter is never drawn out below zero.
func extrapolationFactor(
    times: (first: Int64, last: Int64), count: Int, start: Int64, end: Int64, isCounter: Bool, first: Double,
    change: Double
) -> Double {
    var toStart = Double(times.first - start) / 1000
    var toEnd = Double(end - times.last) / 1000
    let sampled = Double(times.last - times.first) / 1000
    let interval = sampled / Double(count - 1)
    if toStart >= interval * 1.1 { toStart = interval / 2 }
    if isCounter {
        var toZero = toStart
        if change > 0 && first >= 0 { toZero = sampled * (first / change) }
        toStart = min(toStart, toZero)
    }
    if toEnd >= interval * 1.1 { toEnd = interval / 2 }
    return (sampled + toStart + toEnd) / sampled
}

extension Window {
    /// What a counter or a gauge changed by over the whole window, drawn out from its samples to the window's edges; `absent`
    /// for fewer than two samples.
    ///
    /// Samples rarely stand at the edges. A gap shorter than 1.1 mean intervals is taken to be covered; past that the series is
    /// taken to have begun or ended half an interval outside of its samples. A counter is never drawn out below zero.
    /// (`extrapolatedRate` in the reference.)
    func extrapolatedChange(isCounter: Bool, perSecond: Bool, rangeMs: Int64) -> Double {
        guard count >= 2 else { return absent }
        let first = values[from]
        var change = values[to - 1] - first
        if isCounter {
            var previous = first
            for index in (from + 1)..<to {
                if values[index] < previous { change += previous }
                previous = values[index]
            }
        }
        var factor = extrapolationFactor(
            times: (times[from], times[to - 1]), count: count, start: start, end: end, isCounter: isCounter,
            first: first, change: change)
        if perSecond { factor /= Double(rangeMs) / 1000 }
        return change * factor
    }

    /// The change between the last two samples.
    func lastChange(perSecond: Bool) -> Double {
        guard count >= 2 else { return absent }
        let (previous, last) = (values[to - 2], values[to - 1])
        let interval = Double(times[to - 1] - times[to - 2]) / 1000
        guard interval > 0 else { return absent }
        let change = perSecond && last < previous ? last : last - previous
        return perSecond ? change / interval : change
    }

    func countChanges(_ isChange: (Double, Double) -> Bool) -> Double {
        var changes = 0.0
        for index in stride(from: from + 1, to: to, by: 1) where isChange(values[index - 1], values[index]) {
            changes += 1
        }
        return changes
    }

    /// The place of the sample that `isBetter` than all before it; NaN gives way to any number.
    func best(_ isBetter: (Double, Double) -> Bool) -> Int {
        var best = from
        for index in (from + 1)..<max(to, from + 1)
        where isBetter(values[index], values[best]) || values[best].isNaN {
            best = index
        }
        return best
    }

    /// Holt's linear method: a level and a trend, each smoothed by its factor.
    func doubleExponentialSmoothing(_ smoothing: Double, _ trendFactor: Double) -> Double {
        guard count >= 2 else { return absent }
        var level = values[from]
        var previousLevel = 0.0
        var trend = values[from + 1] - values[from]
        for index in (from + 1)..<to {
            if index > from + 1 { trend = trendFactor * (level - previousLevel) + (1 - trendFactor) * trend }
            previousLevel = level
            level = smoothing * values[index] + (1 - smoothing) * (level + trend)
        }
        return level
    }

    /// The functions that look at nothing but the samples. The window holds at least one.
    func evaluate(_ function: Function, rangeMs: Int64) -> Double {
        switch function {
        case .rate: return extrapolatedChange(isCounter: true, perSecond: true, rangeMs: rangeMs)
        case .increase: return extrapolatedChange(isCounter: true, perSecond: false, rangeMs: rangeMs)
        case .delta: return extrapolatedChange(isCounter: false, perSecond: false, rangeMs: rangeMs)
        case .irate: return lastChange(perSecond: true)
        case .idelta: return lastChange(perSecond: false)
        case .deriv:
            guard count >= 2 else { return absent }
            return linearRegression(times, values, from, to, origin: times[from]).slope
        case .changes: return countChanges { $0 != $1 && !($0.isNaN && $1.isNaN) }
        case .resets: return countChanges { $1 < $0 }
        case .countOverTime: return Double(count)
        case .presentOverTime: return 1
        case .firstOverTime: return values[from]
        case .lastOverTime: return values[to - 1]
        case .minOverTime: return values[best(<)]
        case .maxOverTime: return values[best(>)]
        case .sumOverTime:
            var sum = CompensatedSum()
            for index in from..<to { sum.add(values[index]) }
            return sum.value
        case .avgOverTime:
            var mean = Mean(values[from])
            for index in (from + 1)..<to { mean.add(values[index]) }
            return mean.value
        case .stddevOverTime, .stdvarOverTime:
            var variance = Variance()
            for index in from..<to { variance.add(values[index]) }
            return function == .stddevOverTime ? variance.value.squareRoot() : variance.value
        case .madOverTime:
            var copy = Array(values[from..<to])
            let median = quantile(0.5, of: &copy)
            var distances = copy.map { ($0 - median).magnitude }
            return quantile(0.5, of: &distances)
        case .timeOfFirstOverTime: return Double(times[from]) / 1000
        case .timeOfLastOverTime: return Double(times[to - 1]) / 1000
        case .timeOfMinOverTime: return Double(times[best(<=)]) / 1000
        case .timeOfMaxOverTime: return Double(times[best(>=)]) / 1000
        default: preconditionFailure("\(function.rawValue) is no function of a window alone")
        }
    }
}
