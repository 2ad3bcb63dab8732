public import Units

// The search goes over wall-clock days and, inside a matching day, over the matching minutes; each candidate is turned into
// its instant by the zone. A day is at most 1440 candidates, and days are skipped by looking at three bit sets, so that
// even a schedule of one day in eight years (29 February) takes well under a millisecond.
//
// Since a change of the clock can move a candidate by an hour or more across midnight, the search begins one day before
// the asked instant and compares instants, not wall clocks.

extension CronExpression {
    /// The first run after `instant`, itself excluded.
    /// - Returns: nil when there is none within 30 years.
    public func next(after instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        if followsElapsedTime { return nextElapsed(after: instant, in: zone) }
        var day = zone.civilTime(at: instant).daysSinceEpoch - 1
        for _ in 0..<searchDayCountMax {
            var best: Timestamp?
            for run in runs(onDay: day, in: zone) where run > instant && run < (best ?? .distantFuture) { best = run }
            if let best { return best }
            day += 1
        }
        return nil
    }

    /// The last run before `instant`, itself excluded.
    /// - Returns: nil when there is none within 30 years.
    public func previous(before instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        if followsElapsedTime { return previousElapsed(before: instant, in: zone) }
        var day = zone.civilTime(at: instant).daysSinceEpoch + 1
        for _ in 0..<searchDayCountMax {
            var best: Timestamp?
            for run in runs(onDay: day, in: zone) where run < instant && run > (best ?? .distantPast) { best = run }
            if let best { return best }
            day -= 1
        }
        return nil
    }

    /// How many runs lie between two instants, both excluded; counting stops at `countMax`.
    public func runCount(after start: Timestamp, before end: Timestamp, in zone: TimeZoneRules, countMax: Int) -> Int {
        var count = 0
        var at = start
        while count < countMax, let run = next(after: at, in: zone), run < end {
            count += 1
            at = run
        }
        return count
    }

    /// The instants that belong to one wall-clock day, in no order.
    private func runs(onDay day: Int, in zone: TimeZoneRules) -> [Timestamp] {
        let date = CivilTime(utc: Timestamp(millisecondsSinceEpoch: Int64(day) * 86_400_000))
        guard matchesDay(year: date.year, month: date.month, day: date.day) else { return [] }
        var runs: [Timestamp] = []
        for hour in hour.values {
            for minute in minute.values {
                var time = date
                time.hour = hour
                time.minute = minute
                runs.append(zone.firstInstant(of: time))
            }
        }
        return runs
    }

    private func nextElapsed(after instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        var at = instant.startOfMinute + .seconds(60)
        let end = instant + .seconds(86_400 * searchDayCountMax)
        while at < end {
            let time = zone.civilTime(at: at)
            if matchesDay(year: time.year, month: time.month, day: time.day) {
                if matches(time) { return at }
                at = at + .seconds(60)
            } else {
                // To a little before the next midnight; the clock may change on the way, so not quite there.
                let minutesLeft = 1440 - time.hour * 60 - time.minute
                at = at + .seconds(60 * max(1, minutesLeft - 180))
            }
        }
        return nil
    }

    private func previousElapsed(before instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        let floor = instant.startOfMinute
        var at = floor == instant ? floor - .seconds(60) : floor
        let end = instant - .seconds(86_400 * searchDayCountMax)
        while at > end {
            let time = zone.civilTime(at: at)
            if matchesDay(year: time.year, month: time.month, day: time.day) {
                if matches(time) { return at }
                at = at - .seconds(60)
            } else {
                at = at - .seconds(60 * max(1, time.hour * 60 + time.minute - 180))
            }
        }
        return nil
    }
}

/// 30 years: past the eight that separate two leap days around 2100, and 29 February on a given weekday.
private let searchDayCountMax = 30 * 366

extension Timestamp {
    var startOfMinute: Timestamp {
        Timestamp(millisecondsSinceEpoch: millisecondsSinceEpoch.flooredDivision(by: 60_000).quotient * 60_000)
    }
}
