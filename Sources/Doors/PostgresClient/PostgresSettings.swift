public import Diagnostics

/// How to reach one database. What is left out is libpq's to fill: `PGHOST` and its kin, `.pgpass`, the service file
/// (PostgreSQL's manual, section 34.15 and following).
public struct PostgresSettings: Sendable, Hashable {
    /// A name, an address, or the folder of a unix socket (starts with `/`).
    public var host: String?
    public var port: Int?
    public var database: String?
    public var user: String?
    public var password: Secret?
    /// `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`.
    public var sslMode: String?
    /// An entry of the connection service file.
    public var service: String?
    public var applicationName: String
    /// Command-line options for the session, as in `-c search_path=shop`.
    public var options: String?
    /// Other connection parameters of libpq by their own names (`sslrootcert`, `target_session_attrs` …).
    public var further: [String: String]

    public init(
        host: String? = nil, port: Int? = nil, database: String? = nil, user: String? = nil, password: Secret? = nil,
        sslMode: String? = nil, service: String? = nil, applicationName: String = "jaga", options: String? = nil,
        further: [String: String] = [:]
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
        self.sslMode = sslMode
        self.service = service
        self.applicationName = applicationName
        self.options = options
        self.further = further
    }

    /// These settings for another database of the same server.
    public func connecting(to database: String) -> PostgresSettings {
        var other = self
        other.database = database
        return other
    }

    /// `user@host:port/database`, for messages.
    public var target: String {
        var text = user.map { $0 + "@" } ?? ""
        if let service, host == nil { text += "service:\(service)" } else { text += host ?? "local" }
        if let port { text += ":\(port)" }
        if let database { text += "/\(database)" }
        return text
    }

    /// Keywords and values for `PQconnectStartParams`.
    var parameters: [(keyword: String, value: String)] {
        var list: [(String, String)] = []
        func add(_ keyword: String, _ value: String?) {
            if let value, !value.isEmpty { list.append((keyword, value)) }
        }
        add("service", service)
        add("host", host)
        add("port", port.map { "\($0)" })
        add("dbname", database)
        add("user", user)
        add("password", password?.reveal())
        add("sslmode", sslMode)
        add("application_name", applicationName)
        add("options", options)
        // A Kerberos negotiation before each connection costs memory and a round trip, and few have one.
        if further["gssencmode"] == nil { add("gssencmode", "disable") }
        for (keyword, value) in further.sorted(by: { $0.key < $1.key }) { add(keyword, value) }
        return list
    }
}

extension PostgresSettings {
    /// Reads a connection URI (PostgreSQL's manual, section 34.1.1.2) for one host:
    /// `postgres://user:password@host:port/database?sslmode=require`.
    /// - Throws: `invalidSettings`. The message never repeats the text, since it may hold a password.
    public init(url: String) throws(PostgresError) {
        func invalid(_ reason: String) -> PostgresError {
            PostgresError(.invalidSettings, target: "URL", reason)
        }
        func decoded(_ text: Substring, _ part: String) throws(PostgresError) -> String {
            guard let text = percentDecoded(text) else {
                throw invalid("the \(part) has a percent sign that is not followed by two hexadecimal digits")
            }
            return text
        }
        self.init()
        var rest: Substring
        if url.hasPrefix("postgres://") {
            rest = url.dropFirst("postgres://".count)
        } else if url.hasPrefix("postgresql://") {
            rest = url.dropFirst("postgresql://".count)
        } else {
            throw invalid("a PostgreSQL URL starts with postgres:// or postgresql://")
        }
        var query: Substring = ""
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let name = try decoded(rest[rest.index(after: slash)...], "database's name")
            database = name.isEmpty ? nil : name
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let person = rest[..<at]
            rest = rest[rest.index(after: at)...]
            if let colon = person.firstIndex(of: ":") {
                user = try decoded(person[..<colon], "user's name")
                password = Secret(try decoded(person[person.index(after: colon)...], "password"))
            } else {
                user = try decoded(person, "user's name")
            }
        }
        var portText: Substring = ""
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw invalid("the IPv6 address lacks its ']'") }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            portText = rest[rest.index(after: end)...]
        } else if let colon = rest.firstIndex(of: ":") {
            host = try decoded(rest[..<colon], "host")
            portText = rest[colon...]
        } else {
            host = try decoded(rest, "host")
        }
        if host?.isEmpty == true { host = nil }
        if !portText.isEmpty {
            guard portText.hasPrefix(":"), let number = Int(portText.dropFirst()), (1...65535).contains(number) else {
                throw invalid("the port is no number from 1 to 65535")
            }
            port = number
        }
        for pair in query.split(separator: "&") {
            guard let equals = pair.firstIndex(of: "=") else { throw invalid("a parameter after '?' lacks its '='") }
            let key = try decoded(pair[..<equals], "name of a parameter")
            let value = try decoded(pair[pair.index(after: equals)...], "value of a parameter")
            switch key {
            case "host": host = value
            case "port":
                guard let number = Int(value), (1...65535).contains(number) else {
                    throw invalid("the port is no number from 1 to 65535")
                }
                port = number
            case "dbname": database = value
            case "user": user = value
            case "password": password = Secret(value)
            case "sslmode": sslMode = value
            case "service": service = value
            case "application_name": applicationName = value
            case "options": options = value
            default: further[key] = value
            }
        }
    }
}

private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
            return nil
        }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// Settings of a session that the server holds to, whatever its configuration says. Nil leaves the server's own.
public struct PostgresSession: Sendable, Hashable {
    public var statementTimeout: Duration?
    public var lockTimeout: Duration?
    public var idleInTransactionTimeout: Duration?
    /// Sets `default_transaction_read_only`.
    public var isReadOnly: Bool
    /// Other run-time parameters by name.
    public var further: [String: String]

    public init(
        statementTimeout: Duration? = nil, lockTimeout: Duration? = nil, idleInTransactionTimeout: Duration? = nil,
        isReadOnly: Bool = false, further: [String: String] = [:]
    ) {
        self.statementTimeout = statementTimeout
        self.lockTimeout = lockTimeout
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.isReadOnly = isReadOnly
        self.further = further
    }

    var parameters: [(name: String, value: String)] {
        var list: [(String, String)] = []
        func add(_ name: String, _ limit: Duration?) {
            guard let limit else { return }
            let (seconds, attoseconds) = limit.components
            // Zero would mean "no limit" to the server.
            list.append((name, "\(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))"))
        }
        add("statement_timeout", statementTimeout)
        add("lock_timeout", lockTimeout)
        add("idle_in_transaction_session_timeout", idleInTransactionTimeout)
        if isReadOnly { list.append(("default_transaction_read_only", "on")) }
        list += further.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return list
    }
}
