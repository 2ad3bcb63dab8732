// Every text that a person reads on a screen stands in this target: an enumeration of keys for each area, and for each language
// a `switch` over them. A missing text does not compile, and a test compares the placeholders of the languages.
//
// A text may hold `{name}`, which a value replaces, and `{count?job|jobs}`, which picks the first word when the value of
// `count` is 1 and the second otherwise. Values are put in as they are; a page escapes the result.
//
// The areas: `WebText` (pages), `MessageText` (messages to receivers), `SiteText` (sentences about the state of the site, on
// pages and in `jaga status`), `StateText` (single words for states), `ProbeText` (why a look failed), `CommandText` (screens
// of the command line), `DemoText` (the story of the demo).
//
// Not here, on purpose: summaries and hints of failures, the help of commands and the documentation of settings. They stand
// beside the code that they speak of, are searched for by their wording, and go into the ledger and the log, whose entries keep
// one language whoever reads them. `docs/decisions/0007-one-catalogue-of-texts.md` says more.
//
// A new language is one case of `Language`, one requirement of `TextKey` and one file beside each `…+English.swift`.

/// The languages that texts exist in. The raw value is the BCP 47 tag.
public enum Language: String, Sendable, CaseIterable {
    case english = "en"

    /// The language of a locale's name as the environment has it: `de_DE.UTF-8`, `en`, `C`.
    /// - Returns: nil when there are no texts in it.
    public init?(locale: String) {
        let language = locale.prefix { !"_.@-".contains($0) }.lowercased()
        self.init(rawValue: language == "c" || language == "posix" ? Language.english.rawValue : language)
    }
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

    /// The phrases of another area in the same language.
    public func of<Other: TextKey>(_ area: Other.Type) -> Phrases<Other> { Phrases<Other>(language) }
}
