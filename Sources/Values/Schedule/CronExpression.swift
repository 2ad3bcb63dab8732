import Units

// A cron expression as cron(8) of Debian reads it: minute, hour, day of month, month, day of week; lists, ranges, steps,
// names of three letters, `@daily` and its kin; `L` for the last day of a month in addition.
//
// The two day fields: when both are restricted, a day counts when EITHER matches; when one begins with a star, both must.
//
// Daylight saving. A schedule is a set of wall-clock minutes, and the zone's rules map these to instants:
//   - a wall-clock minute that does not exist (the clock jumps from 02:00 to 03:00) runs at the first instant after the
//     jump, once, however many of its minutes were skipped and also when 03:00 is in the schedule itself;
//   - one that exists twice (the clock goes back from 03:00 to 02:00) runs the first time only.
// An exception, as in cron(8), is a schedule whose hour field begins with a star: "every hour" and "every five minutes"
// mean elapsed time, so it runs in the repeated hour too, and nothing is made up for a skipped one.

/// When something shall happen, as a set of wall-clock minutes.
public struct CronExpression: Sendable, Hashable {
    /// As it was written, without surrounding spaces.
    public let text: String
    let minute: CronField
    let hour: CronField
    let dayOfMonth: CronField
    let month: CronField
    let dayOfWeek: CronField

    /// - Throws: `ScheduleFailure` with the character at fault, also when no day can ever match (`0 0 30 2 *`).
    public init(_ source: some StringProtocol) throws(ScheduleFailure) {
        let text = String(source.trimmed)
        var expanded = text
        if text.hasPrefix("@") {
            guard let meaning = cronNicknames[text.lowercased()] else {
                throw ScheduleFailure(
                    .invalidExpression, text, column: 1, "there is no '\(text)'",
                    hint: "Known are \(cronNicknames.keys.sorted().joined(separator: ", ")).")
            }
            expanded = meaning
        }
        var fields: [(text: Substring, column: Int)] = []
        var column = 1
        for piece in expanded.split(omittingEmptySubsequences: false, whereSeparator: { $0 == " " || $0 == "\t" }) {
            if !piece.isEmpty { fields.append((piece, column)) }
            column += piece.count + 1
        }
        guard fields.count == 5 else {
            throw ScheduleFailure(
                .invalidExpression, text, "it has \(fields.count) field\(fields.count == 1 ? "" : "s") instead of 5",
                hint: fields.count == 6
                    ? "Leave out the seconds: cron counts in minutes." : CronField.exampleHint)
        }
        self.text = text
        minute = try CronField(fields[0].text, .minute, in: text, column: fields[0].column)
        hour = try CronField(fields[1].text, .hour, in: text, column: fields[1].column)
        dayOfMonth = try CronField(fields[2].text, .dayOfMonth, in: text, column: fields[2].column)
        month = try CronField(fields[3].text, .month, in: text, column: fields[3].column)
        dayOfWeek = try CronField(fields[4].text, .dayOfWeek, in: text, column: fields[4].column)
        let dayCounts = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let reachable = month.values.contains { month in
            dayOfMonth.isLastDay || dayOfMonth.values.contains { $0 <= dayCounts[month - 1] }
        }
        if !reachable && (dayOfWeek.isStar || dayOfMonth.isStar) {
            throw ScheduleFailure(
                .neverRuns, text, "no month in it has such a day",
                hint: "The last day of a month is written L, as in '0 0 L 2 *'.")
        }
    }

    /// Whether the wall clock of `time` is in the schedule, whatever the zone.
    func matches(_ time: CivilTime) -> Bool {
        minute.contains(time.minute) && hour.contains(time.hour)
            && matchesDay(year: time.year, month: time.month, day: time.day)
    }

    func matchesDay(year: Int, month: Int, day: Int) -> Bool {
        guard self.month.contains(month) else { return false }
        let isLast = dayOfMonth.isLastDay && day == CivilTime.dayCount(month: month, year: year)
        let byMonth = dayOfMonth.contains(day) || isLast
        let byWeek = dayOfWeek.contains(CivilTime(year: year, month: month, day: day).dayOfWeek)
        return dayOfMonth.isStar || dayOfWeek.isStar ? byMonth && byWeek : byMonth || byWeek
    }

    /// `* …` or `*/2 …` hours: elapsed time rather than a time of day.
    var followsElapsedTime: Bool { hour.isStar }
}

let cronNicknames = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
]

extension StringProtocol {
    /// Without spaces, tabs and line ends at both ends.
    var trimmed: SubSequence {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return rest
    }
}
