public import Series
public import Settings
import Units

/// How long the series of a selector are kept, and in what steps.
public struct KeepRule: SettingsSection, Sendable, Hashable {
    /// A stretch of time after the raw samples, kept one sample a step.
    public struct Tier: SettingsSection, Sendable, Hashable {
        public var step: Duration
        /// How old its samples may become, counted from now.
        public var age: Duration

        public init(step: Duration, age: Duration) {
            self.step = step
            self.age = age
        }

        public init(_ reader: SettingsReader) {
            step = reader.duration(
                "step", default: .seconds(300), atLeast: .seconds(10),
                "One sample is kept for each step of this length.")
            age = reader.duration(
                "for", default: .seconds(365 * 86_400), atLeast: .seconds(3600), "How old these samples may become.")
        }
    }

    /// Series that satisfy all of them are meant.
    public var matchers: [LabelMatcher]
    public var raw: Duration
    /// Coarser and older, one after the other.
    public var tiers: [Tier]

    public init(matchers: [LabelMatcher], raw: Duration, tiers: [Tier] = []) {
        self.matchers = matchers
        self.raw = raw
        self.tiers = tiers
    }

    public init(_ reader: SettingsReader) {
        let text = reader.requiredText("match", "The selector of the series, as in {__name__=~\"node_.*\"}.")
        raw = reader.duration(
            "raw", default: .seconds(15 * 86_400), atLeast: .seconds(3600), "How long all samples are kept.")
        tiers = reader.list(
            "downsample", of: Tier.self,
            "What is kept of older samples: coarser steps, each for longer than the one before.")
        matchers = []
        do throws(SelectorFault) {
            matchers = try selector(text)
        } catch {
            if reader.isPresent("match") { reader.fault("match", error.description) }
        }
        var before = raw
        var step = Duration.zero
        for tier in tiers {
            if tier.age <= before || tier.step <= step {
                reader.fault("downsample", "must name longer ages and longer steps from one element to the next")
                break
            }
            (before, step) = (tier.age, tier.step)
        }
    }

    /// How old samples may become, in any step.
    var longestAge: Duration { tiers.map(\.age).max().map { max($0, raw) } ?? raw }

    public func matches(_ labels: Labels) -> Bool { matchers.allSatisfy { $0.matches(labels) } }
}
