import JSONCoding
import Units

/// One condition on a value inside a JSON reply.
public struct JSONCondition: Sendable, Hashable {
    public enum Test: Sendable, Hashable {
        case equals(String)
        case not(String)
        case less(Double)
        case greater(Double)
        case exists(Bool)
    }

    /// Keys and indexes with dots between: `services.database.status`, `items.0.name` or `items[0].name`.
    public var path: String
    public var test: Test

    public init(_ path: String, _ test: Test) {
        self.path = path
        self.test = test
    }

    /// What is wrong, in one sentence; nil when the condition holds. A value that is not there fails all but `exists: false`.
    func failure(in document: JSONValue) -> String? {
        let value = Self.value(at: path, in: document)
        if case .exists(let wanted) = test {
            guard (value != nil) != wanted else { return nil }
            return wanted ? "\(path) is missing from the reply" : "\(path) is in the reply and should not be"
        }
        guard let value else { return "\(path) is missing from the reply" }
        let shown = String(value.canonicalText.prefix(80))
        switch test {
        case .equals(let wanted):
            return Self.isSame(value, wanted) ? nil : "\(path) is \(shown), expected \(wanted)"
        case .not(let unwanted):
            return Self.isSame(value, unwanted) ? "\(path) is \(shown)" : nil
        case .less(let limit):
            guard let number = value.doubleValue else { return "\(path) is \(shown), not a number" }
            return number < limit
                ? nil : "\(path) is \(shown), expected less than \(limit.shortText(significantDigits: 10))"
        case .greater(let limit):
            guard let number = value.doubleValue else { return "\(path) is \(shown), not a number" }
            return number > limit
                ? nil : "\(path) is \(shown), expected more than \(limit.shortText(significantDigits: 10))"
        case .exists: return nil
        }
    }

    static func value(at path: String, in document: JSONValue) -> JSONValue? {
        let steps = path.split { $0 == "." || $0 == "[" || $0 == "]" }
        return steps.reduce(Optional(document)) { value, step in
            if let index = Int(step), case .array = value { return value?[index] }
            return value?[String(step)]
        }
    }

    /// Settings are texts: `3` means the number, `true` the boolean, `null` nothing.
    private static func isSame(_ value: JSONValue, _ text: String) -> Bool {
        switch value {
        case .string(let own): own == text
        case .integer, .number: Double(text) == value.doubleValue
        case .bool(let own): text == String(own)
        case .null: text == "null"
        case .array, .object: value.canonicalText == text
        }
    }
}
