import Access
import Glibc
import Testing
import WebAPI

@testable import Web

/// Goal: the pages can be read by people who see little, see no colours, or use a keyboard or a screen reader. Method: contrast
/// computed from the style sheet's own variables, for both themes, and every page of the table looked at as text.
struct AccessibilityTests {
    private static let css = String(decoding: PackageResources.app_css, as: UTF8.self)

    /// The variables of a theme, as `--name` to red, green and blue. The dark theme stands twice: for those who chose it, and
    /// for those whose system did.
    private static func themes() throws -> [(name: String, colours: [String: [Double]])] {
        func variables(after selector: String) throws -> [String: [Double]] {
            let start = try #require(css.firstRange(of: selector)).upperBound
            var found: [String: [Double]] = [:]
            for match in css[start...].prefix(while: { $0 != "}" }).matches(of: #/(--[a-z0-9-]+): #([0-9a-f]{6})/#) {
                let value = UInt32(match.2, radix: 16) ?? 0
                found[String(match.1)] = [16, 8, 0].map { Double((value >> $0) & 255) / 255 }
            }
            return found
        }
        let light = try variables(after: ":root {")
        let dark = try variables(after: ":root[data-theme=\"dark\"] {")
        let preferred = try variables(after: ":root:not([data-theme=\"light\"]) {")
        #expect(dark == preferred, "the two dark themes differ")
        return [("light", light), ("dark", light.merging(dark) { $1 })]
    }

    /// <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>
    private static func contrast(_ one: [Double], _ other: [Double]) -> Double {
        func luminance(_ colour: [Double]) -> Double {
            let linear = colour.map { $0 <= 0.04045 ? $0 / 12.92 : power(($0 + 0.055) / 1.055) }
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        }
        let (a, b) = (luminance(one), luminance(other))
        return (max(a, b) + 0.05) / (min(a, b) + 0.05)
    }

    private static func power(_ value: Double) -> Double { pow(value, 2.4) }

    @Test func `text stands out from its ground by 4.5 to 1 in both themes`() throws {
        let pairs = [
            ("--text", ["--bg", "--card", "--button", "--unknown-bg", "--critical-bg"]),
            ("--muted", ["--bg", "--card", "--unknown-bg"]),
            ("--link", ["--bg", "--card"]), ("--ok", ["--ok-bg", "--card"]), ("--warning", ["--warning-bg", "--card"]),
            ("--critical", ["--critical-bg", "--card", "--bg", "--button"]), ("--unknown", ["--unknown-bg", "--card"]),
            ("--primary-text", ["--primary"]),
        ]
        for theme in try Self.themes() {
            for (text, grounds) in pairs {
                for ground in grounds {
                    let ratio = Self.contrast(
                        try #require(theme.colours[text]), try #require(theme.colours[ground], "\(ground)"))
                    #expect(ratio >= 4.5, "\(theme.name): \(text) on \(ground) has \(ratio)")
                }
            }
        }
    }

    @Test func `lines, edges of fields and the focus stand out by 3 to 1 in both themes`() throws {
        let pairs =
            [("--focus", ["--bg", "--card"]), ("--edge", ["--card", "--button"])]
            + (0..<8).map { ("--s\($0)", ["--card"]) }
        for theme in try Self.themes() {
            for (line, grounds) in pairs {
                for ground in grounds {
                    let ratio = Self.contrast(try #require(theme.colours[line]), try #require(theme.colours[ground]))
                    #expect(ratio >= 3, "\(theme.name): \(line) on \(ground) has \(ratio)")
                }
            }
        }
        #expect(Self.css.contains(":focus-visible { outline: 2px solid var(--focus)"))
        #expect(!Self.css.contains("outline: none") && !Self.css.contains("outline: 0"))
    }

    @Test(arguments: [false, true]) func `every page has its landmarks, one heading and names for all that is asked`(
        isCalm: Bool
    )
        async throws
    {
        let fixture = try WebFixture(isCalm: isCalm)
        let session = try await fixture.session(.administrator)
        let targets = [
            "/", "/host", "/databases", "/source?name=postgres/shop", "/source?name=shop&kind=application", "/probes",
            "/alerts",
            "/jobs", "/jobs/report", "/jobs/nightly%2Fbackup/runs/r41", "/backups", "/ledger", "/query?expr=up",
            "/series", "/jaga", "/api",
            "/actions/a7", "/account", "/users", "/nothing",
        ]
        for target in targets {
            let html = await fixture.get(target, session: session).text
            #expect(html.contains("<html lang=\"en\""), "\(target)")
            for landmark in ["<header", "<nav aria-label=", "<main id=\"main\"", "<footer"] {
                #expect(html.contains(landmark), "\(target) lacks \(landmark)")
            }
            #expect(html.ranges(of: "<h1").count == 1, "\(target)")
            #expect(html.contains("<a class=\"skip\" href=\"#main\">"), "\(target)")
            #expect(
                html.ranges(of: "<table").count == html.ranges(of: "<caption").count, "\(target): a table has no name")
            #expect(!html.contains("<th>"), "\(target): a heading of a table has no scope")
            for image in html.matches(of: #/<img [^>]*>/#) {
                #expect(image.0.contains("alt="), "\(target): \(image.0)")
            }
            for drawing in html.matches(of: #/<svg class="(chart|bar)"[^>]*>/#) {
                #expect(drawing.0.contains("role=\"img\"") && drawing.0.contains("aria-label="), "\(target)")
            }
            // A badge says its state in a word; the sign beside it is for the eye alone.
            for badge in html.matches(
                of: #/<span class="badge [a-z]+"><span aria-hidden="true">[^<]+<\/span> ([^<]*)</#)
            {
                #expect(!badge.1.isEmpty, "\(target): a state without a word")
            }
            expectNames(html, target)
        }
    }

    /// Each field stands within a label, each button and link says what it is.
    private func expectNames(_ html: String, _ target: String) {
        var labelled = 0
        for label in html.matches(of: #/(?s)<label[^>]*>(.*?)<\/label>/#) {
            let text = label.1.replacing(#/(?s)<select.*<\/select>|<textarea.*<\/textarea>|<[^>]*>/#, with: "")
            #expect(text.contains { !$0.isWhitespace }, "\(target): an empty label")
            labelled += label.1.matches(of: #/<(input|select|textarea)/#).count
        }
        let fields = html.matches(of: #/<(input|select|textarea)[^>]*>/#).filter { !$0.0.contains("type=\"hidden\"") }
        #expect(fields.count == labelled, "\(target): a field has no label")
        for button in html.matches(of: #/(?s)<button[^>]*>(.*?)<\/button>/#) {
            #expect(button.1.contains { $0.isLetter } || button.0.contains("aria-label="), "\(target): \(button.0)")
        }
        for link in html.matches(of: #/(?s)<a [^>]*>(.*?)<\/a>/#) {
            let text = link.1.replacing(#/<[^>]*>/#, with: "")
            #expect(text.contains { !$0.isWhitespace } || link.0.contains("aria-label="), "\(target): \(link.0)")
        }
    }
}
