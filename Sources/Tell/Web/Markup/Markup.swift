// Pages are written as Swift string literals of the type `Markup`. The literal's own text is HTML as it stands; whatever is put
// in by `\(…)` is escaped, unless it is `Markup` itself. So a hostile label cannot become an element, and nobody has to
// remember to escape: there is no way to make `Markup` of a variable text without going through that escape, but the
// one initialiser whose name says so.
//
// Attribute values stand in double quotes, always; the escape covers both kinds. Addresses from outside go through `link:`.

/// A piece of HTML that is safe to send.
struct Markup: Sendable, Hashable {
    private(set) var html: String

    init() {
        html = ""
    }

    /// For text that is HTML already, as from a chart. Never for anything that came from outside.
    init(trustedHTML: String) {
        html = trustedHTML
    }

    static func += (left: inout Markup, right: Markup) { left.html += right.html }

    static func + (left: Markup, right: Markup) -> Markup {
        Markup(trustedHTML: left.html + right.html)
    }
}

extension Markup: ExpressibleByStringInterpolation {
    init(stringLiteral value: String) {
        html = value
    }

    init(stringInterpolation: Interpolation) {
        html = stringInterpolation.html
    }

    struct Interpolation: StringInterpolationProtocol {
        var html: String

        init(literalCapacity: Int, interpolationCount: Int) {
            html = ""
            html.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) { html += literal }
        mutating func appendInterpolation(_ text: String) { Markup.escape(text, into: &html) }
        mutating func appendInterpolation(_ number: Int) { html += String(number) }
        mutating func appendInterpolation(_ number: Int64) { html += String(number) }
        mutating func appendInterpolation(_ markup: Markup) { html += markup.html }

        mutating func appendInterpolation(_ pieces: [Markup]) {
            for piece in pieces { html += piece.html }
        }

        mutating func appendInterpolation(_ markup: Markup?) { html += markup?.html ?? "" }

        /// An address for `href`: a path of this server or an http address; anything else (`javascript:…`) becomes `#`.
        mutating func appendInterpolation(link address: String) {
            Markup.escape(Markup.isSafe(address: address) ? address : "#", into: &html)
        }
    }
}

extension Markup {
    /// Whether following `address` stays within http: a path of this server (one slash), or `http://`, `https://`.
    static func isSafe(address: String) -> Bool {
        if address.hasPrefix("/") { return isLocal(path: address) }
        let lower = address.lowercased()
        return lower.hasPrefix("http://") || lower.hasPrefix("https://")
    }

    /// Whether `path` leads to this server, also in browsers that read `//host` and `/\host` as another one.
    static func isLocal(path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(2))
        guard bytes.first == UInt8(ascii: "/") else { return false }
        if bytes.count > 1, bytes[1] == UInt8(ascii: "/") || bytes[1] == UInt8(ascii: "\\") { return false }
        return path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    static func escape(_ text: String, into html: inout String) {
        guard text.utf8.contains(where: isSpecial) else {
            html += text
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            // A NUL is no character of HTML.
            case "\0": html += "\u{FFFD}"
            default: html.unicodeScalars.append(scalar)
            }
        }
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"), 0: true
        default: false
        }
    }
}

extension Sequence where Element == Markup {
    func joined(_ separator: Markup = "") -> Markup {
        var result = Markup()
        for (index, piece) in self.enumerated() {
            if index > 0 { result += separator }
            result += piece
        }
        return result
    }
}
