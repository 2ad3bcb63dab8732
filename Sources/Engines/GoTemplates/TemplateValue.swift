/// What a template computes with.
public enum TemplateValue: Sendable, Hashable {
    case nothing
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case list([TemplateValue])
    /// A missing key reads as an empty string, as Prometheus's `missingkey=zero` has it for labels.
    case map([String: TemplateValue])
    /// Fields that must exist: a misspelt one is an error.
    case record([Field])
    case sample(TemplateSample)
    /// Seconds since 1970, shown as a time in UTC.
    case time(Double)

    /// A named part of a record.
    public struct Field: Sendable, Hashable {
        public var name: String
        public var value: TemplateValue

        public init(_ name: String, _ value: TemplateValue) {
            self.name = name
            self.value = value
        }
    }
}

/// One element of a query's result.
public struct TemplateSample: Sendable, Hashable {
    public var labels: [String: String]
    public var value: Double

    public init(labels: [String: String], value: Double) {
        self.labels = labels
        self.value = value
    }
}

extension TemplateValue {
    /// As Go's templates see it: false, zero, nothing and whatever is empty are not true.
    var isTrue: Bool {
        switch self {
        case .nothing: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .string(let text): !text.isEmpty
        case .list(let items): !items.isEmpty
        case .map(let members): !members.isEmpty
        case .record, .sample, .time: true
        }
    }

    var kindName: String {
        switch self {
        case .nothing: "nil"
        case .bool: "bool"
        case .integer: "int"
        case .number: "float64"
        case .string: "string"
        case .list: "list"
        case .map: "map[string]string"
        case .record: "record"
        case .sample: "sample"
        case .time: "time"
        }
    }

    /// As `fmt.Print` writes it.
    var printed: String {
        switch self {
        case .nothing: "<nil>"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): GoNumber.shortest(value)
        case .string(let text): text
        case .list(let items): "[" + items.map(\.printed).joined(separator: " ") + "]"
        case .record(let fields): "{" + fields.map(\.value.printed).joined(separator: " ") + "}"
        case .map(let members):
            "map[" + members.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.printed)" }.joined(separator: " ")
                + "]"
        case .sample(let sample):
            "{\(TemplateValue.map(sample.labelValues).printed) \(GoNumber.shortest(sample.value))}"
        case .time(let seconds): GoNumber.time(seconds)
        }
    }
}

extension TemplateSample {
    var labelValues: [String: TemplateValue] { labels.mapValues { .string($0) } }
}
