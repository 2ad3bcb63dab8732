import Units

extension CronExpression {
    /// The schedule in words, made from its fields: `every day at 02:00`, `every 5 minutes`, `on Monday to Friday at 08:30`.
    public var words: String {
        let days = dayWords
        let time = timeWords
        if days.isEmpty { return time.isClock ? "every day at \(time.text)" : time.text }
        return time.isClock ? "\(days) at \(time.text)" : "\(time.text) \(days)"
    }

    private var timeWords: (text: String, isClock: Bool) {
        let minutes = minute.values
        let hours = hour.values
        if minute.isEvery && hour.isEvery { return ("every minute", false) }
        if minutes.count * hours.count <= 6 {
            let times = hours.flatMap { hour in minutes.map { "\(padded(hour, 2)):\(padded($0, 2))" } }
            return (list(times), true)
        }
        let minuteText: String
        if minute.isEvery {
            minuteText = "every minute"
        } else if let step = minute.wholeStep {
            minuteText = step == 1 ? "every minute" : "every \(step) minutes"
        } else if hour.isEvery && minutes == [0] {
            return ("every hour", false)
        } else {
            minuteText =
                "at minute \(list(ranges(minutes).map { $0.isSingle ? "\($0.first)" : "\($0.first)-\($0.last)" }))"
        }
        if hour.isEvery { return (minute.isStar ? minuteText : "every hour \(minuteText)", false) }
        if let step = hour.wholeStep {
            return (minutes == [0] ? "every \(step) hours" : "every \(step) hours \(minuteText)", false)
        }
        let spans = ranges(hours).map {
            "\(padded($0.first, 2)):\(padded(minutes.first!, 2)) to \(padded($0.last, 2)):\(padded(minutes.last!, 2))"
        }
        let head = minutes == [0] ? "every hour" : minuteText
        return ("\(head) from \(list(spans))", false)
    }

    private var dayWords: String {
        var parts: [String] = []
        let monthDays = dayOfMonth.values
        var dates = ""
        if !dayOfMonth.isEvery {
            if let step = dayOfMonth.wholeStep {
                dates = "every \(step) days from the 1st"
            } else {
                var names = ranges(monthDays).map {
                    $0.isSingle ? ordinal($0.first) : "\(ordinal($0.first)) to \(ordinal($0.last))"
                }
                if dayOfMonth.isLastDay { names.append("last day") }
                dates = "on the \(list(names))"
            }
        }
        let weekdays = dayOfWeek.isEvery ? "" : "on \(list(weekdayNames))"
        if !dates.isEmpty && !weekdays.isEmpty {
            parts.append(
                dayOfMonth.isStar || dayOfWeek.isStar ? "\(dates) if that is \(weekdays)" : "\(dates) and \(weekdays)")
        } else {
            parts += [dates, weekdays].filter { !$0.isEmpty }
        }
        if !month.isEvery {
            let names = ranges(month.values).map { span in
                span.isSingle
                    ? monthNames[span.first - 1] : "\(monthNames[span.first - 1]) to \(monthNames[span.last - 1])"
            }
            parts.append(dates.isEmpty ? "in \(list(names))" : "of \(list(names))")
        } else if !dates.isEmpty && dayOfMonth.wholeStep == nil {
            parts.append("of every month")
        }
        if parts.isEmpty { return "" }
        // A weekday rule beside dates reads better with the months next to the dates.
        return parts.joined(separator: " ")
    }

    private var weekdayNames: [String] {
        let days = dayOfWeek.values
        // The week of people starts on Monday, so that 0,6 is a week end and not two ends of a list.
        let fromMonday = days.map { ($0 + 6) % 7 }.sorted()
        return ranges(fromMonday).flatMap { span -> [String] in
            let names = (span.first...span.last).map { weekdayNamesFromMonday[$0] }
            return names.count > 2 ? ["\(names.first!) to \(names.last!)"] : names
        }
    }
}

private let weekdayNamesFromMonday = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
private let monthNames = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]

private struct Span {
    var first: Int
    var last: Int
    var isSingle: Bool { first == last }
}

private func ranges(_ values: [Int]) -> [Span] {
    var spans: [Span] = []
    for value in values {
        if let last = spans.last, last.last == value - 1 {
            spans[spans.count - 1].last = value
        } else {
            spans.append(Span(first: value, last: value))
        }
    }
    return spans
}

private func list(_ items: [String]) -> String {
    guard items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + items.last!
}

private func ordinal(_ number: Int) -> String {
    let ending =
        switch (number % 10, number % 100) {
        case (_, 11...13): "th"
        case (1, _): "st"
        case (2, _): "nd"
        case (3, _): "rd"
        default: "th"
        }
    return "\(number)\(ending)"
}
