// Swift calls two texts equal when Unicode takes them for the same one: `é` in one scalar equals `e` with an accent in a second. Prometheus
// compares bytes, and a store that did otherwise would put two series into one. What names and values are compared with stands here.

extension String {
    /// Whether both texts are the same bytes.
    @inlinable
    public func hasSameBytes(as other: String) -> Bool {
        // Equal to Swift is what has the same bytes, and little else. ASCII, which nearly all labels are, has but one form.
        guard self == other else { return false }
        return utf8Span.isKnownASCII || utf8.elementsEqual(other.utf8)
    }
}

/// A text as a key: equal to another, and ordered, by its bytes.
public struct ByteText: Sendable, Hashable, Comparable {
    public let text: String

    @inlinable
    public init(_ text: String) { self.text = text }

    @inlinable
    public static func == (left: ByteText, right: ByteText) -> Bool { left.text.hasSameBytes(as: right.text) }

    @inlinable
    public static func < (left: ByteText, right: ByteText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// The hash of a text is the same for all its forms, so that those of equal bytes agree.
    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
