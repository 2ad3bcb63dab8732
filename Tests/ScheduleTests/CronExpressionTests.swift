import Glibc
import Schedule
import Testing
import Units

/// Goal: a schedule names the same instants as cron does, also where the clock changes. Method: known dates, and random
/// expressions against a model that looks at every single minute.
@Suite struct CronExpressionTests {
    @Test(arguments: [
        ("0 2 * * *", "2026-03-10T02:00:00Z", "2026-03-11T02:00:00Z"),
        ("0 2 * * *", "2026-03-10T01:59:59.999Z", "2026-03-10T02:00:00Z"),
        ("*/15 * * * *", "2026-03-10T02:07:00Z", "2026-03-10T02:15:00Z"),
        ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 13 * fri", "2026-03-14T00:00:00Z", "2026-03-20T00:00:00Z"),
        ("30 8 * * mon-fri", "2026-03-13T09:00:00Z", "2026-03-16T08:30:00Z"),
        ("0 8-18 * * *", "2026-03-10T18:30:00Z", "2026-03-11T08:00:00Z"),
        ("0 3 * * 7", "2026-03-10T00:00:00Z", "2026-03-15T03:00:00Z"),
        ("0 3 * * sat-sun", "2026-03-14T03:00:00Z", "2026-03-15T03:00:00Z"),
        ("0 0 L * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
        ("@yearly", "2026-02-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("0 0 */10 * mon", "2026-03-01T00:00:00Z", "2026-05-11T00:00:00Z"),
    ])
    func `the next run`(text: String, after: String, expected: String) throws {
        let expression = try CronExpression(text)
        let next = expression.next(after: try #require(Timestamp(rfc3339: after)), in: .utc)
        #expect(next?.rfc3339 == expected)
    }

    @Test(arguments: [
        ("0 2 * *", "it has 4 fields instead of 5"), ("0 0 2 * * *", "it has 6 fields instead of 5"),
        ("60 * * * *", "at character 1: the minute 60 is outside 0-59"),
        ("0 2 * * mob", "at character 9: 'mob' is no day of week"),
        ("0 2,x * * *", "at character 5: 'x' is no hour"), ("0 5-2 * * *", "the range 5-2 runs backwards"),
        ("*/0 * * * *", "at character 3: the step '0'"), ("0 0 30 2 *", "never comes"),
        ("@often", "there is no '@often'"),
        ("0 2 * * ,", "a value is missing"), ("", "it has 0 fields"), ("every", "after 'every' comes"),
        ("every 5 minutes", "after 'every' comes"),
    ])
    func `a wrong schedule is explained with its place`(text: String, part: String) throws {
        let failure = #expect(throws: ScheduleFailure.self) { try Recurrence(text) }
        let summary = try #require(failure?.summary)
        #expect(summary.contains(part), "\(summary)")
    }

    @Test(arguments: [
        ("0 2 * * *", "every day at 02:00"), ("* * * * *", "every minute"), ("*/5 * * * *", "every 5 minutes"),
        ("0 * * * *", "every hour"), ("15 * * * *", "every hour at minute 15"),
        ("30 8 * * 1-5", "on Monday to Friday at 08:30"), ("0 3 * * 0", "on Sunday at 03:00"),
        ("0 8-18 * * *", "every hour from 08:00 to 18:00"), ("0 0 1 * *", "on the 1st of every month at 00:00"),
        ("0 0 1 1 *", "on the 1st of January at 00:00"), ("0 4 L * *", "on the last day of every month at 04:00"),
        ("0 */6 * * *", "every day at 00:00, 06:00, 12:00 and 18:00"), ("0 */2 * * *", "every 2 hours"),
        ("0 0 13 * 5", "on the 13th and on Friday of every month at 00:00"),
        ("0 1,13 * 6-8 sat,sun", "on Saturday and Sunday in June to August at 01:00 and 13:00"),
    ])
    func `a schedule reads as words`(text: String, words: String) throws {
        #expect(try CronExpression(text).words() == words)
    }

    @Test func `a skipped time runs once at the jump and a repeated one once`() throws {
        let berlin = try zone("Europe/Berlin")
        // 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC. 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
        #expect(
            try runs("30 2 * * *", berlin, from: "2026-03-28T00:00:00Z", 3) == [
                "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
            ])
        #expect(
            try runs("0,30 2,3 * * *", berlin, from: "2026-03-29T00:30:00Z", 3) == [
                "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z",
            ])
        #expect(
            try runs("30 2 * * *", berlin, from: "2026-10-24T12:00:00Z", 2) == [
                "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
            ])
        #expect(
            try runs("30 * * * *", berlin, from: "2026-10-25T00:00:00Z", 3) == [
                "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z",
            ])
    }

    @Test func `half-hour changes and days that were skipped whole are no trap`() throws {
        // Lord Howe changes by half an hour; Samoa had no 30 December 2011.
        #expect(
            try runs("15 2 * * *", try zone("Australia/Lord_Howe"), from: "2026-10-03T00:00:00Z", 2) == [
                "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z",
            ])
        #expect(
            try runs("0 12 * * *", try zone("Pacific/Apia"), from: "2011-12-29T00:00:00Z", 3) == [
                "2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z",
            ])
    }

    @Test(arguments: ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Jakarta"])
    func `next and previous agree with a look at every minute`(zoneName: String) throws {
        let zone = try zone(zoneName)
        let seed = UInt64.random(in: 0 ..< .max)
        var generator = SplitMix(state: seed)
        for _ in 0..<12 {
            let text = randomExpression(&generator)
            guard let expression = try? CronExpression(text) else { continue }
            let base = Bool.random(using: &generator) ? "2026-03-28T20:00:00Z" : "2026-10-24T10:00:00Z"
            let start = try #require(Timestamp(rfc3339: base))
            let days = 4
            let model = minuteByMinute(expression, zone, from: start - .seconds(86_400 * 2), days: days + 4)
            var at = start
            let end = start + .seconds(86_400 * days)
            while let next = expression.next(after: at, in: zone), next < end {
                let expected = model.first { $0 > at }
                #expect(next == expected, "\(text) in \(zoneName) after \(at.rfc3339), seed \(seed)")
                let back = expression.previous(before: next + .milliseconds(1), in: zone)
                #expect(back == next, "\(text) in \(zoneName) back to \(next.rfc3339), seed \(seed)")
                if next != expected { break }
                at = next
            }
            #expect(
                model.first { $0 > at && $0 < end } == nil, "\(text) in \(zoneName) after \(at.rfc3339), seed \(seed)")
        }
    }

    /// Every minute of real time is looked at. A schedule by time of day runs at a minute whose wall clock is new (later
    /// than all before it on its way) and matches, or at a jump that skips a matching one.
    private func minuteByMinute(_ expression: CronExpression, _ zone: TimeZoneRules, from start: Timestamp, days: Int)
        -> [Timestamp]
    {
        var runs: [Timestamp] = []
        let byElapsed = expression.text.split(separator: " ")[1].first == "*"
        func wallMinute(_ instant: Timestamp) -> Int64 {
            zone.civilTime(at: instant).utcTimestamp.millisecondsSinceEpoch / 60_000
        }
        let naive = NaiveCron(expression.text)
        func isMatch(_ minute: Int64) -> Bool {
            naive.matches(CivilTime(utc: Timestamp(millisecondsSinceEpoch: minute * 60_000)))
        }
        var latest = wallMinute(start) - 1
        for index in 0..<(days * 1440) {
            let instant = start + .seconds(60 * index)
            let wall = wallMinute(instant)
            if byElapsed {
                if isMatch(wall) { runs.append(instant) }
            } else if wall > latest {
                if (latest + 1...wall).contains(where: isMatch) { runs.append(instant) }
                latest = wall
            }
        }
        return runs
    }

    private func runs(_ text: String, _ zone: TimeZoneRules, from start: String, _ count: Int) throws -> [String] {
        let expression = try CronExpression(text)
        var at = try #require(Timestamp(rfc3339: start))
        return try (0..<count).map { _ in
            at = try #require(expression.next(after: at, in: zone))
            return at.rfc3339
        }
    }

    private func randomExpression(_ generator: inout SplitMix) -> String {
        func pick(_ options: [String]) -> String { options.randomElement(using: &generator)! }
        let minutes = ["0", "30", "*/20", "5,45", "15", "10-12"]
        return [
            pick(minutes), pick(["2", "3", "1-3", "*", "*/2", "0,23", "2,14"]),
            pick(["*", "*", "29", "*/2", "25-31", "L"]), pick(["*", "*", "3,10"]), pick(["*", "*", "sun", "1-5"]),
        ].joined(separator: " ")
    }
}

