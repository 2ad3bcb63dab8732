import Glibc
import TestSupport
import Testing

/// The project's texts, for the tests that hold them to the code.
enum Documents {
    /// The root of the source tree.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")

    /// The README, the architecture page and every Markdown file below `docs` and `Examples`, as paths from the root, sorted.
    static func pages() throws -> [String] {
        ["README.md", "ARCHITECTURE.md"]
            + (try files(below: "docs") + files(below: "Examples")).filter { $0.hasSuffix(".md") }
    }

    /// Every file below a folder of the root, as paths from the root, sorted.
    static func files(below folder: String) throws -> [String] {
        guard let stream = opendir("\(root)/\(folder)") else { throw MissingFolder(folder: folder) }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let path = "\(folder)/\(name)"
            if isFolder("\(root)/\(path)") { found += try files(below: path) } else { found.append(path) }
        }
        return found.sorted()
    }

    static func text(of path: String) throws -> String { try readText("\(root)/\(path)") }

    static func isFile(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Compares a generated page with its file, or rewrites the file when `UPDATE_GOLDEN` is 1.
    static func expectGenerated(
        _ text: String, at path: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        if getenv("UPDATE_GOLDEN").map({ String(cString: $0) }) == "1" {
            try writeText(text, to: "\(root)/\(path)")
            return
        }
        let kept = (try? self.text(of: path)) ?? ""
        guard kept != text else { return }
        let pairs = zip(
            kept.split(separator: "\n", omittingEmptySubsequences: false),
            text.split(separator: "\n", omittingEmptySubsequences: false))
        let firstDifference = pairs.enumerated().first { $0.element.0 != $0.element.1 }
        let place = firstDifference.map { "line \($0.offset + 1): '\($0.element.0)' should be '\($0.element.1)'" }
        Issue.record(
            "\(path) differs from the code (\(place ?? "its length")); run the tests of DaemonTests with UPDATE_GOLDEN=1",
            sourceLocation: sourceLocation)
    }

    struct MissingFolder: Error { let folder: String }
}
