/// A text with placeholders, in pieces.
public struct TextTemplate: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case literal(String)
        case value(name: String)
        case choice(name: String, one: String, other: String)
    }

    let pieces: [Piece]

    /// A brace that is never closed stands for itself.
    public init(_ text: String) {
        var pieces: [Piece] = []
        var rest = Substring(text)[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
            pieces.append(Self.piece(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.literal(String(rest))) }
        self.pieces = pieces
    }

    private static func piece(_ inner: Substring) -> Piece {
        guard let mark = inner.firstIndex(of: "?") else { return .value(name: String(inner)) }
        let words = inner[inner.index(after: mark)...].split(
            separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        return .choice(
            name: String(inner[..<mark]), one: String(words[0]), other: String(words.count > 1 ? words[1] : words[0]))
    }

    /// The names of the placeholders, choices included.
    public var names: Set<String> {
        Set(
            pieces.compactMap { piece in
                switch piece {
                case .literal: nil
                case .value(let name), .choice(let name, _, _): name
                }
            })
    }

    /// The text with its values. A name without one stays as `{name}`, so that the gap shows.
    public func filled(_ value: (String) -> String?) -> String {
        pieces.map { piece in
            switch piece {
            case .literal(let text): text
            case .value(let name): value(name) ?? "{\(name)}"
            case .choice(let name, let one, let other): value(name) == "1" ? one : other
            }
        }.joined()
    }
}
