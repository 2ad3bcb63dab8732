public import ArgumentParser
import Diagnostics
import Settings
import Units

// What options hold, read once and in one way. Whatever is wrong is said before the daemon is asked or a file is opened.
//
// Spans, instants and numbers are taken from the word behind their option whatever it begins with (`.unconditional`): the
// parser would take `-5m` for an option, and say that the value is missing.

enum OptionValue {
    /// Longer is a slip, and would leave the range of instants.
    private static let spanMax = Duration.seconds(100 * 365 * 86_400)

    /// A span as in `5m` or `1h30m`, longer than nothing and at most 100 years.
    /// - Parameter option: with its dashes, for what is said.
    /// - Throws: `ValidationError`.
    static func span(_ text: String, _ option: String) throws -> Duration {
        if text.hasPrefix("-"), Duration(prometheusText: text.dropFirst()) != nil {
            throw ValidationError(
                "'\(text)' for \(option): a duration must not be negative; write \(option)=\(text.dropFirst()).")
        }
        guard let span = Duration(prometheusText: text) else {
            throw ValidationError("'\(text)' for \(option) is not a duration; write it like 30s, 5m or 6h.")
        }
        guard span > .zero else {
            throw ValidationError("'\(text)' for \(option) must be longer than nothing; write it like 30s, 5m or 6h.")
        }
        guard span <= spanMax else { throw ValidationError("'\(text)' for \(option) is longer than 100y.") }
        return span
    }

    /// An instant: RFC 3339, seconds since 1970, or how long ago.
    /// - Throws: `ValidationError`.
    static func instant(_ text: String, _ option: String, now: Timestamp) throws -> Timestamp {
        if let time = Timestamp(rfc3339: text) { return time }
        // Until the year 9999, which is as far as RFC 3339 goes.
        if let seconds = Double(text), seconds.magnitude < 253_402_300_800 {
            return Timestamp(secondsSinceEpoch: seconds)
        }
        if let span = Duration(prometheusText: text), span <= spanMax { return now - span }
        if text.hasPrefix("-"), Duration(prometheusText: text.dropFirst()) != nil {
            throw ValidationError(
                "'\(text)' for \(option): how long ago is written without a sign; write \(option)=\(text.dropFirst()).")
        }
        throw ValidationError(
            "'\(text)' for \(option) is no instant; write it like 2026-03-01T07:05:00Z, in seconds since 1970, or how long "
                + "ago, as in 6h.")
    }

    /// - Throws: `ValidationError` for a count outside of `range`.
    static func count(_ count: Int, _ option: String, in range: ClosedRange<Int>) throws {
        guard range.contains(count) else {
            throw ValidationError("\(option) \(count) is not between \(range.lowerBound) and \(range.upperBound).")
        }
    }

    /// `host:port`, `:port` for all addresses, `[v6]:port`; port 0 takes a free one.
    /// - Throws: `ValidationError`.
    static func listenAddress(_ text: String, _ option: String) throws -> HostAndPort {
        guard let address = HostAndPort(text.hasPrefix(":") ? "0.0.0.0\(text)" : text, ports: 0...65_535) else {
            throw ValidationError(
                "'\(text)' for \(option) is not an address to listen at; write it like 127.0.0.1:9797.")
        }
        return address
    }

    /// A web address. What is said of a wrong one leaves out the user and the password that it may hold.
    /// - Throws: `ValidationError`.
    static func url(_ text: String, _ option: String) throws {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) && text.count > scheme.count { return }
        throw ValidationError(
            "'\(withoutUser(text))' for \(option) is no web address; write it like https://jaga.example.org.")
    }
}

/// What a user or a token may do.
enum RoleOption: String, ExpressibleByArgument, CaseIterable {
    case viewer, `operator`, administrator
}

/// How much the daemon says.
public enum LogLevel: String, ExpressibleByArgument, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical

    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

/// How much data the shop of the demo has.
public enum DemoSize: String, ExpressibleByArgument, CaseIterable, Sendable {
    case small, medium, large
}
