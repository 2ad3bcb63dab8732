/// The functions of the query language, named as users write them.
public enum Function: String, Sendable, Hashable, CaseIterable {
    case abs, absent, acos, acosh, asin, asinh, atan, atanh, ceil, changes, clamp, cos, cosh, deg, delta, deriv, exp
    case floor, hour, idelta, increase, irate, ln, log2, log10, minute, month, pi, rad, rate, resets, round, scalar, sgn
    case info
    case sin, sinh, sort, sqrt, tan, tanh, time, timestamp, vector, year
    case absentOverTime = "absent_over_time"
    case avgOverTime = "avg_over_time"
    case clampMax = "clamp_max"
    case clampMin = "clamp_min"
    case countOverTime = "count_over_time"
    case dayOfMonth = "day_of_month"
    case dayOfWeek = "day_of_week"
    case dayOfYear = "day_of_year"
    case daysInMonth = "days_in_month"
    case doubleExponentialSmoothing = "double_exponential_smoothing"
    case firstOverTime = "first_over_time"
    case histogramAvg = "histogram_avg"
    case histogramCount = "histogram_count"
    case histogramFraction = "histogram_fraction"
    case histogramQuantile = "histogram_quantile"
    case histogramQuantiles = "histogram_quantiles"
    case histogramStddev = "histogram_stddev"
    case histogramStdvar = "histogram_stdvar"
    case histogramSum = "histogram_sum"
    case labelJoin = "label_join"
    case labelReplace = "label_replace"
    case lastOverTime = "last_over_time"
    case madOverTime = "mad_over_time"
    case maxOverTime = "max_over_time"
    case maxOf = "max_of"
    case minOf = "min_of"
    case minOverTime = "min_over_time"
    case queryEnd = "end"
    case queryRange = "range"
    case queryStart = "start"
    case queryStep = "step"
    case predictLinear = "predict_linear"
    case presentOverTime = "present_over_time"
    case quantileOverTime = "quantile_over_time"
    case sortByLabel = "sort_by_label"
    case sortByLabelDesc = "sort_by_label_desc"
    case sortDesc = "sort_desc"
    case stddevOverTime = "stddev_over_time"
    case stdvarOverTime = "stdvar_over_time"
    case sumOverTime = "sum_over_time"
    case timeOfFirstOverTime = "ts_of_first_over_time"
    case timeOfLastOverTime = "ts_of_last_over_time"
    case timeOfMaxOverTime = "ts_of_max_over_time"
    case timeOfMinOverTime = "ts_of_min_over_time"

    /// What a function takes and gives.
    public struct Signature: Sendable {
        public var parameters: [ValueType]
        /// How many of the last parameters may be left out; `.max` when the last one may also be repeated.
        public var optional = 0
        public var result: ValueType
    }

    public var signature: Signature {
        switch self {
        case .pi, .time, .queryStart, .queryEnd, .queryRange, .queryStep:
            Signature(parameters: [], result: .scalar)
        case .scalar:
            Signature(parameters: [.instantVector], result: .scalar)
        case .maxOf, .minOf:
            Signature(parameters: [.scalar, .scalar], result: .scalar)
        case .info:
            Signature(parameters: [.instantVector, .instantVector], optional: 1, result: .instantVector)
        case .vector:
            Signature(parameters: [.scalar], result: .instantVector)
        case .hour, .minute, .month, .year, .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth:
            Signature(parameters: [.instantVector], optional: 1, result: .instantVector)
        case .round:
            Signature(parameters: [.instantVector, .scalar], optional: 1, result: .instantVector)
        case .clamp:
            Signature(parameters: [.instantVector, .scalar, .scalar], result: .instantVector)
        case .clampMax, .clampMin:
            Signature(parameters: [.instantVector, .scalar], result: .instantVector)
        case .histogramQuantile:
            Signature(parameters: [.scalar, .instantVector], result: .instantVector)
        case .histogramQuantiles:
            Signature(parameters: [.instantVector, .string, .scalar], optional: .max, result: .instantVector)
        case .histogramFraction:
            Signature(parameters: [.scalar, .scalar, .instantVector], result: .instantVector)
        case .labelReplace:
            Signature(parameters: [.instantVector, .string, .string, .string, .string], result: .instantVector)
        case .labelJoin:
            Signature(parameters: [.instantVector, .string, .string, .string], optional: .max, result: .instantVector)
        case .sortByLabel, .sortByLabelDesc:
            Signature(parameters: [.instantVector, .string], optional: .max, result: .instantVector)
        case .predictLinear:
            Signature(parameters: [.rangeVector, .scalar], result: .instantVector)
        case .quantileOverTime:
            Signature(parameters: [.scalar, .rangeVector], result: .instantVector)
        case .doubleExponentialSmoothing:
            Signature(parameters: [.rangeVector, .scalar, .scalar], result: .instantVector)
        case .changes, .delta, .deriv, .idelta, .increase, .irate, .rate, .resets, .absentOverTime, .avgOverTime,
            .countOverTime, .firstOverTime, .lastOverTime, .madOverTime, .maxOverTime, .minOverTime, .presentOverTime,
            .stddevOverTime, .stdvarOverTime, .sumOverTime, .timeOfFirstOverTime, .timeOfLastOverTime,
            .timeOfMaxOverTime, .timeOfMinOverTime:
            Signature(parameters: [.rangeVector], result: .instantVector)
        default:
            Signature(parameters: [.instantVector], result: .instantVector)
        }
    }
}
