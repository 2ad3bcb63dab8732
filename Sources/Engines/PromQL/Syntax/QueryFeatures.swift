/// The parts of the language that the reference has behind feature flags, since they may change.
/// <https://prometheus.io/docs/prometheus/latest/feature_flags/>
public struct QueryFeatures: OptionSet, Sendable, Hashable {
    public var rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `info`, `limitk`, `limit_ratio`, `sort_by_label`, `mad_over_time`, `first_over_time`, `ts_of_…`, `histogram_quantiles`,
    /// `start()` and the like (`promql-experimental-functions`).
    public static let experimentalFunctions = QueryFeatures(rawValue: 1)
    /// Computed durations: `[2 * step()]` (`promql-duration-expr`).
    public static let durationExpressions = QueryFeatures(rawValue: 2)
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`).
    public static let extendedRangeSelectors = QueryFeatures(rawValue: 4)
    /// `fill`, `fill_left` and `fill_right` (`promql-binop-fill-modifiers`).
    public static let fillModifiers = QueryFeatures(rawValue: 8)
    /// Whether `rate` and `increase` look at the label `__type__` instead of the metric's name (`type-and-unit-labels`).
    public static let typeAndUnitLabels = QueryFeatures(rawValue: 16)

    /// All of the syntax.
    public static let allSyntax: QueryFeatures = [
        .experimentalFunctions, .durationExpressions, .extendedRangeSelectors, .fillModifiers,
    ]
}

extension Function {
    /// Whether the function needs `experimentalFunctions`.
    public var isExperimental: Bool {
        switch self {
        case .doubleExponentialSmoothing, .firstOverTime, .histogramQuantiles, .info, .madOverTime, .maxOf, .minOf,
            .queryEnd, .queryRange, .queryStart, .queryStep, .sortByLabel, .sortByLabelDesc, .timeOfFirstOverTime,
            .timeOfLastOverTime, .timeOfMaxOverTime, .timeOfMinOverTime:
            true
        default: false
        }
    }

    /// The functions that take a range marked `anchored`.
    static let anchoredSafe: [Function] = [.changes, .delta, .increase, .rate, .resets]
    /// The functions that take a range marked `smoothed`.
    static let smoothedSafe: [Function] = [.delta, .increase, .rate]
}

extension Aggregator {
    /// Whether the aggregator needs `experimentalFunctions`.
    public var isExperimental: Bool { self == .limitk || self == .limitRatio }
}

extension QueryFeatures {
    private static let byFlag: KeyValuePairs<String, QueryFeatures> = [
        "promql-experimental-functions": .experimentalFunctions, "promql-duration-expr": .durationExpressions,
        "promql-extended-range-selectors": .extendedRangeSelectors, "promql-binop-fill-modifiers": .fillModifiers,
        "type-and-unit-labels": .typeAndUnitLabels,
    ]

    /// The names of the reference's feature flags.
    static var flags: [String] { byFlag.map(\.key) }

    /// - Returns: nil where the reference has no such flag for queries.
    public init?(flag: String) {
        guard let feature = Self.byFlag.first(where: { $0.key == flag }) else { return nil }
        self = feature.value
    }
}

extension QueryOptions {
    /// The reference's flag for `delaysNameRemoval`.
    public static let delayedNameRemovalFlag = "promql-delayed-name-removal"

    /// The names of all the reference's feature flags that change queries.
    public static var flags: [String] { QueryFeatures.flags + [delayedNameRemovalFlag] }

    /// Those of them that are on.
    public var enabledFlags: [String] {
        QueryFeatures.flags.filter { QueryFeatures(flag: $0).map { features.contains($0) } ?? false }
            + (delaysNameRemoval ? [Self.delayedNameRemovalFlag] : [])
    }
}
