/// How far two implementations agree on a value.
public enum Exactness: Int, Sendable, Comparable {
    /// Whole numbers far below 2^53: sums are exact in whatever order.
    case whole
    /// Computed by the same operations in the same order: equal to the last digit.
    case exact
    /// Sums of fractions, where 3.0 corrects rounding errors and 2.42 does not, and functions of the two languages' mathematical libraries:
    /// equal to nine digits.
    case rounded

    public static func < (left: Exactness, right: Exactness) -> Bool { left.rawValue < right.rawValue }
}

/// A query and when to ask it. Times are in milliseconds.
public struct GeneratedQuery: Sendable, CustomStringConvertible {
    public enum When: Sendable {
        case instant(Int64)
        case range(start: Int64, end: Int64, step: Int64)
    }

    public var text: String
    public var when: When
    public var exactness: Exactness
    /// Whether the order of an instant answer means something.
    public var isSorted: Bool

    /// As 2.42 reads it: one function has another name since 3.0.
    public var referenceText: String {
        text.split(separator: "double_exponential_smoothing", omittingEmptySubsequences: false)
            .joined(separator: "holt_winters")
    }

    /// Whether a number is written with an exponent, as in `1e9`.
    var hasExponent: Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.dropFirst().dropLast().contains { place in
            bytes[place] == UInt8(ascii: "e") && (0x30...0x39).contains(bytes[place - 1])
                && (bytes[place + 1] < 0x3A && bytes[place + 1] > 0x2A)
        }
    }

    public var description: String {
        switch when {
        case .instant(let time): "\(text)   at \(time) ms"
        case .range(let start, let end, let step): "\(text)   from \(start) through \(end) by \(step) ms"
        }
    }
}
