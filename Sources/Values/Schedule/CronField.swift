/// One of the five fields of a cron expression, as the set of values that it allows.
struct CronField: Sendable, Hashable {
    enum Kind: Int, Sendable, CaseIterable {
        case minute, hour, dayOfMonth, month, dayOfWeek

        var range: ClosedRange<Int> {
            switch self {
            case .minute: 0...59
            case .hour: 0...23
            case .dayOfMonth: 1...31
            case .month: 1...12
            case .dayOfWeek: 0...7
            }
        }

        var name: String {
            switch self {
            case .minute: "minute"
            case .hour: "hour"
            case .dayOfMonth: "day of month"
            case .month: "month"
            case .dayOfWeek: "day of week"
            }
        }

        var valueNames: [String] {
            switch self {
            case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            case .dayOfWeek: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
            default: []
            }
        }
    }

    let kind: Kind
    /// Bit n is set when the value n is allowed. Sunday is 0; 7 is folded into it.
    private(set) var bits: UInt64 = 0
    /// The field began with `*`. It decides how the two day fields combine, as in Vixie cron: also `*/2` counts as a star.
    private(set) var isStar = false
    /// The text was just `*`.
    private(set) var isEvery = false
    /// `L` in the day of month: the last day, whatever its number.
    private(set) var isLastDay = false
    /// The step where the whole field is `*/step`.
    private(set) var wholeStep: Int?

    func contains(_ value: Int) -> Bool { bits >> UInt64(value) & 1 == 1 }

    var values: [Int] { kind.range.filter { contains($0) } }

    /// - Parameters:
    ///   - column: where `text` begins in `whole`, from 1.
    init(_ text: Substring, _ kind: Kind, in whole: String, column: Int) throws(ScheduleFailure) {
        self.kind = kind
        isEvery = text == "*"
        isStar = text.first == "*"
        var at = column
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            try add(item, in: whole, column: at, isOnly: item.count == text.count)
            at += item.count + 1
        }
        if kind == .dayOfWeek, contains(7) { bits = bits & ~(1 << 7) | 1 }
    }

    private mutating func add(_ item: Substring, in whole: String, column: Int, isOnly: Bool) throws(ScheduleFailure) {
        func fault(_ reason: String, at offset: Int = 0, hint: String? = nil) -> ScheduleFailure {
            ScheduleFailure(.invalidExpression, whole, column: column + offset, reason, hint: hint)
        }
        let range = kind.range
        guard !item.isEmpty else { throw fault("a value is missing in the \(kind.name)", hint: Self.exampleHint) }
        if kind == .dayOfMonth, item.lowercased() == "l" {
            isLastDay = true
            return
        }
        let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var step = 1
        if parts.count == 2 {
            let offset = parts[0].count + 1
            guard let number = Self.number(parts[1]), number > 0 else {
                throw fault("the step '\(parts[1])' is not a whole number above 0", at: offset, hint: Self.exampleHint)
            }
            guard number <= range.upperBound - range.lowerBound + 1 else {
                throw fault("the step \(number) is larger than the \(kind.name)'s range", at: offset)
            }
            step = number
        }
        var low = range.lowerBound
        var high = kind == .dayOfWeek ? 6 : range.upperBound
        if parts[0] == "*" {
            if isOnly && parts.count == 2 { wholeStep = step }
        } else {
            let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = value(ends[0]) else { throw fault(misread(ends[0]), hint: nameHint(ends[0])) }
            low = first
            if ends.count == 2 {
                let offset = ends[0].count + 1
                guard let last = value(ends[1]) else {
                    throw fault(misread(ends[1]), at: offset, hint: nameHint(ends[1]))
                }
                // `sat-sun` is a week end, not an empty range.
                high = kind == .dayOfWeek && last == 0 && first > 0 ? 7 : last
                guard low <= high else {
                    throw fault(
                        "the range \(parts[0]) runs backwards",
                        hint: "Write it as two: \(ends[0])-\(range.upperBound),\(range.lowerBound)-\(ends[1]).")
                }
            } else if parts.count == 1 {
                high = first
            }
        }
        for number in stride(from: low, through: high, by: step) { bits |= 1 << UInt64(number) }
    }

    private func value(_ text: Substring) -> Int? {
        if let number = Self.number(text) { return kind.range.contains(number) ? number : nil }
        guard let index = kind.valueNames.firstIndex(of: text.lowercased()) else { return nil }
        return kind.range.lowerBound + index
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private func misread(_ text: Substring) -> String {
        let range = kind.range
        return Self.number(text) == nil
            ? "'\(text)' is no \(kind.name)"
            : "the \(kind.name) \(text) is outside \(range.lowerBound)-\(range.upperBound)"
    }

    private func nameHint(_ text: Substring) -> String {
        let names = kind.valueNames
        return names.isEmpty ? Self.exampleHint : "Names are \(names.joined(separator: ", "))."
    }

    static let exampleHint = "Write five fields as in '30 2 * * mon-fri' (minute, hour, day, month, weekday)."
}
