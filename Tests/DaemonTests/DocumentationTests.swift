import Backup
import Collectors
import Diagnostics
@testable import Discovery
import Notifications
import Rules
import Settings
import TestSupport
import Testing
import Units

@testable import Daemon

/// Goal: the pages can be followed: their links lead somewhere, and their examples are accepted. Method: every page is read as it
/// is; each fenced YAML block is read as a whole `jaga.yaml`, unless a comment above it says what else it is:
/// `<!-- fragment: rules -->` for a rule file, `<!-- fragment: faulty -->` for one that must be refused, `<!-- fragment -->` for
/// text that is not a file by itself.
@Suite struct DocumentationTests {
    @Test func `every relative link leads to a file that exists`() throws {
        let link = #/\]\(([^)\s]+)\)/#
        for page in try Documents.pages() {
            let folder = page.contains("/") ? String(page[..<page.lastIndex(of: "/")!]) : "."
            for match in try Self.prose(of: page).matches(of: link) {
                let target = String(match.1)
                guard !target.contains("://"), !target.hasPrefix("mailto:"), !target.hasPrefix("#") else { continue }
                let path = target.prefix { $0 != "#" }
                #expect(exists("\(Documents.root)/\(folder)/\(path)"), "\(page) links to \(target)")
            }
        }
    }

    @Test func `every YAML example is accepted`() throws {
        var readCount = 0
        for page in try Documents.pages() {
            for example in try Self.examples(in: page) {
                switch example.mark {
                case "fragment": continue
                case "fragment: rules":
                    #expect(throws: Never.self, "\(page):\(example.line)") {
                        try RuleFile.read(example.text, file: page, templates: AnnotationTemplates())
                    }
                case "fragment: faulty":
                    #expect(throws: InvalidInput.self, "\(page):\(example.line)") { try Self.site(example.text, page) }
                default:
                    do { _ = try Self.site(example.text, page) } catch {
                        Issue.record("the example at \(page):\(example.line) is refused: \(describe(error))")
                    }
                }
                readCount += 1
            }
        }
        #expect(readCount > 10)
    }

    @Test func `the files of Examples are accepted together with the rules they name`() throws {
        let files = try Documents.files(below: "Examples").filter { $0.hasSuffix("jaga.yaml") }
        #expect(!files.isEmpty)
        for file in files {
            let settings = try Self.site(try Documents.text(of: file), file)
            let folder = "\(Documents.root)/\(file[..<file.lastIndex(of: "/")!])"
            let groups = try RuleCollection.load(settings.rules, folder: folder)
            let rules = groups.flatMap(\.rules)
            // The example overrides one alert: its own stands, the shipped one of that name does not.
            let diskRules = groups.filter { $0.rules.contains { $0.name == "HighMemoryUsage" } }
            #expect(diskRules.allSatisfy { !$0.file.hasPrefix("pack/") }, "\(file)")
            #expect(rules.count > 20)
        }
    }

    @Test func `the file that init writes is accepted, and so are the examples in its comments`() throws {
        var found = Findings()
        found.hostName = "web1"
        found.postgres = [.init(host: "/run/postgresql", port: 5432, evidence: "a socket", isGuess: false)]
        found.redis = [.init(host: "127.0.0.1", port: 6379, socket: nil, evidence: "it listens", isGuess: true)]
        found.nginx = [.init(statusURL: nil, accessLogs: ["/var/log/nginx/access.log"], evidence: "it runs")]
        found.pages = [.init(name: "shop", url: "https://shop.example/", evidence: "a server name", isGuess: false)]
        found.certificates = [.init(file: "/etc/ssl/shop.pem", evidence: "nginx names it")]
        found.otherListeners = [.init(name: "gunicorn", evidence: "listens on 127.0.0.1:8000")]
        let text = found.configurationText(at: Timestamp(millisecondsSinceEpoch: 1_795_000_000_000))
        let settings = try Self.site(text, "found")
        #expect(settings.collectors.certificates.files == ["/etc/ssl/shop.pem"])

        // The blocks behind '#' are meant to be used by taking the '#' away; a sentence is no part of them.
        let keys = ["processes", "receivers", "alerting", "smtp", "backup", "jobs"]
        var isInside = false
        let shown = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> Substring in
            let bare = line.hasPrefix("# ") ? line.dropFirst(2) : ""
            if keys.contains(where: { bare.hasPrefix("\($0):") }) {
                isInside = true
                return bare
            }
            isInside = isInside && bare.hasPrefix("  ")
            return isInside && !bare.contains("found:") ? bare : line
        }.joined(separator: "\n")
        let whole: SiteSettings = try Self.site(shown, "found, with its examples")
        #expect(whole.backup.targets.map(\.name) == ["main"])
        #expect(whole.jobs.map(\.name) == ["nightly-backup", "weekly-drill"])
        #expect(whole.notifications.receivers["ops"]?.email.count == 1)
    }

    // MARK: reading pages

    private struct Example {
        var text: String
        var line: Int
        /// The comment on the line above, without its brackets.
        var mark: String
    }

    private static func lines(of page: String) throws -> [Substring] {
        try Documents.text(of: page).split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static func examples(in page: String) throws -> [Example] {
        var examples: [Example] = []
        var open: Example?
        var before: Substring = ""
        for (index, line) in try lines(of: page).enumerated() {
            if var example = open {
                if line == "```" {
                    examples.append(example)
                    open = nil
                } else {
                    example.text += line + "\n"
                    open = example
                }
            } else if line == "```yaml" {
                let mark = before.hasPrefix("<!-- ") && before.hasSuffix(" -->") ? before.dropFirst(5).dropLast(4) : ""
                open = Example(text: "", line: index + 1, mark: String(mark))
            }
            if !line.isEmpty { before = line }
        }
        return examples
    }

    /// A page without its fenced blocks: brackets in a program are no links.
    private static func prose(of page: String) throws -> String {
        var isCode = false
        return try lines(of: page).filter { line in
            if line.hasPrefix("```") { isCode.toggle() }
            return !isCode
        }.joined(separator: "\n")
    }

    /// Reads a whole file with every variable set and every secret file there.
    private static func site(_ text: String, _ file: String) throws -> SiteSettings {
        let sources = SettingsSources(
            environment: { $0.hasSuffix("_URL") ? "https://chat.example/hooks/planted" : "planted" },
            readFile: { _ in "planted\n" })
        return try SettingsDocument.read(text, file: file, sources: sources, as: SiteSettings.self).section
    }

    private func exists(_ path: String) -> Bool { Documents.isFolder(path) || Documents.isFile(path) }
}
