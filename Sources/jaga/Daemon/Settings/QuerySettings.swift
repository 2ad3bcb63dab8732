import PromQL
public import Settings
import Units

/// The section `query`: the bounds of PromQL and its experimental parts.
public struct QuerySettings: SettingsSection, Sendable {
    /// Parts of the language that Prometheus has behind feature flags.
    enum Feature: String, CaseIterable, Sendable {
        case functions, durations, extendedRanges = "extended_ranges", fill, delayedNameRemoval = "delayed_name_removal"
        case typeAndUnitLabels = "type_and_unit_labels"
    }

    let samplesMax: Int?
    let timeout: Duration
    let lookback: Duration
    let features: Set<Feature>

    public init(_ s: SettingsReader) {
        samplesMax = s.optionalInteger(
            "samples_max", in: 1000...1_000_000_000,
            "The most samples that one query may hold in memory, 16 bytes each; without it, what an eighth of the machine's memory holds, at most 50 million."
        )
        timeout = s.duration(
            "timeout", default: .seconds(120), atLeast: .milliseconds(100), "How long one query may take.")
        lookback = s.duration(
            "lookback", default: .seconds(300), atLeast: .seconds(1),
            "How far back a selector looks for the newest sample of a series.")
        var features: Set<Feature> = []
        for word in s.texts(
            "experimental", default: [],
            "Parts of PromQL that may still change: \(Feature.allCases.map(\.rawValue).joined(separator: ", ")).")
        {
            if let feature = Feature(rawValue: word) {
                features.insert(feature)
            } else {
                let nearest = nearestName(to: word, among: Feature.allCases.map(\.rawValue))
                s.fault(
                    "experimental",
                    "there is no part '\(word)'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
            }
        }
        self.features = features
    }

    /// - Parameter timeLimit: what the caller wants at most.
    func limits(timeLimit: Duration) -> QueryLimits {
        var limits = QueryLimits()
        limits.timeMax = min(timeout, timeLimit)
        // The machine that Jaga guards may be small, and the application on it comes first.
        limits.samplesMax = samplesMax ?? min(50_000_000, max(1_000_000, physicalMemoryBytes() / 8 / 16))
        return limits
    }

    func options(lookback: Duration?) -> QueryOptions {
        var options = QueryOptions()
        options.lookback = lookback ?? self.lookback
        options.delaysNameRemoval = features.contains(.delayedNameRemoval)
        if features.contains(.functions) { options.features.insert(.experimentalFunctions) }
        if features.contains(.durations) { options.features.insert(.durationExpressions) }
        if features.contains(.extendedRanges) { options.features.insert(.extendedRangeSelectors) }
        if features.contains(.fill) { options.features.insert(.fillModifiers) }
        if features.contains(.typeAndUnitLabels) { options.features.insert(.typeAndUnitLabels) }
        return options
    }
}
