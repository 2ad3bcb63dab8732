/// A date and a time of day of the proleptic Gregorian calendar, without a time zone.
///
/// The conversions are those of Howard Hinnant's "chrono-compatible low-level date algorithms": the year is shifted to
/// begin in March, so that the leap day is the last of its year and the month lengths follow one linear formula.
/// <https://howardhinnant.github.io/date_algorithms.html>
public struct CivilTime: Sendable, Hashable {
    public var year: Int
    /// 1…12.
    public var month: Int
    /// 1…31.
    public var day: Int
    /// 0…23.
    public var hour: Int
    /// 0…59.
    public var minute: Int
    /// 0…59.
    public var second: Int
    /// 0…999.
    public var millisecond: Int

    public init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, millisecond: Int = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.millisecond = millisecond
    }

    /// The civil time that a clock showing UTC has at `instant`.
    public init(utc instant: Timestamp) {
        let (days, msOfDay) = instant.millisecondsSinceEpoch.flooredDivision(by: 86_400_000)
        let shifted = Int(days) + 719_468
        let (era, dayOfEra) = shifted.flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let ms = Int(msOfDay)
        hour = ms / 3_600_000
        minute = ms / 60_000 % 60
        second = ms / 1000 % 60
        millisecond = ms % 1000
    }

    /// The instant at which a clock showing UTC shows this time.
    public var utcTimestamp: Timestamp {
        let seconds = daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second
        return Timestamp(millisecondsSinceEpoch: Int64(seconds) * 1000 + Int64(millisecond))
    }

    /// Whole days between 1970-01-01 and this date.
    public var daysSinceEpoch: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// 0 is Sunday, 6 is Saturday, as in cron.
    public var dayOfWeek: Int { (daysSinceEpoch + 4).flooredDivision(by: 7).remainder }

    public static func isLeap(year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days in a month; `month` is 1…12.
    public static func dayCount(month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year: year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension BinaryInteger {
    /// Quotient rounded towards negative infinity, and the remainder with the divisor's sign.
    package func flooredDivision(by divisor: Self) -> (quotient: Self, remainder: Self) {
        var (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        if remainder != 0 && (remainder < 0) != (divisor < 0) {
            quotient -= 1
            remainder += divisor
        }
        return (quotient, remainder)
    }
}

extension Timestamp {
    /// `2026-03-01T07:05:09.123Z`; the fraction is left out when it is zero (RFC 3339).
    public var rfc3339: String {
        let time = CivilTime(utc: self)
        let date = "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))"
        let clock = "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
        let fraction = time.millisecond == 0 ? "" : ".\(padded(time.millisecond, 3))"
        return "\(date)T\(clock)\(fraction)Z"
    }

    /// Reads RFC 3339: a date, `T` or a space, a time with any number of fractional digits, and `Z` or an offset.
    /// - Returns: nil when the text is something else. Digits past the millisecond are cut.
    public init?(rfc3339 text: some StringProtocol) {
        var rest = Substring(text)[...]
        func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
            let piece = rest.prefix(digits)
            guard piece.utf8.count == digits, piece.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            guard let value = Int(piece), range.contains(value) else { return nil }
            return value
        }
        func literal(_ characters: String) -> Bool {
            guard let first = rest.first, characters.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4, 0...9999), literal("-"), let month = number(2, 1...12), literal("-"),
            let day = number(2, 1...CivilTime.dayCount(month: month, year: year)), literal("Tt "),
            let hour = number(2, 0...23), literal(":"), let minute = number(2, 0...59), literal(":"),
            let second = number(2, 0...60)
        else { return nil }
        var millisecond = 0
        if literal(".") {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let value = Int((String(digits) + "000").prefix(3)) else { return nil }
            millisecond = value
            rest = rest.dropFirst(digits.count)
        }
        var offsetMinutes = 0
        if !literal("Zz") {
            let east = rest.first == "+"
            guard literal("+-"), let hours = number(2, 0...23), literal(":"), let minutes = number(2, 0...59) else {
                return nil
            }
            offsetMinutes = (hours * 60 + minutes) * (east ? 1 : -1)
        }
        guard rest.isEmpty else { return nil }
        let civil = CivilTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, millisecond: millisecond)
        self = civil.utcTimestamp - .seconds(60 * offsetMinutes)
    }
}

/// `value` in decimal, filled with zeros on the left to `width` digits.
package func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
