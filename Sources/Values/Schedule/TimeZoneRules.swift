public import Units

/// How far the wall clock of a place is from UTC, at every instant. Made from the bytes of a TZif file; UTC is built in.
public struct TimeZoneRules: Sendable, Hashable {
    /// As in `Europe/Berlin`.
    public let name: String
    /// Seconds since the epoch at which the offset changes, rising.
    let transitions: [Int64]
    /// Seconds east of UTC: before the first transition, and after each one.
    let offsets: [Int32]
    /// The rule for instants after the last transition.
    let tail: PosixTimeZone?

    init(name: String, transitions: [Int64], offsets: [Int32], tail: PosixTimeZone?) {
        precondition(offsets.count == transitions.count + 1, "\(transitions.count) changes, \(offsets.count) offsets")
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.tail = tail
    }

    public static let utc = TimeZoneRules(name: "UTC", transitions: [], offsets: [0], tail: nil)

    /// Seconds east of UTC at `instant`.
    public func offsetSeconds(at instant: Timestamp) -> Int {
        let second = instant.millisecondsSinceEpoch.flooredDivision(by: 1000).quotient
        if let last = transitions.last, second >= last, let tail { return tail.offset(at: second) }
        if transitions.isEmpty, let tail { return tail.offset(at: second) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return Int(offsets[low])
    }

    /// What a clock on the wall shows at `instant`.
    public func civilTime(at instant: Timestamp) -> CivilTime {
        CivilTime(utc: instant + .seconds(offsetSeconds(at: instant)))
    }

    /// The first instant at which the wall clock shows `time`; where it skips `time`, the instant of the jump.
    public func firstInstant(of time: CivilTime) -> Timestamp {
        let asUTC = time.utcTimestamp
        // No zone is further than 26 hours from UTC (RFC 8536, 3.3.1), and none changes twice within a day or two in a way
        // that would need more candidates than the offsets on both sides.
        let before = offsetSeconds(at: asUTC - .seconds(93_600))
        let after = offsetSeconds(at: asUTC + .seconds(93_600))
        var found: Timestamp?
        for offset in Set([before, after, offsetSeconds(at: asUTC)]) {
            let candidate = asUTC - .seconds(offset)
            if offsetSeconds(at: candidate) == offset, candidate < (found ?? .distantFuture) { found = candidate }
        }
        if let found { return found }
        // Skipped. The jump lies between the instants that both offsets would give.
        var low = asUTC - .seconds(max(before, after))
        var high = asUTC - .seconds(min(before, after))
        let offsetBefore = offsetSeconds(at: low)
        while high - low > .seconds(1) {
            let middle = low + .milliseconds((high - low).wholeMilliseconds / 2000 * 1000)
            if middle == low { break }
            if offsetSeconds(at: middle) == offsetBefore { low = middle } else { high = middle }
        }
        return high
    }

    /// `+02:00` as at `instant`.
    public func offsetText(at instant: Timestamp) -> String {
        let seconds = offsetSeconds(at: instant)
        let minutes = abs(seconds) / 60
        return "\(seconds < 0 ? "-" : "+")\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2))"
    }
}

/// Gives the rules of a zone by its name. Reading files is the loader's matter; a schedule knows only this.
public protocol TimeZoneLoading: Sendable {
    /// - Throws: `ScheduleFailure` (`invalidTimeZone`).
    func rules(named name: String) throws(ScheduleFailure) -> TimeZoneRules
}
