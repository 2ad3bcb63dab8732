import Units

private let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as a reply's `Date` is written (RFC 9110, section 5.6.7).
func httpDate(_ instant: Timestamp) -> String {
    let time = CivilTime(utc: instant)
    let day = "\(days[time.dayOfWeek]), \(padded(time.day, 2)) \(months[time.month - 1]) \(padded(time.year, 4))"
    return "\(day) \(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2)) GMT"
}
