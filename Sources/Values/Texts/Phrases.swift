// Every text that a person reads stands in this target: an enumeration of keys for each area, and for each language a `switch`
// over them. A missing text does not compile, and a test compares the placeholders of the languages.
//
// A text may hold `{name}`, which a value replaces, and `{count?job|jobs}`, which picks the first word when the value of
// `count` is 1 and the second otherwise. Values are put in as they are; a page escapes the result.
//
// A new language is one case of `Language`, one requirement of `TextKey` and one file beside each `…+English.swift`.

/// The languages that texts exist in. The raw value is the BCP 47 tag.
public enum Language: String, Sendable, CaseIterable {
    case english = "en"
}

/// The texts of one area.
public protocol TextKey: Hashable, Sendable, CaseIterable {
    var english: String { get }
}

extension TextKey {
    /// The template in `language`, placeholders still in it.
    public func template(in language: Language) -> String {
        switch language {
        case .english: english
        }
    }
}

/// Looks texts up in one language: `phrases[.jobsTitle]`, `phrases(.jobsCount, ["count": 3])`.
public struct Phrases<Key: TextKey>: Sendable {
    public let language: Language

    public init(_ language: Language) {
        self.language = language
    }

    public subscript(_ key: Key) -> String { key.template(in: language) }

    public func callAsFunction(_ key: Key, _ values: KeyValuePairs<String, any CustomStringConvertible & Sendable>)
        -> String
    {
        TextTemplate(key.template(in: language)).filled { name in
            values.first { $0.key == name }.map { "\($0.value)" }
        }
    }
}