/// Reads the subset of cron that `randomExpression` writes, in the most obvious way.
private struct NaiveCron {
    let fields: [String]

    init(_ text: String) { fields = text.split(separator: " ").map(String.init) }

    func matches(_ time: CivilTime) -> Bool {
        guard allows(0, time.minute), allows(1, time.hour), allows(3, time.month) else { return false }
        let isLast = time.day == CivilTime.dayCount(month: time.month, year: time.year)
        let byDate = fields[2] == "L" ? isLast : allows(2, time.day)
        let byWeekday = fields[4] == "sun" ? time.dayOfWeek == 0 : allows(4, time.dayOfWeek)
        let anyStar = fields[2].hasPrefix("*") || fields[4].hasPrefix("*")
        return anyStar ? byDate && byWeekday : byDate || byWeekday
    }

    private func allows(_ field: Int, _ value: Int) -> Bool {
        let first = field == 2 || field == 3 ? 1 : 0
        return fields[field].split(separator: ",").contains { item in
            if item == "*" { return true }
            if item.hasPrefix("*/") { return (value - first) % Int(item.dropFirst(2))! == 0 }
            let ends = item.split(separator: "-").map { Int($0)! }
            return (ends[0]...ends[ends.count - 1]).contains(value)
        }
    }
}

func zone(_ name: String) throws -> TimeZoneRules {
    if name == "UTC" { return .utc }
    return try TimeZoneRules(name: name, tzif: try zoneBytes(name))
}

func zoneBytes(_ name: String) throws -> [UInt8] {
    let file = try #require(fopen("/usr/share/zoneinfo/\(name)", "rb"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
