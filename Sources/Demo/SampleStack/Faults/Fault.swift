/// A thing that can go wrong in the stack on order, and be mended.
public enum Fault: Sendable, Hashable {
    /// The server's processes end without a word.
    case killed(Part)
    /// The server's processes stand still, connections and all.
    case paused(Part)
    /// The server gets a twentieth of the processor's time.
    case slow(Part)
    /// A forgotten session keeps an exclusive lock on `orders`.
    case locked
    /// The shop answers this share of requests, from 0 to 1, with 500.
    case failing(share: Double)
    /// The shop holds back each answer this long.
    case delayed(Duration)
    /// The file system of the shop's uploads is full.
    case diskFull

    public enum Part: String, Sendable, Hashable, CaseIterable {
        case database, cache, web, app
    }

    /// The faults that `--break` knows by name.
    public static let named: [(name: String, fault: Fault)] = [
        ("database", .killed(.database)), ("cache", .killed(.cache)), ("web", .killed(.web)), ("app", .killed(.app)),
        ("disk", .diskFull), ("lock", .locked), ("errors", .failing(share: 0.5)), ("slow", .delayed(.seconds(2))),
    ]

    public init?(named name: String) {
        guard let found = Self.named.first(where: { $0.name == name }) else { return nil }
        self = found.fault
    }
}
