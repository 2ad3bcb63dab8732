public import Diagnostics

/// Why PostgreSQL could not be asked, or did not answer as wished. Never holds a password.
public struct PostgresError: Failure {
    public enum Code: String, Sendable, Hashable {
        /// The connection settings or the URL cannot be read.
        case invalidSettings = "postgres-invalid-settings"
        /// The host's name has no address.
        case hostUnknown = "postgres-host-unknown"
        /// Nothing listens there.
        case connectionRefused = "postgres-connection-refused"
        /// Wrong password, no password, no such role, or not allowed by `pg_hba.conf`.
        case authenticationFailed = "postgres-authentication-failed"
        /// SQLSTATE 3D000.
        case databaseMissing = "postgres-database-missing"
        /// SQLSTATE 53300: `max_connections` is used up.
        case tooManyConnections = "postgres-too-many-connections"
        /// SQLSTATE 57P03: starting up, shutting down or recovering.
        case notAcceptingConnections = "postgres-not-accepting-connections"
        /// Another failure while connecting (TLS, protocol).
        case connectionFailed = "postgres-connection-failed"
        /// No answer within the limit of the call.
        case timeout = "postgres-timeout"
        /// The connection ended while it was used.
        case connectionLost = "postgres-connection-lost"
        /// The server refused the statement; see `sqlState`.
        case queryFailed = "postgres-query-failed"
        /// A value of the answer is not of the type that was asked for.
        case unexpectedValue = "postgres-unexpected-value"
    }

    public let code: Code
    /// `user@host:port/database`.
    public let target: String
    /// The server's or the library's own words, one line.
    public let message: String
    /// Five characters (PostgreSQL's manual, appendix A), where the server gave them.
    public let sqlState: String?
    /// The server's `HINT` or `DETAIL`, where it gave one.
    public let serverAdvice: String?

    public init(
        _ code: Code, target: String, _ message: String, sqlState: String? = nil, serverAdvice: String? = nil
    ) {
        self.code = code
        self.target = target
        self.message = message
        self.sqlState = sqlState
        self.serverAdvice = serverAdvice
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        let state = sqlState.map { " (SQLSTATE \($0))" } ?? ""
        return "PostgreSQL \(target): \(message)\(state)"
    }

    public var hint: String? {
        switch code {
        case .invalidSettings:
            "Write the address as postgres://user@host:5432/database and give the password as a separate setting."
        case .hostUnknown: "Check the host's name, and that the name server answers."
        case .connectionRefused:
            "Check that PostgreSQL runs, and that listen_addresses, the port and the socket folder are those given here."
        case .authenticationFailed:
            "Check the user, the password and the server's pg_hba.conf; try the same with psql."
        case .databaseMissing: "Check the database's name; 'psql -l' lists those that exist."
        case .tooManyConnections:
            "All of max_connections are in use: end idle sessions, or put a connection pooler in front."
        case .notAcceptingConnections: "The server is starting, stopping or recovering; its log says which."
        case .connectionFailed: "The server's log says more; check sslmode where the message speaks of SSL."
        case .timeout: "The server is overloaded, hangs or waits for a lock; look into pg_stat_activity."
        case .connectionLost: "The server ended or was restarted; its log says why."
        case .queryFailed: serverAdvice.map(Self.asSentence)
        case .unexpectedValue: nil
        }
    }

    private static func asSentence(_ text: String) -> String {
        text.hasSuffix(".") ? text : text + "."
    }
}

extension PostgresError {
    /// Reads libpq's message of a failed connection. With `PQERRORS_VERBOSE` the server's own have the form
    /// `FATAL:  28P01: password authentication failed for user "shop"`, with `DETAIL`, `HINT` and `LOCATION` lines below.
    static func connecting(to target: String, libraryMessage: String, needsPassword: Bool) -> PostgresError {
        var first = ""
        var advice: String?
        for line in libraryMessage.split(separator: "\n") {
            if line.hasPrefix("HINT:") || line.hasPrefix("DETAIL:") {
                advice = trimmed(line.drop { $0 != ":" }.dropFirst())
            } else if !line.hasPrefix("LOCATION:") && !line.hasPrefix("\t") {
                // With several addresses of one host, the last one's reason is the most telling.
                first = trimmed(line)
            }
        }
        var sqlState: String?
        if let severity = ["FATAL:  ", "ERROR:  ", "PANIC:  "].compactMap({ place(of: $0, in: first) }).first {
            let rest = first[severity...]
            let candidate = rest.prefix(5)
            if candidate.utf8.count == 5, rest.dropFirst(5).hasPrefix(": "),
                candidate.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) })
            {
                sqlState = String(candidate)
                first = String(rest.dropFirst(7))
            } else {
                first = String(rest)
            }
        }
        let code: Code =
            switch sqlState {
            case "28P01"?, "28000"?: .authenticationFailed
            case "3D000"?: .databaseMissing
            case "53300"?: .tooManyConnections
            case "57P03"?, "57P01"?, "57P02"?: .notAcceptingConnections
            case _?: .connectionFailed
            case nil where needsPassword || first.hasSuffix("no password supplied"): .authenticationFailed
            case nil where place(of: "could not translate host name", in: first) != nil: .hostUnknown
            case nil
            where place(of: "Connection refused", in: first) != nil
                || place(of: "No such file or directory", in: first) != nil
                || place(of: "No route to host", in: first) != nil
                || place(of: "Network is unreachable", in: first) != nil:
                .connectionRefused
            case nil: .connectionFailed
            }
        return PostgresError(
            code, target: target, first.isEmpty ? "the connection failed" : first, sqlState: sqlState,
            serverAdvice: advice)
    }
}

/// The index after the first occurrence of `part`.
private func place(of part: String, in text: String) -> String.Index? {
    var start = text.startIndex
    while start < text.endIndex {
        if text[start...].hasPrefix(part) { return text.index(start, offsetBy: part.count) }
        start = text.index(after: start)
    }
    return nil
}

func trimmed(_ text: some StringProtocol) -> String {
    var rest = Substring(text)
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest.drop(while: \.isWhitespace))
}
