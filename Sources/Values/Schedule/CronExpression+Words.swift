public import Texts
import Units

extension CronExpression {
    /// The schedule in words, made from its fields: `every day at 02:00`, `every 5 minutes`, `on Monday to Friday at 08:30`.
    public func words(in language: Language = .english) -> String {
        ScheduleWords(cron: self, t: Phrases(language)).text
    }
}

/// Puts the words of one schedule together.
private struct ScheduleWords {
    let cron: CronExpression
    let t: Phrases<ScheduleText>

    var text: String {
        let days = dayWords
        let time = timeWords
        if days.isEmpty { return time.isClock ? t(.everyDayAt, ["time": time.text]) : time.text }
        return t(time.isClock ? .daysAt : .timeOnDays, ["days": days, "time": time.text])
    }

    private var timeWords: (text: String, isClock: Bool) {
        let minute = cron.minute
        let hour = cron.hour
        let minutes = minute.values
        let hours = hour.values
        if minute.isEvery && hour.isEvery { return (t[.everyMinute], false) }
        if minutes.count * hours.count <= 6 {
            let times = hours.flatMap { hour in minutes.map { "\(padded(hour, 2)):\(padded($0, 2))" } }
            return (list(times), true)
        }
        let minuteText: String
        if minute.isEvery {
            minuteText = t[.everyMinute]
        } else if let step = minute.wholeStep {
            minuteText = step == 1 ? t[.everyMinute] : t(.everyMinutes, ["count": step])
        } else if hour.isEvery && minutes == [0] {
            return (t[.everyHour], false)
        } else {
            let texts = ranges(minutes).map { $0.isSingle ? "\($0.first)" : "\($0.first)-\($0.last)" }
            minuteText = t(.atMinute, ["minutes": list(texts)])
        }
        if hour.isEvery { return (minute.isStar ? minuteText : t(.everyHourAt, ["minute": minuteText]), false) }
        if let step = hour.wholeStep {
            return (
                minutes == [0]
                    ? t(.everyHours, ["count": step]) : t(.everyHoursAt, ["count": step, "minute": minuteText]), false
            )
        }
        let spans = ranges(hours).map {
            t(
                .span,
                [
                    "first": "\(padded($0.first, 2)):\(padded(minutes.first!, 2))",
                    "last": "\(padded($0.last, 2)):\(padded(minutes.last!, 2))",
                ])
        }
        let head = minutes == [0] ? t[.everyHour] : minuteText
        return (t(.fromSpans, ["head": head, "spans": list(spans)]), false)
    }

    private var dayWords: String {
        let dayOfMonth = cron.dayOfMonth
        let dayOfWeek = cron.dayOfWeek
        var parts: [String] = []
        var dates = ""
        if !dayOfMonth.isEvery {
            if let step = dayOfMonth.wholeStep {
                dates = t(.everyDays, ["count": step])
            } else {
                var names = ranges(dayOfMonth.values).map {
                    $0.isSingle ? ordinal($0.first) : t(.span, ["first": ordinal($0.first), "last": ordinal($0.last)])
                }
                if dayOfMonth.isLastDay { names.append(t[.lastDay]) }
                dates = t(.onDates, ["dates": list(names)])
            }
        }
        let weekdays = dayOfWeek.isEvery ? "" : t(.onWeekdays, ["weekdays": list(weekdayNames)])
        if !dates.isEmpty && !weekdays.isEmpty {
            let isBoth = dayOfMonth.isStar || dayOfWeek.isStar
            parts.append(t(isBoth ? .datesIfWeekdays : .datesAndWeekdays, ["dates": dates, "weekdays": weekdays]))
        } else {
            parts += [dates, weekdays].filter { !$0.isEmpty }
        }
        if !cron.month.isEvery {
            let names = ranges(cron.month.values).map { span in
                span.isSingle
                    ? month(span.first) : t(.span, ["first": month(span.first), "last": month(span.last)])
            }
            parts.append(t(dates.isEmpty ? .inMonths : .ofMonths, ["months": list(names)]))
        } else if !dates.isEmpty && dayOfMonth.wholeStep == nil {
            parts.append(t[.ofEveryMonth])
        }
        // A weekday rule beside dates reads better with the months next to the dates.
        return parts.joined(separator: " ")
    }

    private var weekdayNames: [String] {
        let days = cron.dayOfWeek.values
        // The week of people starts on Monday, so that 0,6 is a week end and not two ends of a list.
        let fromMonday = days.map { ($0 + 6) % 7 }.sorted()
        return ranges(fromMonday).flatMap { span -> [String] in
            let names = (span.first...span.last).map { t[weekdaysFromMonday[$0]] }
            return names.count > 2 ? [t(.span, ["first": names.first!, "last": names.last!])] : names
        }
    }

    private func month(_ number: Int) -> String { t[months[number - 1]] }

    private func list(_ items: [String]) -> String {
        guard items.count > 1 else { return items.first ?? "" }
        return t(.andList, ["first": items.dropLast().joined(separator: ", "), "last": items.last!])
    }

    private func ordinal(_ number: Int) -> String {
        let key: ScheduleText =
            switch (number % 10, number % 100) {
            case (_, 11...13): .ordinalOther
            case (1, _): .ordinalFirst
            case (2, _): .ordinalSecond
            case (3, _): .ordinalThird
            default: .ordinalOther
            }
        return t(key, ["number": number])
    }
}

private let weekdaysFromMonday: [ScheduleText] = [
    .monday, .tuesday, .wednesday, .thursday, .friday, .saturday, .sunday,
]
private let months: [ScheduleText] = [
    .january, .february, .march, .april, .may, .june, .july, .august, .september, .october, .november, .december,
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
