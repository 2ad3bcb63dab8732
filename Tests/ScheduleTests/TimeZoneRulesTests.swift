import Glibc
import Schedule
import Testing
import Units

/// Goal: the wall clock of a zone is the one that the C library shows. Method: random instants of two centuries in zones of
/// different kinds against `localtime_r`, and damaged files.
@Suite(.serialized) struct TimeZoneRulesTests {
    @Test(arguments: [
        "Europe/Berlin", "Asia/Jakarta", "Asia/Ho_Chi_Minh", "America/New_York", "America/Sao_Paulo", "Europe/Dublin",
        "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Antarctica/Troll",
    ])
    func `offsets are those of the C library`(name: String) throws {
        let rules = try zone(name)
        let seed = UInt64.random(in: 0 ..< .max)
        var generator = SplitMix(state: seed)
        setenv("TZ", name, 1)
        tzset()
        defer {
            unsetenv("TZ")
            tzset()
        }
        for _ in 0..<3000 {
            var second = time_t.random(in: -2_000_000_000...4_500_000_000, using: &generator)
            var local = tm()
            localtime_r(&second, &local)
            let offset = rules.offsetSeconds(at: Timestamp(millisecondsSinceEpoch: Int64(second) * 1000))
            #expect(offset == local.tm_gmtoff, "\(name) at \(second), seed \(seed)")
            if offset != local.tm_gmtoff { break }
        }
    }

    @Test func `a damaged file is refused, never misread or fatal`() throws {
        let bytes = try zoneBytes("Europe/Berlin")
        #expect(throws: ScheduleFailure.self) { try TimeZoneRules(name: "x", tzif: []) }
        for count in stride(from: 0, to: bytes.count - 40, by: 7) {
            #expect(throws: ScheduleFailure.self) { try TimeZoneRules(name: "x", tzif: Array(bytes.prefix(count))) }
        }
        for index in 0..<min(bytes.count, 1500) {
            var damaged = bytes
            damaged[index] ^= 0xff
            _ = try? TimeZoneRules(name: "x", tzif: damaged)
        }
    }

    @Test func `an interval counts from the epoch`() throws {
        let rule = try Recurrence("every 15m")
        let now = try #require(Timestamp(rfc3339: "2026-03-10T02:07:00Z"))
        #expect(rule.next(after: now)?.rfc3339 == "2026-03-10T02:15:00Z")
        #expect(rule.previous(before: now)?.rfc3339 == "2026-03-10T02:00:00Z")
        #expect(rule.words() == "every 15m")
    }

    @Test func `the longest gap of a weekday schedule is the week end`() throws {
        let rule = try Recurrence("0 2 * * mon-fri")
        let now = try #require(Timestamp(rfc3339: "2026-03-10T02:07:00Z"))
        #expect(rule.longestGap(after: now) == .seconds(3 * 86_400))
    }
}
