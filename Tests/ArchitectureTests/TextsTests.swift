import Foundation
import Testing

/// Goal: what a person reads on a page, in a message or on a screen comes from the catalogue, so that languages can be added.
/// Method: the string literals of the sources that draw pages and screens are read, and one that holds words is a fault unless
/// it stands where text of another kind belongs: in a failure, a command's help, a log line, a query. A heuristic with a bound:
/// it sees two words in a row, a word between HTML tags, and any word handed straight to what prints.
@Suite struct TextsTests {
    /// What draws pages, screens and messages.
    static let folders = [
        "Tell/Web/Pages/", "Tell/Web/Markup/", "Tell/Commands/", "Tell/Notifications/Email/",
        "Tell/Notifications/Webhook/", "Tell/Notifications/MessageTexts.swift", "Sense/Probes/HTTP/",
        "Sense/Probes/Connections/", "jaga/Daemon/Site/", "jaga/Daemon/Demo/DemoRun.swift",
        "jaga/Daemon/Demo/DemoStory.swift", "jaga/Daemon/Running/OneLook.swift",
        "jaga/Daemon/Running/SiteParts+Reload.swift", "Values/Schedule/CronExpression+Words.swift",
    ]

    /// Failures, help, logs: text that keeps its language, as `Texts/Phrases.swift` says.
    static let otherKinds: Set<String> = [
        "Problem", "PlainFailure", "ValidationError", "CommandConfiguration", "ArgumentHelp", "DaemonUnreachable",
        "QueryFault", "WebAPI.QueryFault", "preconditionFailure", "precondition", "@Option", "@Argument", "@Flag",
        "MetricMetadata", "logger.error", "logger.warning", "logger.info", "Route", "get", ".optional", ".required",
        "throw",
    ]
    static let otherLabels: Set<String> = ["help", "abstract", "discussion", "hint", "documentation"]

    /// Why a literal with words may stay. A file's name, and a part of the literal.
    static let allowed: [(file: String, part: String, reason: String)] = [
        ("Commands/Connection/APIConnection.swift", "", "summaries and hints of a failure"),
        ("Commands/Console/Program.swift", "", "what is said of arguments, beside the parser's own words"),
        ("Commands/Nouns/RulesCommand.swift", "  SUCCESS", "the form of promtool's answer, which scripts read"),
        ("Commands/Nouns/RulesCommand.swift", "  FAILED:", "as above"),
        ("Commands/Nouns/RulesCommand.swift", "  WARNING:", "as above"),
        ("Commands/Nouns/RulesCommand.swift", "Checking ", "as above"),
        ("Commands/Nouns/RulesCommand.swift", "Unit Testing: ", "as above"),
        ("", "id you mean '", "the remedy of a failure"),
        ("Commands/Nouns/Ledger.swift", "The families are", "the remedy of a failure"),
        ("Web/Pages/PlainPages.swift", "charset=", "a header of HTTP"),
        ("Web/Pages/PlainPages.swift", "public, ", "a header of HTTP"),
    ]

    struct Finding: CustomStringConvertible {
        var file: String
        var line: Int
        var text: String
        var description: String { "\(file):\(line): \"\(text)\"" }
    }

    static func findings(in text: String, file: String) -> [Finding] {
        SwiftLiterals(text).literals.compactMap { literal in
            if let label = literal.label, otherLabels.contains(label) { return nil }
            if literal.calls.contains(where: { otherKinds.contains($0) }) { return nil }
            let isAllowed = allowed.contains { entry in
                file.hasSuffix(entry.file) && (entry.part.isEmpty || literal.text.contains(entry.part))
            }
            guard !isAllowed else { return nil }
            guard holdsWords(literal) else { return nil }
            return Finding(
                file: file, line: literal.line, text: literal.text.replacingOccurrences(of: "\u{1}", with: "…"))
        }
    }

    /// What is handed to these is printed as it stands.
    static let printing: Set<String> = ["Cell", "page.line", "console.output", "console.notes", "say", "Verdict"]
    /// Names keep their form in every language.
    static var names: Regex<Substring> { /\b(?:Jaga|Swift|PID|openapi\.json)\b/ }

