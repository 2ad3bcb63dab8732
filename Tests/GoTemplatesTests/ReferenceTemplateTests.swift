import Glibc
import GoTemplates
import JSONCoding
import Testing

/// Goal: a template gives what Prometheus makes of it, byte for byte. Method: `Golden/reference.jsonl` holds templates with what
/// promtool 2.42 printed for them as an alert's annotation; they are rendered over the same two series. Where the reference
/// gives an error in the text's place, rendering must fail here too.
@Suite struct ReferenceTemplateTests {
    private static let data = TemplateData(
        labels: ["instance": "shop-1.example.com:9100", "severity": "critical", "job": "shop"], value: 0.9342,
        externalLabels: ["site": "kedai"], externalURL: "https://jaga.example.com/watch",
        query: { expression in
            switch expression {
            case "up":
                [
                    TemplateSample(labels: ["__name__": "up", "instance": "b"], value: 1),
                    TemplateSample(labels: ["__name__": "up", "instance": "a"], value: 11),
                ]
            case "sum(up)": [TemplateSample(labels: [:], value: 12)]
            case "1+1": [TemplateSample(labels: [:], value: 2)]
            case "none": []
            default: throw Refused()
            }
        },
        match: { pattern, text in try Patterns.isFound(pattern, text) },
        replaceAll: { pattern, replacement, text in try Patterns.replacingAll(pattern, replacement, text) })

    private struct Refused: Error {}

    @Test func `recorded templates render as the reference renders them`() async throws {
        let lines = try golden("reference.jsonl").split(separator: "\n")
        #expect(lines.count > 120)
        for line in lines {
            guard let pair = try JSONValue(parsing: String(line)).arrayValue, let source = pair[0].stringValue,
                let expected = pair[1].stringValue
            else { throw Refused() }
            var rendered: String
            do {
                rendered = try await Template(source, name: "t").render(Self.data)
            } catch {
                rendered = "<error expanding template: \(error)>"
            }
            if expected.hasPrefix("<error expanding template"), rendered.hasPrefix("<error expanding template") {
                continue
            }
            #expect(rendered == expected, "\(source)")
        }
    }

    private func golden(_ name: String) throws -> String {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let file = try #require(fopen("\(folder)/Golden/\(name)", "rb"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
