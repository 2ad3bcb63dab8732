import Diagnostics
import DurableFiles
import Glibc
import JSONCoding
import Series
import TestSupport
import Testing
import TimeSeriesStore
import Units

@testable import Commands

/// Goal: what reads a data folder without a daemon works over what can be read, and says what is missing. Method: commands run in process on a
/// folder whose write-ahead log was damaged.
@Suite struct SeriesCommandTests {
    private let folder: TemporaryFolder
    private let files = RealFiles()
    private let start = Timestamp(secondsSinceEpoch: 1_790_000_000)

    init() async throws {
        folder = try TemporaryFolder("series")
        // Two segments, each with its own declarations: a process writes to one of its own.
        for run in 0..<2 as Range<Int64> {
            let store = try TimeSeriesStore.open(folder: folder.file("series"))
            for step in 0..<20 as Range<Int64> {
                var batch = SampleBatch(at: start + .seconds(run * 300 + step * 15))
                for room in 0..<12 { batch.add("temperature", ["room": "\(room)"], Double(step)) }
                _ = try await store.append(batch)
            }
            store.flush()
        }
    }

    private func segment(_ number: Int) -> String { folder.file("series/wal/0000000\(number).wal") }

    private func run(_ arguments: String...) async -> (status: ProgramStatus, output: String, notes: String) {
        await run(arguments)
    }

    private func run(_ arguments: [String]) async -> (status: ProgramStatus, output: String, notes: String) {
        let terminal = Terminal(answers: nil)
        let status = await terminal.run(["series"] + arguments + ["--data", folder.path])
        return (status, terminal.output, terminal.notes)
    }

    @Test func `stats, snapshot and export give what can be read, name the segment with the rest, and end with 3`()
        async throws
    {
        let sound = await run("stats", "--json")
        #expect(sound.status == .done && sound.notes == "", "\(sound)")
        var bytes = try files.contents(of: segment(1))
        // In the declarations, so that the readings of this segment belong to nobody.
        bytes[60] ^= 1
        try files.replace(segment(1), with: bytes)
        let stats = await run("stats", "--json")
        #expect(stats.status == .findings && stats.notes.contains(segment(1)), "\(stats)")
        #expect(stats.notes.contains("240 samples"), "\(stats)")
        let figures = try JSONValue(parsing: stats.output)
        #expect(figures["series_in_memory"]?.intValue == 12 && figures["samples_in_memory"]?.intValue == 240)
        let shown = await run("stats")
        #expect(shown.status == .findings && shown.output.contains("temperature"), "\(shown)")
        let text = await run("export")
        #expect(text.status == .findings && text.notes.contains(segment(1)), "\(text)")
        #expect(text.output.split(separator: "\n").count == 241)
        let copy = folder.file("copy")
        let made = await run("snapshot", copy)
        #expect(made.status == .findings && made.output.contains(copy), "\(made)")
        #expect(made.notes.contains(segment(1)), "\(made)")
        #expect(try verifyStore(copy).blockSampleCount == 240)
        let verified = await run("verify")
        #expect(verified.status == .findings && verified.output.contains(segment(1)), "\(verified)")
        #expect(verified.output.contains("240 samples") && verified.output.contains("DAMAGED"), "\(verified)")
        // Told once more by the repair, and then it is done.
        let repaired = await run("repair")
        #expect(repaired.status == .findings && repaired.output.contains("240 samples"), "\(repaired)")
        for command in ["stats", "export", "verify"] {
            let again = await run(command)
            #expect(again.status == .done && !again.notes.contains(segment(1)), "\(command): \(again)")
        }
        #expect(await run("export").output == text.output)
    }

    @Test func `a folder that may not be looked into is not an empty one`() {
        #expect(lookFailure("/srv/jaga/series", ENOENT) == nil && lookFailure("/srv/jaga/series", ENOTDIR) == nil)
        let failure = lookFailure("/srv/jaga/series", EACCES)
        #expect(failure?.summary == "'/srv/jaga/series' cannot be looked at: Permission denied")
        #expect(failure?.hint?.contains("'sudo -u USER'") == true)
    }

    /// Root may look everywhere.
    @Test(.enabled(if: geteuid() != 0, "root may look into every folder"))
    func `another user's folder is not said to hold no samples`() async throws {
        chmod(folder.path, 0)
        defer { chmod(folder.path, 0o700) }
        for command in ["stats", "verify", "export"] {
            let outcome = await run(command)
            #expect(outcome.status == .failed && outcome.notes.contains("Permission denied"), "\(outcome)")
        }
    }

    @Test func `an export over a damaged block gives the rest, names the block, and ends with 3`() async throws {
        try await TimeSeriesStore.open(folder: folder.file("series")).maintain(at: start + .seconds(40 * 3600))
        let whole = await run("export")
        #expect(whole.status == .done && whole.output.split(separator: "\n").count == 481, "\(whole.notes)")
        let block = folder.file("series/blocks/\(try files.list(folder.file("series/blocks"))[0])")
        var bytes = try files.contents(of: block)
        bytes[20] ^= 8
        try files.replace(block, with: bytes)
        let rest = await run("export")
        #expect(rest.status == .findings && rest.notes.contains("'\(block)' is damaged at byte 16"), "\(rest.notes)")
        #expect(rest.output.hasSuffix("# EOF") && rest.output.split(separator: "\n").count < 481)
    }

