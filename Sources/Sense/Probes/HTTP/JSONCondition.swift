import JSONCoding
import Texts
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
    func failure(in document: JSONValue, _ t: Phrases<ProbeText>) -> String? {
        let value = Self.value(at: path, in: document)
        if case .exists(let wanted) = test {
            guard (value != nil) != wanted else { return nil }
            return t(wanted ? .valueMissing : .valueUnwanted, ["path": path])
        }
        guard let value else { return t(.valueMissing, ["path": path]) }
        let shown = String(value.canonicalText.prefix(80))
        switch test {
        case .equals(let wanted):
            guard !Self.isSame(value, wanted) else { return nil }
            return t(.valueWrong, ["path": path, "value": shown, "expected": wanted])
        case .not(let unwanted):
            guard Self.isSame(value, unwanted) else { return nil }
            return t(.valueForbidden, ["path": path, "value": shown])
        case .less(let limit): return failure(value, shown, .valueTooLarge, limit, t) { $0 < limit }
        case .greater(let limit): return failure(value, shown, .valueTooSmall, limit, t) { $0 > limit }
        case .exists: return nil
        }
    }

    private func failure(
        _ value: JSONValue, _ shown: String, _ key: ProbeText, _ limit: Double, _ t: Phrases<ProbeText>,
        _ holds: (Double) -> Bool
    ) -> String? {
        guard let number = value.doubleValue else { return t(.valueNotNumber, ["path": path, "value": shown]) }
        guard !holds(number) else { return nil }
        return t(key, ["path": path, "value": shown, "limit": limit.shortText(significantDigits: 10)])
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
