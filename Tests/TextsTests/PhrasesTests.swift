import Testing

@testable import Texts

/// Goal: every text can be shown in every language. Method: all keys of all areas, plus templates of our own.
struct PhrasesTests {
    private enum Sample: TextKey {
        case greeting, jobs

        var english: String {
            switch self {
            case .greeting: "Hello {name}, {name}!"
            case .jobs: "{count} {count?job|jobs} failed"
            }
        }
    }

    /// All areas; a new one is added here, which the architecture test sees to.
    static let areas: [any TextKey.Type] = [
        CommandText.self, DemoText.self, MessageText.self, ProbeText.self, ScheduleText.self, SiteText.self,
        StateText.self, WebText.self,
    ]

    private let phrases = Phrases<Sample>(.english)

    @Test func `placeholders take their values`() {
        #expect(phrases(.greeting, ["name": "<Ani>"]) == "Hello <Ani>, <Ani>!")
    }

    @Test(arguments: [(0, "0 jobs failed"), (1, "1 job failed"), (2, "2 jobs failed")])
    func `a count chooses its word`(count: Int, text: String) {
        #expect(phrases(.jobs, ["count": count]) == text)
    }

    @Test func `a missing value stays visible and a lone brace stands for itself`() {
        #expect(phrases(.greeting, [:]) == "Hello {name}, {name}!")
        #expect(TextTemplate("a { b").filled { _ in "x" } == "a { b")
    }

    @Test(arguments: areas.indices)
    func `all languages have the same placeholders and no text is empty`(area: Int) {
        check(Self.areas[area])
    }

    private func check<Key: TextKey>(_ keys: Key.Type) {
        for key in keys.allCases {
            let expected = TextTemplate(key.english).names
            for language in Language.allCases {
                let text = key.template(in: language)
                #expect(!text.isEmpty, "\(key) in \(language)")
                #expect(TextTemplate(text).names == expected, "\(key) in \(language)")
                #expect(text.count { $0 == "{" } == text.count { $0 == "}" }, "\(key) in \(language)")
            }
        }
    }

    @Test func `every text with a count reads well for one and for many`() {
        for area in Self.areas { checkCounts(area) }
    }

    private func checkCounts<Key: TextKey>(_ keys: Key.Type) {
        for key in keys.allCases {
            for language in Language.allCases {
                let template = TextTemplate(key.template(in: language))
                for case .choice(let name, let one, let other) in template.pieces {
                    #expect(!one.isEmpty && !other.isEmpty, "\(key): {\(name)?…} has an empty word")
                    // A choice shows no number by itself, so the number stands in the text too, save where only the form of a
                    // verb depends on it.
                    #expect(template.filled { $0 == name ? "1" : "x" }.contains(one))
                    #expect(template.filled { $0 == name ? "2" : "x" }.contains(other))
                }
            }
        }
    }

    @Test(arguments: [
        ("en", Language.english), ("en_GB.UTF-8", .english), ("C.UTF-8", .english), ("POSIX", .english),
        ("C", .english),
    ])
    func `a locale's name gives its language`(locale: String, language: Language) {
        #expect(Language(locale: locale) == language)
    }

    @Test func `a locale without texts gives none`() {
        #expect(Language(locale: "tlh_QO") == nil)
        #expect(Language(locale: "") == nil)
    }
}
