import Foundation
import Testing

/// Goal: the reference's own query scripts give what they give there. Method: every `eval` of every script is run; the list
/// in `Golden/not-yet.txt` names those that need native histograms, and a case that is on the list must still fail, so that
/// the list shrinks with the work. `UPDATE_GOLDEN=1` writes the list anew.
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
    func `every case of the reference's suite passes, but those that are listed`() async throws {
        let listFile = Self.golden.appending(path: "not-yet.txt")
        let listed = Set(
            (try? String(contentsOf: listFile, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? [])
        let isUpdating = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"
        var failing: [String] = []
        var passed = 0
        for url in Self.scripts {
            let script = try QueryScript(String(contentsOf: url, encoding: .utf8))
            for outcome in try await ScriptRunner().run(script) {
                let name = "\(url.lastPathComponent):\(outcome.line): \(outcome.query)"
                guard let failure = outcome.failure else {
                    passed += 1
                    continue
                }
                failing.append(name)
                if !isUpdating, !listed.contains(name) { Issue.record("\(name)\n  \(failure)") }
            }
        }
        print("conformance: \(passed) passed, \(failing.count) failed, \(listed.count) of them expected to")
        if isUpdating {
            try (failing.joined(separator: "\n") + "\n").write(to: listFile, atomically: true, encoding: .utf8)
        } else {
            let mended = listed.subtracting(failing)
            #expect(mended.isEmpty, "these pass now and should leave the list")
        }
    }

    @Test(
        arguments: try FileManager.default.contentsOfDirectory(at: golden, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "test" })
    func `our own scripts pass`(_ url: URL) async throws {
        for outcome in try await ScriptRunner().run(QueryScript(String(contentsOf: url, encoding: .utf8))) {
            #expect(outcome.failure == nil, "line \(outcome.line): \(outcome.query)")
        }
    }
}
