public import Diagnostics

/// Why Redis could not be asked, or did not answer as wished. Never holds a password.
public struct RedisError: Failure {
    public enum Code: String, Sendable, Hashable {
        case invalidSettings = "redis-invalid-settings"
        case hostUnknown = "redis-host-unknown"
        case connectionRefused = "redis-connection-refused"
        case connectionFailed = "redis-connection-failed"
        /// `WRONGPASS`, `NOAUTH` or `NOPERM`.
        case authenticationFailed = "redis-authentication-failed"
        case timeout = "redis-timeout"
        case connectionLost = "redis-connection-lost"
        /// The server answered with an error.
        case commandFailed = "redis-command-failed"
        /// The answer is not of the kind that was asked for.
        case unexpectedReply = "redis-unexpected-reply"
    }

    public let code: Code
    /// `host:port/database` or the socket's path.
    public let target: String
    public let message: String

    public init(_ code: Code, target: String, _ message: String) {
        self.code = code
        self.target = target
        // A summary has no full stop; the server ends some of its sentences with one.
        self.message = message.hasSuffix(".") ? String(message.dropLast()) : message
    }

    public var codeName: String { code.rawValue }
    public var summary: String { "Redis \(target): \(message)" }

    public var hint: String? {
        switch code {
        case .invalidSettings: "Write the address as redis://host:6379/0 or unix:///run/redis/redis.sock."
        case .hostUnknown: "Check the host's name, and that the name server answers."
        case .connectionRefused: "Check that Redis runs, and that its bind, port and unixsocket are those given here."
        case .connectionFailed: "Check the address; try the same with redis-cli."
        case .authenticationFailed: "Check the user and the password (requirepass, or ACL LIST on the server)."
        case .timeout: "The server hangs or runs a slow command; look at SLOWLOG GET and the machine's load."
        case .connectionLost: "The server ended or was restarted; its log says why."
        case .commandFailed, .unexpectedReply: nil
        }
    }
}
