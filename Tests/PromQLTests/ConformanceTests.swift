import Foundation
import PromQL
import Testing

/// Goal: the reference's own query scripts give what they give there, and our own what the language promises. Method: every
/// `eval` of every script is run, instants also as the middle of a range.
@Suite struct ConformanceTests {
    static let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// The folder of the shared scripts, looked for beside the project.
    static let scripts: [URL] = {
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path() != "/" {
            let candidate = folder.deletingLastPathComponent().appending(path: "shared/conformance/promql")
            let found = try? FileManager.default.contentsOfDirectory(at: candidate, includingPropertiesForKeys: nil)
            if let found { return found.filter { $0.pathExtension == "test" }.sorted { $0.path() < $1.path() } }
            folder = folder.deletingLastPathComponent()
        }
        return []
    }()

    @Test(.enabled(if: !scripts.isEmpty, "the shared folder with conformance/promql is not here"))
    func `every case of the reference's suite passes`() async throws {
        var (passed, failed) = (0, 0)
        for url in Self.scripts {
            let script = QueryScript(try String(contentsOf: url, encoding: .utf8))
            for outcome in await ScriptRunner(checksRanges: true).run(script) {
                if let failure = outcome.failure {
                    failed += 1
                    Issue.record("\(url.lastPathComponent):\(outcome.line): \(outcome.query)\n  \(failure)")
                } else {
                    passed += 1
                }
            }
        }
        print("conformance: \(passed) passed, \(failed) failed")
    }

    @Test(
        arguments: try FileManager.default.contentsOfDirectory(at: golden, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "test" })
    func `our own scripts pass`(_ url: URL) async throws {
        let outcomes = await ScriptRunner(checksRanges: true).run(
            QueryScript(try String(contentsOf: url, encoding: .utf8)))
        #expect(!outcomes.isEmpty)
        for outcome in outcomes {
            #expect(outcome.failure == nil, "line \(outcome.line): \(outcome.query)")
        }
    }
}
