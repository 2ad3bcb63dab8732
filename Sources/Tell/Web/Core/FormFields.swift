import WebAPI

/// Names with values of `application/x-www-form-urlencoded`, as a query or a form has them. A name may stand more than once.
/// <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>
public struct FormFields: Sendable, Hashable {
    /// Far above any form of ours; what follows is dropped.
    static let fieldCountMax = 256

    public private(set) var pairs: [Pair] = []

    public struct Pair: Sendable, Hashable {
        public var name: String
        public var value: String
    }

    public init(urlEncoded text: String) {
        for field in text.split(separator: "&").prefix(Self.fieldCountMax) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? percentDecoded(parts[1], plusIsSpace: true) : ""
            pairs.append(Pair(name: percentDecoded(parts[0], plusIsSpace: true), value: value))
        }
    }

    public var isEmpty: Bool { pairs.isEmpty }

    /// The first value of this name; nil when there is none or it is empty.
    public subscript(_ name: String) -> String? {
        pairs.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    public func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map(\.value)
    }

    var urlEncoded: String {
        pairs.map { "\(APIPath.escaped($0.name))=\(APIPath.escaped($0.value))" }.joined(separator: "&")
    }
}

/// `text` with its `%XX` replaced. A percent sign that begins no pair stays; bytes that are no UTF-8 become U+FFFD.
func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(text) }
    let source = Array(text.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
        if source[index] == UInt8(ascii: "%"), index + 2 < source.count, let high = hexDigit(source[index + 1]),
            let low = hexDigit(source[index + 2])
        {
            bytes.append(high << 4 | low)
            index += 3
            continue
        }
        bytes.append(plusIsSpace && source[index] == UInt8(ascii: "+") ? 0x20 : source[index])
        index += 1
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
