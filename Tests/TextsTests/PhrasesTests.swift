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

    @Test func `all languages have the same placeholders and no text is empty`() {
        check(WebText.self)
        check(MessageText.self)
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
}
