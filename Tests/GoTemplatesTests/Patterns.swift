import Series

/// The patterns that the program gives to templates.
enum Patterns {
    static func isFound(_ pattern: String, _ text: String) throws -> Bool {
        try SearchPattern(pattern).isFound(in: text)
    }

    static func replacingAll(_ pattern: String, _ replacement: String, _ text: String) throws -> String {
        try SearchPattern(pattern).replacingAll(in: text, with: replacement)
    }
}
