public import Texts
public import Units

/// When something is to be done again and again: a cron expression in a time zone, or a fixed interval.
public struct Recurrence: Sendable, Hashable {
    public enum Rule: Sendable, Hashable {
        case cron(CronExpression)
        /// At whole multiples of the interval since the epoch, so that a restart does not move it.
        case every(Duration)
    }

    public let rule: Rule
    public let zone: TimeZoneRules

    public init(_ rule: Rule, in zone: TimeZoneRules = .utc) {
        self.rule = rule
        self.zone = zone
    }

    /// Reads `every 15m` or a cron expression.
    /// - Throws: `ScheduleFailure` with the character at fault.
    public init(_ text: some StringProtocol, in zone: TimeZoneRules = .utc) throws(ScheduleFailure) {
        let trimmed = text.trimmed
        let words = trimmed.split(separator: " ")
        if let first = words.first, first.lowercased() == "every" || first.lowercased() == "@every" {
            guard words.count == 2, let interval = Duration(prometheusText: words[1]), interval >= .seconds(1) else {
                throw ScheduleFailure(
                    .invalidExpression, String(trimmed), column: first.count + 2,
                    "after '\(first)' comes one interval of at least a second",
                    hint: "Write it like 'every 15m' or 'every 1h30m'.")
            }
            self.init(.every(interval), in: zone)
        } else {
            self.init(.cron(try CronExpression(trimmed)), in: zone)
        }
    }

    /// The first time after `instant`.
    public func next(after instant: Timestamp) -> Timestamp? {
        switch rule {
        case .cron(let expression): return expression.next(after: instant, in: zone)
        case .every(let interval):
            let ms = interval.wholeMilliseconds
            let count = instant.millisecondsSinceEpoch.flooredDivision(by: ms).quotient
            return Timestamp(millisecondsSinceEpoch: (count + 1) * ms)
        }
    }

    /// The last time before `instant`.
    public func previous(before instant: Timestamp) -> Timestamp? {
        switch rule {
        case .cron(let expression): return expression.previous(before: instant, in: zone)
        case .every(let interval):
            let ms = interval.wholeMilliseconds
            let (count, rest) = instant.millisecondsSinceEpoch.flooredDivision(by: ms)
            return Timestamp(millisecondsSinceEpoch: (rest == 0 ? count - 1 : count) * ms)
        }
    }

    /// The longest pause between two runs that follow `instant`, among the next 100: how old the newest result may get.
    public func longestGap(after instant: Timestamp) -> Duration? {
        if case .every(let interval) = rule { return interval }
        var longest: Duration?
        guard var at = next(after: instant) else { return nil }
        for _ in 0..<100 {
            guard let following = next(after: at) else { break }
            if following - at > longest ?? .zero { longest = following - at }
            at = following
        }
        return longest
    }

    /// `every day at 02:00 (Europe/Berlin)`, `every 15m`.
    public func words(in language: Language = .english) -> String {
        let t = Phrases<ScheduleText>(language)
        return switch rule {
        case .every(let interval): t(.everyInterval, ["interval": interval.prometheusText])
        case .cron(let expression): t(.inZone, ["words": expression.words(in: language), "zone": zone.name])
        }
    }
}