    /// Whoever reads must not take away what verify and repair are to find.
    @Test func `a block with a damaged index stays for verify and repair, whoever reads before them`() async throws {
        try await TimeSeriesStore.open(folder: folder.file("series")).maintain(at: start + .seconds(40 * 3600))
        let name = try #require(try files.list(folder.file("series/blocks")).first)
        let block = folder.file("series/blocks/\(name)")
        let whole = try files.contents(of: block)
        var bytes = whole
        bytes[bytes.count - 120] ^= 8
        try files.replace(block, with: bytes)
        for command in [["stats"], ["export"], ["snapshot", folder.file("copy")], ["stats", "--json"]] {
            let outcome = await run(command)
            #expect(outcome.status == .findings, "\(command): \(outcome)")
            #expect(outcome.notes.contains("'\(block)' is damaged at byte"), "\(command): \(outcome)")
            #expect(try files.contents(of: block) == bytes && files.list(folder.file("series/damaged")) == [])
        }
        let verified = await run("verify")
        #expect(verified.status == .findings && verified.output.contains("'\(block)' is damaged"), "\(verified)")
        let repaired = await run("repair")
        let aside = folder.file("series/damaged/\(name)")
        #expect(repaired.status == .findings && repaired.output.contains("the bytes are in '\(aside)'"), "\(repaired)")
        // From then on both say where it is and what can be done, until that is done.
        for command in ["verify", "repair", "verify"] {
            let outcome = await run(command)
            #expect(outcome.status == .findings, "\(command): \(outcome)")
            #expect(outcome.output.contains("'\(aside)' was set aside, \(whole.count) bytes"), "\(command): \(outcome)")
        }
        try files.replace(block, with: whole)
        #expect(await run("verify").status == .done)
        #expect(await run("repair").output == "nothing to repair")
    }

    @Test func `an import counts second values for an instant, and ends with 3`() async throws {
        let text = folder.file("two.om")
        try files.replace(text, with: Array("a 1 5\na 1 5\na 2 5\nb 1 5\nb 3 5\nb 4 6\n# EOF\n".utf8))
        let data = folder.file("imported")
        let terminal = Terminal(answers: nil)
        let status = await terminal.run(["series", "import", text, "--data", data, "--json"])
        try #require(status == .findings, "\(terminal.notes)")
        let figures = try JSONValue(parsing: terminal.output)
        #expect(figures["stored"]?.intValue == 3, "\(terminal.output)")
        #expect(figures["duplicates"]?.intValue == 2 && figures["known"]?.intValue == 0)
        // Given again all are stored before, and those two are told once more.
        let again = Terminal(answers: nil)
        #expect(await again.run(["series", "import", text, "--data", data]) == .findings)
        #expect(again.output.contains("3 samples were stored before"), "\(again.output)")
        #expect(again.output.contains("2 samples have another value"), "\(again.output)")
        let exported = Terminal(answers: nil)
        #expect(await exported.run(["series", "export", "--data", data]) == .done)
        #expect(exported.output.contains("a 1.0 5") && !exported.output.contains("a 2.0 5"), "\(exported.output)")
    }

    @Test func `where all samples are in blocks, stats names the series of the newest one`() async throws {
        let inMemory = await run("stats", "--json")
        #expect(try JSONValue(parsing: inMemory.output)["series_of_block"] == nil)
        try await TimeSeriesStore.open(folder: folder.file("series")).maintain(at: start + .seconds(40 * 3600))
        let shown = await run("stats")
        #expect(shown.status == .done && shown.output.contains("No series is in memory"), "\(shown)")
        #expect(shown.output.contains("  12  temperature\n"), "\(shown.output)")
        let outcome = await run("stats", "--json", "--limit", "3")
        let figures = try JSONValue(parsing: outcome.output)
        #expect(figures["series_in_memory"]?.intValue == 0 && figures["series_of_block"]?["end"] != nil)
        for key in ["metrics", "label_pairs", "label_names", "label_bytes", "targets", "jobs"] {
            // What is said of memory is said of the block.
            let before = try JSONValue(parsing: inMemory.output)[key]
            #expect(figures[key]?[0] == before?[0] && figures[key]?[0] != nil, "\(key): \(figures)")
        }
    }

    @Test func `a record that was not finished is named, and is no damage`() async throws {
        let bytes = try files.contents(of: segment(2))
        try files.replace(segment(2), with: Array(bytes.dropLast(3)))
        let stats = await run("stats")
        #expect(stats.status == .done && stats.notes.contains("no whole record"), "\(stats)")
        #expect(stats.output.contains("temperature"))
    }

    @Test func `a segment that is lost is named, and the others are read`() async throws {
        try files.rename(segment(2), to: segment(3))
        let stats = await run("stats", "--json")
        #expect(stats.status == .findings && stats.notes.contains("\(segment(2))' is missing"), "\(stats)")
        #expect(try JSONValue(parsing: stats.output)["series_in_memory"]?.intValue == 12)
    }
}
