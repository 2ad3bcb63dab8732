/// The answer to one statement.
public struct PostgresResult: Sendable {
    public let rows: [PostgresRow]
    /// Names of the columns, in order.
    public let columns: [String]
    /// Rows that an INSERT, UPDATE, DELETE or MERGE touched, or a SELECT gave.
    public let affectedRowCount: Int
    /// First word of the command's tag: `SELECT`, `INSERT`, `COMMIT` …
    public let command: String

    /// The only row.
    /// - Throws: `unexpectedValue` when there is none, or more than one.
    public func onlyRow() throws(PostgresError) -> PostgresRow {
        guard rows.count == 1 else {
            throw PostgresError(.unexpectedValue, target: "answer", "expected one row and got \(rows.count)")
        }
        return rows[0]
    }
}

/// One row, with access by column name. Values come in PostgreSQL's text format.
public struct PostgresRow: Sendable {
    let columns: [String]
    let values: [String?]

    /// The text of a column, or nil where it is NULL. The column must exist.
    public subscript(column: String) -> String? {
        guard let index = columns.firstIndex(of: column) else {
            preconditionFailure("the answer has no column '\(column)', only \(columns)")
        }
        return values[index]
    }

    /// Texts of all columns, in order.
    public var texts: [String?] { values }

    /// The value of a column that may not be NULL.
    /// - Throws: `unexpectedValue` for NULL and for text that is no `Value`.
    public func get<Value: PostgresReadable>(_ column: String, as type: Value.Type = Value.self) throws(PostgresError)
        -> Value
    {
        guard let value = try find(column, as: type) else {
            throw PostgresError(.unexpectedValue, target: "answer", "column '\(column)' is NULL")
        }
        return value
    }

    /// The value of a column, or nil where it is NULL.
    /// - Throws: `unexpectedValue` for text that is no `Value`.
    public func find<Value: PostgresReadable>(_ column: String, as type: Value.Type = Value.self) throws(PostgresError)
        -> Value?
    {
        guard let text = self[column] else { return nil }
        guard let value = Value(postgresText: text) else {
            throw PostgresError(
                .unexpectedValue, target: "answer", "column '\(column)' holds '\(text.prefix(40))', which is no \(type)"
            )
        }
        return value
    }
}

/// A type that reads PostgreSQL's text format.
public protocol PostgresReadable: Sendable {
    init?(postgresText: String)
}

extension String: PostgresReadable {
    public init?(postgresText: String) { self = postgresText }
}

extension Int: PostgresReadable {
    public init?(postgresText: String) { self.init(postgresText) }
}

extension Int64: PostgresReadable {
    public init?(postgresText: String) { self.init(postgresText) }
}

extension Double: PostgresReadable {
    public init?(postgresText: String) {
        switch postgresText {
        case "NaN": self = .nan
        case "Infinity": self = .infinity
        case "-Infinity": self = -.infinity
        default: self.init(postgresText)
        }
    }
}

extension Bool: PostgresReadable {
    public init?(postgresText: String) {
        switch postgresText {
        case "t", "true", "on": self = true
        case "f", "false", "off": self = false
        default: return nil
        }
    }
}

/// A value for `$1`, `$2` … of a statement. The server decides its type from where it stands.
public enum PostgresParameter: Sendable, Hashable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case null

    var text: String? {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .number(let number):
            number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : "\(number)"
        case .boolean(let value): value ? "t" : "f"
        case .null: nil
        }
    }

    public init(_ text: String?) { self = text.map(Self.text) ?? .null }
    public init(_ number: Int) { self = .integer(Int64(number)) }
}

extension PostgresParameter: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(nilLiteral: ()) { self = .null }
}
