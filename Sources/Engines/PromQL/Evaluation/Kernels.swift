import Glibc

// Arithmetic in the order and with the corrections that the reference uses, so that results agree to the last digits.

/// A sum with Neumaier's correction of rounding errors.
/// <https://en.wikipedia.org/wiki/Kahan_summation_algorithm#Further_enhancements>
struct CompensatedSum {
    var sum: Double
    var correction = 0.0

    init(_ start: Double = 0) { sum = start }

    mutating func add(_ value: Double) {
        let total = sum + value
        if total.isInfinite {
            correction = 0
        } else if sum.magnitude >= value.magnitude {
            correction += (sum - total) + value
        } else {
            correction += (value - total) + sum
        }
        sum = total
    }

    var value: Double { sum.isInfinite ? sum : sum + correction }
}

/// A mean that switches to a running form when the sum would overflow.
struct Mean {
    private var total: CompensatedSum
    private var count = 1.0
    private var isIncremental = false

    init(_ first: Double) { total = CompensatedSum(first) }

    mutating func add(_ value: Double) {
        count += 1
        if !isIncremental {
            var next = total
            next.add(value)
            if !next.sum.isInfinite {
                total = next
                return
            }
            isIncremental = true
            total.sum /= count - 1
            total.correction /= count - 1
        }
        let weight = (count - 1) / count
        var next = CompensatedSum(weight * total.sum)
        next.correction = weight * total.correction
        next.add(value / count)
        total = next
    }

    var value: Double {
        isIncremental ? total.sum + total.correction : total.sum / count + total.correction / count
    }
}

/// Welford's running variance, with both parts compensated.
struct Variance {
    private var count = 0.0
    private var mean = CompensatedSum()
    private var squares = CompensatedSum()

    mutating func add(_ value: Double) {
        count += 1
        let delta = value - (mean.sum + mean.correction)
        mean.add(delta / count)
        squares.add(delta * (value - (mean.sum + mean.correction)))
    }

    /// Of the population.
    var value: Double { (squares.sum + squares.correction) / count }
}

/// The φ-quantile of `values`, linear between neighbours; NaN counts as smallest. Reorders `values`.
func quantile(_ phi: Double, of values: inout [Double]) -> Double {
    values.withUnsafeMutableBufferPointer { quantile(phi, of: $0) }
}

func quantile(_ phi: Double, of values: UnsafeMutableBufferPointer<Double>) -> Double {
    if values.isEmpty || phi.isNaN { return .nan }
    if phi < 0 { return -.infinity }
    if phi > 1 { return .infinity }
    let rank = phi * Double(values.count - 1)
    let lower = Int(max(0, rank.rounded(.down)))
    let upper = min(values.count - 1, lower + 1)
    let weight = rank - rank.rounded(.down)
    var nans = 0
    var (hasZero, hasNegativeZero) = (false, false)
    for index in values.indices {
        let value = values[index]
        hasZero = hasZero || value.bitPattern == 0
        hasNegativeZero = hasNegativeZero || value.bitPattern == 1 << 63
        if value.isNaN { nans += 1 }
    }
    if nans > lower { return .nan }
    if hasZero && hasNegativeZero {
        // Which of the zeros stands at a place shows in the sign of the answer: their order stays as it is.
        var values = values
        values.sort { $0.isNaN ? !$1.isNaN : $0 < $1 }
        return values[lower] * (1 - weight) + values[upper] * weight
    }
    if nans > 0 {
        var place = 0
        for index in values.indices where values[index].isNaN {
            values.swapAt(index, place)
            place += 1
        }
    }
    select(lower - nans, in: UnsafeMutableBufferPointer(rebasing: values[nans...]))
    var next = values[upper]
    for index in upper..<values.count where values[index] < next { next = values[index] }
    return values[lower] * (1 - weight) + next * weight
}

/// Least squares through the samples `from..<to`; x is in seconds after `origin` (milliseconds). For windows out of the ordinary: what most
/// queries take is `Evaluator.regressionColumns`.
func linearRegression(_ times: [Int64], _ values: [Double], _ from: Int, _ to: Int, origin: Int64)
    -> (slope: Double, intercept: Double)
{
    let first = values[from]
    var isConstant = true
    var (sumX, sumY, sumXY, sumXX) = (CompensatedSum(), CompensatedSum(), CompensatedSum(), CompensatedSum())
    for index in from..<to {
        if values[index] != first { isConstant = false }
        let x = Double(times[index] - origin) / 1000
        sumX.add(x)
        sumY.add(values[index])
        sumXY.add(x * values[index])
        sumXX.add(x * x)
    }
    if isConstant { return first.isInfinite ? (.nan, .nan) : (0, first) }
    func total(_ sum: CompensatedSum) -> Double { sum.sum + sum.correction }
    let n = Double(to - from)
    let covariance = total(sumXY) - total(sumX) * total(sumY) / n
    let variance = total(sumXX) - total(sumX) * total(sumX) / n
    let slope = covariance / variance
    return (slope, total(sumY) / n - slope * total(sumX) / n)
}

extension BinaryOperator {
    /// The operator on two numbers; comparisons give 1 or 0.
    func apply(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: pow(left, right)
        case .atan2: Glibc.atan2(left, right)
        case .trimUpper, .trimLower: .nan
        default: holds(left, right) ? 1 : 0
        }
    }

    func holds(_ left: Double, _ right: Double) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        default: preconditionFailure("\(rawValue) is no comparison")
        }
    }
}
