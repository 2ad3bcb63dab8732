import Units

/// A POSIX `TZ` rule (RFC 8536, section 3.3): `CET-1CEST,M3.5.0,M10.5.0/3`, for all years to come.
struct PosixTimeZone: Sendable, Hashable {
    enum Day: Sendable, Hashable {
        /// `Jn`: 1…365, 29 February never counted.
        case julian(Int)
        /// `n`: 0…365, 29 February counted.
        case zeroBased(Int)
        /// `Mm.w.d`: weekday d of week w (5: the last) of month m.
        case month(Int, week: Int, weekday: Int)
    }

    struct Change: Sendable, Hashable {
        var day: Day
        /// Seconds after local midnight, −167…167 hours.
        var second: Int
    }

    /// Seconds east of UTC.
    let standardOffset: Int
    let summer: Summer?

    struct Summer: Sendable, Hashable {
        var offset: Int
        var start: Change
        var end: Change
    }

    init?(_ text: String) {
        var rest = Substring(text)
        guard Self.skipName(&rest), let west = Self.clock(&rest) else { return nil }
        standardOffset = -west
        guard !rest.isEmpty else {
            summer = nil
            return
        }
        guard Self.skipName(&rest) else { return nil }
        var offset = standardOffset + 3600
        if let first = rest.first, first != "," {
            guard let west = Self.clock(&rest) else { return nil }
            offset = -west
        }
        guard let start = Self.change(&rest), let end = Self.change(&rest), rest.isEmpty else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// Seconds east of UTC at `second` since the epoch.
    func offset(at second: Int64) -> Int {
        guard let summer else { return standardOffset }
        let year = CivilTime(utc: Timestamp(millisecondsSinceEpoch: (second + Int64(standardOffset)) * 1000)).year
        // Each change is given in the local time that holds just before it.
        let start = Self.localSecond(of: summer.start, year: year) - Int64(standardOffset)
        let end = Self.localSecond(of: summer.end, year: year) - Int64(summer.offset)
        let isSummer = start < end ? second >= start && second < end : !(second >= end && second < start)
        return isSummer ? summer.offset : standardOffset
    }

    private static func localSecond(of change: Change, year: Int) -> Int64 {
        let firstDay = CivilTime(year: year, month: 1, day: 1).daysSinceEpoch
        let day: Int
        switch change.day {
        case .julian(let number): day = firstDay + number - 1 + (CivilTime.isLeap(year: year) && number > 59 ? 1 : 0)
        case .zeroBased(let number): day = firstDay + number
        case .month(let month, let week, let weekday):
            let first = CivilTime(year: year, month: month, day: 1)
            var date = 1 + (weekday - first.dayOfWeek + 7) % 7 + (week - 1) * 7
            if date > CivilTime.dayCount(month: month, year: year) { date -= 7 }
            day = first.daysSinceEpoch + date - 1
        }
        return Int64(day) * 86_400 + Int64(change.second)
    }

    private static func skipName(_ rest: inout Substring) -> Bool {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let name = rest.prefix { $0.isLetter }
        rest = rest.dropFirst(name.count)
        return name.count >= 3
    }

    private static func number(_ rest: inout Substring) -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 3, let value = Int(digits) else { return nil }
        rest = rest.dropFirst(digits.count)
        return value
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private static func clock(_ rest: inout Substring) -> Int? {
        var sign = 1
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            rest = rest.dropFirst()
        }
        guard let hours = number(&rest), hours <= 167 else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where rest.first == ":" {
            rest = rest.dropFirst()
            guard let value = number(&rest), value < 60 else { return nil }
            seconds += value * unit
        }
        return sign * seconds
    }

    private static func change(_ rest: inout Substring) -> Change? {
        guard rest.first == "," else { return nil }
        rest = rest.dropFirst()
        let day: Day
        switch rest.first {
        case "M":
            rest = rest.dropFirst()
            guard let month = number(&rest), (1...12).contains(month), skip(".", &rest), let week = number(&rest),
                (1...5).contains(week), skip(".", &rest), let weekday = number(&rest), weekday <= 6
            else { return nil }
            day = .month(month, week: week, weekday: weekday)
        case "J":
            rest = rest.dropFirst()
            guard let value = number(&rest), (1...365).contains(value) else { return nil }
            day = .julian(value)
        default:
            guard let value = number(&rest), value <= 365 else { return nil }
            day = .zeroBased(value)
        }
        guard rest.first == "/" else { return Change(day: day, second: 7200) }
        rest = rest.dropFirst()
        guard let second = clock(&rest) else { return nil }
        return Change(day: day, second: second)
    }

    private static func skip(_ character: Character, _ rest: inout Substring) -> Bool {
        guard rest.first == character else { return false }
        rest = rest.dropFirst()
        return true
    }
}
