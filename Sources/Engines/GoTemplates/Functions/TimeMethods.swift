import Units

// The methods of Go's `time.Time` that make sense in a message. A layout is written with the parts of the reference time
// `Mon Jan 2 15:04:05 MST 2006`: <https://pkg.go.dev/time#Layout>.

/// What `(toTime $value).Format "15:04"` calls.
enum TimeMethods {
    static func call(
        _ method: String, _ arguments: [TemplateValue], seconds: Double
    ) throws(CallFault) -> TemplateValue {
        guard seconds.magnitude < 2e11 else { throw CallFault(reason: "the time is out of range") }
        let instant = Timestamp(secondsSinceEpoch: seconds)
        let civil = CivilTime(utc: instant)
        if method == "Format" {
            return .string(formatted(civil, try TemplateFunctions.text(arguments, 0, of: 1)))
        }
        guard arguments.isEmpty else {
            throw CallFault(reason: "wrong number of args: want 0 got \(arguments.count)")
        }
        switch method {
        case "Unix": return .integer(Int64(seconds.rounded(.down)))
        case "UnixMilli": return .integer(instant.millisecondsSinceEpoch)
        case "UTC", "Local": return .time(seconds)
        case "String": return .string(GoNumber.time(seconds))
        case "Year": return .integer(Int64(civil.year))
        case "Month": return .string(months[civil.month - 1])
        case "Day": return .integer(Int64(civil.day))
        case "Hour": return .integer(Int64(civil.hour))
        case "Minute": return .integer(Int64(civil.minute))
        case "Second": return .integer(Int64(civil.second))
        case "Weekday": return .string(weekdays[civil.dayOfWeek])
        default: throw CallFault(reason: "a time has no method \(method)")
        }
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The parts of a layout, longer ones before those they begin with.
    private static let parts: [(text: String, value: @Sendable (CivilTime) -> String)] = [
        ("January", { months[$0.month - 1] }), ("Jan", { String(months[$0.month - 1].prefix(3)) }),
        ("Monday", { weekdays[$0.dayOfWeek] }), ("Mon", { String(weekdays[$0.dayOfWeek].prefix(3)) }),
        ("MST", { _ in "UTC" }), ("2006", { digits($0.year, 4) }), ("-07:00", { _ in "+00:00" }),
        ("-0700", { _ in "+0000" }), ("Z07:00", { _ in "Z" }), ("01", { digits($0.month, 2) }),
        ("02", { digits($0.day, 2) }), ("03", { digits(($0.hour + 11) % 12 + 1, 2) }),
        ("04", { digits($0.minute, 2) }), ("05", { digits($0.second, 2) }), ("06", { digits($0.year % 100, 2) }),
        (".000", { "." + digits($0.millisecond, 3) }), ("15", { digits($0.hour, 2) }),
        ("PM", { $0.hour < 12 ? "AM" : "PM" }), ("pm", { $0.hour < 12 ? "am" : "pm" }), ("1", { String($0.month) }),
        ("_2", { ($0.day < 10 ? " " : "") + String($0.day) }), ("2", { String($0.day) }),
        ("3", { String(($0.hour + 11) % 12 + 1) }), ("4", { String($0.minute) }), ("5", { String($0.second) }),
    ]

    private static func digits(_ value: Int, _ count: Int) -> String { padded(value, count) }

    private static func formatted(_ civil: CivilTime, _ layout: String) -> String {
        var text = ""
        var rest = Substring(layout)
        while let first = rest.first {
            if let part = parts.first(where: { rest.hasPrefix($0.text) }) {
                text += part.value(civil)
                rest = rest.dropFirst(part.text.count)
            } else {
                text.append(first)
                rest.removeFirst()
            }
        }
        return text
    }
}
