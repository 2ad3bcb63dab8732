/// An instant, in milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Milliseconds in 64 bits are what Prometheus stores and exchanges, so a sample's time never changes on its way.
public struct Timestamp: Sendable, Hashable {
    public var millisecondsSinceEpoch: Int64

    public init(millisecondsSinceEpoch: Int64) {
        self.millisecondsSinceEpoch = millisecondsSinceEpoch
    }

    /// - Parameter secondsSinceEpoch: rounded to the nearest millisecond; must be finite.
    public init(secondsSinceEpoch: Double) {
        precondition(secondsSinceEpoch.isFinite, "a timestamp must be finite, got \(secondsSinceEpoch)")
        self.millisecondsSinceEpoch = Int64((secondsSinceEpoch * 1000).rounded())
    }

    public var secondsSinceEpoch: Double { Double(millisecondsSinceEpoch) / 1000 }

    public static let distantPast = Timestamp(millisecondsSinceEpoch: .min)
    public static let distantFuture = Timestamp(millisecondsSinceEpoch: .max)
}

extension Timestamp: Comparable {
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.millisecondsSinceEpoch < right.millisecondsSinceEpoch
    }
}

extension Timestamp {
    public static func + (instant: Timestamp, span: Duration) -> Timestamp {
        Timestamp(millisecondsSinceEpoch: instant.millisecondsSinceEpoch + span.wholeMilliseconds)
    }

    public static func - (instant: Timestamp, span: Duration) -> Timestamp {
        Timestamp(millisecondsSinceEpoch: instant.millisecondsSinceEpoch - span.wholeMilliseconds)
    }

    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        .milliseconds(later.millisecondsSinceEpoch - earlier.millisecondsSinceEpoch)
    }
}

/// Encoded as a bare number of milliseconds.
extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(millisecondsSinceEpoch: try decoder.singleValueContainer().decode(Int64.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millisecondsSinceEpoch)
    }
}

/// Where "now" comes from. Only `Daemon` and the command line pass the machine's clock; tests pass one they move by hand.
public protocol WallClock: Sendable {
    var now: Timestamp { get }
}