    static func holdsWords(_ literal: SwiftLiterals.Literal) -> Bool {
        let text = literal.text
        // JSON is for programs.
        if text.drop(while: \.isWhitespace).first == "{" { return false }
        if let call = literal.calls.last, printing.contains(call), text.firstMatch(of: /[A-Za-z]{3,}/) != nil {
            return true
        }
        if text.contains("<"), text.contains(">") || text.contains("=\"") { return holdsWordsOfMarkup(text) }
        // Queries and SQL have their own grammar.
        if ["rate(", "sum by", "by (", "_total", "{\u{1}}", "SELECT ", "max by", "avg by", "{$s}"].contains(
            where: text.contains)
        {
            return false
        }
        return text.firstMatch(of: /[A-Za-z]{2,}[,;:]? [a-z]{2,}/) != nil
    }

    /// Words between tags, and in attributes that are read out or shown.
    static func holdsWordsOfMarkup(_ text: String) -> Bool {
        if text.firstMatch(of: /(?:title|aria-label|alt|placeholder)="[^"\u{1}]*[a-z]{3,} [a-z]{2,}/) != nil {
            return true
        }
        let outside = text.replacing(/(?s)<pre.*<\/pre>/, with: " ").replacing(/<[^>]*>?/, with: " ")
            .replacing(/&[a-z]+;/, with: " ").replacing(names, with: " ")
        return outside.firstMatch(of: /[A-Za-z]{3,}/) != nil
    }

    @Test func `pages, screens and messages hold no text of their own`() {
        let sources = FloorsTests.sources.filter { source in Self.folders.contains { source.path.hasPrefix($0) } }
        #expect(sources.count > 40, "the folders are still where this test looks")
        for folder in Self.folders {
            #expect(sources.contains { $0.path.hasPrefix(folder) }, "nothing is at \(folder) any more")
        }
        for source in sources {
            for finding in Self.findings(in: source.text, file: source.path) {
                Issue.record("\(finding) belongs into the catalogue, Sources/Values/Texts")
            }
        }
    }

    @Test(arguments: [
        (#"page.line("nothing here")"#, 1), (#"Cell("failed")"#, 1), (#"let reason = "the last backup failed""#, 1),
        (#"let x = "the job \(name) failed""#, 1), (#"return "<h2>Backups</h2>""#, 1),
        (#"let m: Markup = "<a title=\"go back now\">\(t[.x])</a>""#, 1),
        ("let long = \"\"\"\n    two words\n    \"\"\"", 1),
        (#"page.line(t[.nothing])"#, 0), (#"throw Problem(.invalid, "there is no job '\(name)'")"#, 0),
        (#"@Option(name: .long, help: "The folder to use.") var data: String?"#, 0),
        ("// \"two words\" in a comment", 0),
        (#"let q = "sum by (mode) (rate(x[5m]))""#, 0), (#"return "<h2>\(t[.backups])</h2>""#, 0),
        (#"PlainFailure("x", "this failed", hint: "Do that.")"#, 0), (#"let s = "\(f("two words"))""#, 1),
        (#"let key = "X-Jaga-Signature""#, 0),
    ])
    func `the search finds what it should`(source: String, count: Int) {
        #expect(Self.findings(in: source, file: "Tell/Web/Pages/Sample.swift").count == count)
    }

    @Test func `every area of the catalogue is in the test of its languages`() throws {
        let areas = FloorsTests.sources.filter { $0.target == "Texts" }.flatMap { source in
            source.text.matches(of: /enum (\w+): String, TextKey/).map { String($0.1) }
        }
        #expect(areas.count > 5)
        let test = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("TextsTests/PhrasesTests.swift"), encoding: .utf8)
        for area in areas { #expect(test.contains("\(area).self"), "PhrasesTests does not look at \(area)") }
    }

    /// The list of kinds is what filters of the ledger are held against, so a kind that is missing there could not be asked for.
    @Test func `every kind of event is in the list of known ones`() throws {
        let source = try #require(FloorsTests.sources.first { $0.path.hasSuffix("Events/EventKinds.swift") })
        let names = source.text.matches(of: /static let (\w+) = EventKind\("/).map { String($0.1) }
        let list = try #require(source.text.firstMatch(of: /static let known: \[EventKind\] = \[([^\]]*)\]/)).1
        let listed = Set(list.split { !$0.isLetter }.map(String.init))
        #expect(names.count > 20 && listed == Set(names))
    }
}
