public import Series
public import Units

/// An alert as the rules hand it over: it fires, or it has ended.
public struct Alert: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable {
        case firing, resolved
    }

    /// With `alertname`. Two alerts of the same labels are the same alert.
    public var labels: Labels
    public var annotations: Labels
    public var startsAt: Timestamp
    /// When it ended; nil while it fires.
    public var endsAt: Timestamp?
    /// Where the rule can be looked at.
    public var generatorURL: String

    public init(
        labels: Labels, annotations: Labels = Labels(), startsAt: Timestamp, endsAt: Timestamp? = nil,
        generatorURL: String = ""
    ) {
        self.labels = labels
        self.annotations = annotations
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.generatorURL = generatorURL
    }

    public var status: Status { endsAt == nil ? .firing : .resolved }
    public var name: String { labels["alertname"] ?? "" }
    public var fingerprint: Fingerprint { Fingerprint(of: labels) }
}

/// The identity of an alert: FNV-1a of 64 bits over its sorted labels, as Prometheus and Alertmanager compute it, so that
/// other tools see the same sixteen digits.
public struct Fingerprint: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let bits: UInt64

    public init(of labels: Labels) {
        var hash: UInt64 = 14_695_981_039_346_656_037
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        // 0xFF stands in no UTF-8 text, so names and values cannot run into each other.
        for pair in labels.pairs {
            for byte in pair.name.utf8 { mix(byte) }
            mix(0xFF)
            for byte in pair.value.utf8 { mix(byte) }
            mix(0xFF)
        }
        bits = hash
    }

    public static func < (left: Fingerprint, right: Fingerprint) -> Bool { left.bits < right.bits }

    /// Sixteen hexadecimal digits.
    public var description: String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
