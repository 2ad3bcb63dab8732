import DurableFiles
import Foundation
import Series
import Testing
import TimeSeriesStore
import Units

@testable import Commands

/// Goal: a text of any length comes in whole wherever it is cut for reading: between families, inside of a family longer than a piece, with and
/// without types. Method: pieces of a few bytes to a few thousand, held against what one piece of all gives.
@Suite struct OpenMetricsFileTests {
    /// Gauges, a histogram whose buckets must not be judged apart, a family longer than all pieces, and lines without a type.
    static let text: String = {
        var text = ""
        for family in 0..<30 {
            text += "# TYPE g\(family) gauge\n# HELP g\(family) With a \"# TYPE \" inside.\n"
            for step in 0..<(family % 4) { text += "g\(family){a=\"# TYPE b\"} \(step) \(1000 + step)\n" }
            text += "# TYPE h\(family) histogram\n"
            for step in 0..<3 {
                for bound in ["1", "2.5", "+Inf"] { text += "h\(family)_bucket{le=\"\(bound)\"} 4 \(1000 + step)\n" }
                text += "h\(family)_count 4 \(1000 + step)\nh\(family)_sum 7 \(1000 + step)\n"
            }
        }
        text += "# TYPE long counter\n"
        for step in 0..<600 { text += "long_total{n=\"x\"} \(step) \(1000 + step)\n" }
        for series in 0..<7 { for step in 0..<30 { text += "untyped{n=\"\(series)\"} \(step) \(1000 + step)\n" } }
        return text + "# EOF\n"
    }()

    @Test func `a data folder that does not exist is made, closed to others, but not for what cannot be read`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "jaga-import-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("a 1 1000\n# EOF\n".utf8).write(to: URL(filePath: folder + "/old.om"))
        let slip = Terminal(answers: nil)
        #expect(await slip.run("series", "import", folder + "/new.om", "--data", folder + "/data") == .notFound)
        #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run("series", "import", folder + "/old.om", "--data", folder + "/data") == .done)
        #expect(terminal.notes.contains("made the data folder '\(folder)/data'"), "\(terminal.notes)")
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/data")[.posixPermissions] as? Int
        #expect(mode == 0o700)
        let again = Terminal(answers: nil)
        #expect(await again.run("series", "export", "--data", folder + "/data") == .done)
        #expect(again.output == "a 1.0 1000\n# EOF", "\(again.output)")
        #expect(again.notes == "1 sample", "\(again.notes)")
    }

    private func samples(_ pieceByteCount: Int, text: String = text) async throws -> [SeriesColumns] {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "jaga-openmetrics-\(UInt64.random(in: 0 ... .max))").path
        try Data(text.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try TimeSeriesStore.open(folder: "/series", files: MemoryFiles())
        var backfill = Backfill(into: store)
        var file = OpenMetricsFile(path, pieceByteCount: pieceByteCount)
        try file.read(into: &backfill)
        _ = try backfill.finish()
        return try await store.select([], from: .distantPast, through: .distantFuture)
    }

    @Test(arguments: [17, 64, 300, 1000, 4096, 20_000]) func `the pieces give what the whole gives`(size: Int)
        async throws
    {
        let whole = try await samples(1 << 20)
        #expect(whole.reduce(0) { $0 + $1.times.count } == 1303)
        #expect(try await samples(size) == whole)
    }

    @Test func `a fault is named, and a text without its end is refused before anything is stored`() async throws {
        await #expect(throws: (any Error).self) { try await samples(64, text: "a 1 1\nb{ 2\n# EOF\n") }
        let long = "# TYPE a gauge\na 1 1\n# TYPE b gauge\nb 1 1\n# TYPE c gauge\nc{ 1\n# EOF\n"
        do {
            _ = try await samples(30, text: long)
            Issue.record("it was taken")
        } catch {
            #expect("\(error)".contains("after 4 lines") && "\(error)".contains("line 2"), "\(error)")
        }
        await #expect(throws: (any Error).self) { try await samples(64, text: "a 1 1\nb 2 2\n") }
        #expect(try await samples(64, text: "a 1 1\n# EOF").map(\.values) == [[1]])
        #expect(try await samples(64, text: "# EOF\n").isEmpty)
    }
}
