import Diagnostics
public import Series

extension LabelMatcher {
    /// Reads a matcher as Alertmanager writes it: `severity="critical"`, `team=~"shop|web"`, `job != batch`.
    /// - Returns: nil when the text is no matcher or its pattern no regular expression.
    public init?(matcherText text: some StringProtocol) {
        let scalars = Array(String(text).unicodeScalars)
        func trimmed(_ part: ArraySlice<Unicode.Scalar>) -> String {
            var rest = part
            while rest.first?.properties.isWhitespace == true { rest.removeFirst() }
            while rest.last?.properties.isWhitespace == true { rest.removeLast() }
            return String(String.UnicodeScalarView(rest))
        }
        guard let mark = scalars.firstIndex(where: { $0 == "=" || $0 == "!" }) else { return nil }
        let second = mark + 1 < scalars.count ? scalars[mark + 1] : " "
        let op: Operator
        switch (scalars[mark], second) {
        case ("=", "~"): op = .matches
        case ("!", "~"): op = .doesNotMatch
        case ("!", "="): op = .notEqual
        case ("=", _): op = .equal
        default: return nil
        }
        let name = trimmed(scalars[..<mark])
        var value = trimmed(scalars[(mark + (op == .equal ? 1 : 2))...])
        guard !name.isEmpty,
            name.unicodeScalars.allSatisfy({
                $0.properties.isAlphabetic || $0 == "_" || $0 == ":" || ("0"..."9").contains($0)
            })
        else { return nil }
        if value.hasPrefix("\"") {
            guard let plain = Self.unquoted(value) else { return nil }
            value = plain
        }
        do { try self.init(name, op, value) } catch { return nil }
    }

    private static func unquoted(_ text: String) -> String? {
        guard text.unicodeScalars.count >= 2, text.hasSuffix("\"") else { return nil }
        var plain = ""
        var isEscaped = false
        for scalar in text.unicodeScalars.dropFirst().dropLast() {
            if isEscaped {
                plain.unicodeScalars.append(scalar == "n" ? "\n" : scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                return nil
            } else {
                plain.unicodeScalars.append(scalar)
            }
        }
        return isEscaped ? nil : plain
    }
}
