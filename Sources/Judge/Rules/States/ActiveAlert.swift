public import Series
public import Units

/// An alert whose condition holds, or held until just now.
public struct ActiveAlert: Sendable, Hashable {
    public enum State: String, Sendable {
        case pending, firing
    }

    /// With `alertname`; its identity.
    public var labels: Labels
    public var annotations: [String: String]
    /// The element's value when it was last seen.
    public var value: Double
    public var state: State
    /// Since when the condition holds, as the hold time counts: a time in which nobody looked moves it.
    public var activeAt: Timestamp
    /// When the condition was first seen to hold, where `activeAt` was moved since then; nil where it was not.
    public var beganAt: Timestamp?
    public var firedAt: Timestamp?
    /// Since when the condition is gone while the alert is kept firing.
    public var goneSince: Timestamp?

    public init(
        labels: Labels, annotations: [String: String] = [:], value: Double, state: State, activeAt: Timestamp,
        beganAt: Timestamp? = nil, firedAt: Timestamp? = nil, goneSince: Timestamp? = nil
    ) {
        self.labels = labels
        self.annotations = annotations
        self.value = value
        self.state = state
        self.activeAt = activeAt
        self.beganAt = beganAt
        self.firedAt = firedAt
        self.goneSince = goneSince
    }

    public var fingerprint: String { labels.fingerprint }

    /// Since when a person would say that it holds.
    public var since: Timestamp { beganAt ?? activeAt }
}

extension Labels {
    /// 16 hexadecimal digits that stand for the labels: FNV-1a over names and values, as Alertmanager makes it.
    public var fingerprint: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for pair in pairs {
            for byte in pair.name.utf8 { add(byte) }
            add(0xFF)
            for byte in pair.value.utf8 { add(byte) }
            add(0xFF)
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
