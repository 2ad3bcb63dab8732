import ArgumentParser
import Diagnostics
import DurableFiles
import Exposition
import Glibc
import JSONCoding
import Series
import PromQL
import Texts
import TimeSeriesStore
import Units

/// Runs `body` with the data folder locked against a daemon.
/// - Throws: `PlainFailure` where there is no such folder; what says that a daemon uses it.
func withLockedFolder<Value>(_ folder: String, _ body: (String) async throws -> Value) async throws -> Value {
    guard access(folder, F_OK) == 0 else {
        throw PlainFailure("not-found", "there is no data folder '\(folder)'")
    }
    let lock = try RealFiles().lockDataFolder(folder, holder: getpid())
    let value = try await body(folder)
    try lock.release()
    return value
}

/// `jaga series`: the stored samples as files, without the daemon.
struct SeriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "series", abstract: "Work with the stored samples, without the daemon.",
        discussion: """
            All but 'verify' need the data folder for themselves and end with 11 while a daemon uses it. 'verify' changes \
            nothing and may run beside one.
            """,
        subcommands: [Stats.self, Verify.self, Repair.self, Export.self, Import.self, Snapshot.self])

    struct FolderOptions: ParsableArguments {
        @Option(
            name: .long, help: ArgumentHelp("The daemon's data folder (or JAGA_DATA).", valueName: "folder"))
        var data: String?

        @OptionGroup var output: OutputOptions

        /// The folder of the samples.
        var series: String { joined(dataFolder(data, Console.current), "series") }

        /// Opens the store, with the folder locked against a daemon. `body` may take long.
        func withStore<Value>(_ body: (TimeSeriesStore) async throws -> Value) async throws -> Value {
            try await withLock { try await body(try TimeSeriesStore.open(folder: series)) }
        }

        func withLock<Value>(_ body: () async throws -> Value) async throws -> Value {
            try await withLockedFolder(dataFolder(data, Console.current)) { _ in try await body() }
        }

        func show(_ value: JSONValue, _ lines: [String]) {
            Console.current.output(output.json ? value.canonicalText : lines.joined(separator: "\n"))
        }
    }

    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how much is stored, and which metrics, labels and targets have the most series.")
        @Option(name: .long, parsing: .unconditional, help: "How many of each kind are named.") var limit = 10
        @OptionGroup var folder: FolderOptions

        func validate() throws { try OptionValue.count(limit, "--limit", in: 1...10_000) }

        func run() async throws {
            try await folder.withStore { store in
                let stats = store.stats
                let report = store.cardinality(limit: limit)
                let t = Console.current.phrases
                let groups: [(String, String, [StoreReport.Entry])] = [
                    ("metrics", t[.seriesByMetric], report.metrics),
                    ("label_names", t[.seriesValuesByLabel], report.labelNames),
                    ("label_bytes", t[.seriesBytesByLabel], report.labelBytes),
                    ("label_pairs", t[.seriesByPair], report.labelPairs),
                    ("targets", t[.seriesByTarget], report.targets),
                ]
                var members: [(String, JSONValue)] = [
                    ("series_in_memory", .integer(Int64(report.seriesCount))),
                    ("samples_in_memory", .integer(Int64(stats.headSampleCount))),
                    ("blocks", .integer(Int64(stats.blockCount))),
                    ("block_samples", .integer(stats.blockSampleCount)),
                    ("block_bytes", .integer(stats.blockByteCount)),
                    ("log_bytes", .integer(stats.logByteCount)),
                ]
                var lines = [
                    t(
                        .seriesInMemory,
                        [
                            "series": report.seriesCount, "samples": stats.headSampleCount,
                            "log": ByteCount(stats.logByteCount).text,
                        ]),
                    t(
                        .seriesInBlocks,
                        [
                            "samples": stats.blockSampleCount, "blocks": stats.blockCount,
                            "size": ByteCount(stats.blockByteCount).text,
                        ]),
                ]
                for (key, title, entries) in groups {
                    members.append(
                        (
                            key,
                            .array(
                                entries.map { .object(["name": .string($0.name), "count": .integer(Int64($0.count))]) })
                        ))
                    guard !entries.isEmpty else { continue }
                    lines += ["", title] + entries.map { "  \($0.count)  \($0.name)" }
                }
                folder.show(.object(Dictionary(uniqueKeysWithValues: members)), lines)
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every byte and say what is damaged, with file and offset. Exits with 3 on damage.")
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            let found = try verifyStore(folder.series)
            folder.show(
                [
                    "intact": .bool(found.isIntact), "blocks": .integer(Int64(found.blockCount)),
                    "block_samples": .integer(found.blockSampleCount), "segments": .integer(Int64(found.segmentCount)),
                    "records": .integer(Int64(found.recordCount)),
                    "problems": .array(found.problems.map { .string($0.description) }),
                ],
                found.problems.map(\.description) + [
                    Console.current.phrases(
                        found.isIntact ? .seriesIntact : .seriesDamaged,
                        [
                            "samples": found.blockSampleCount, "blocks": found.blockCount,
                            "records": found.recordCount, "segments": found.segmentCount,
                        ])
                ])
            if !found.isIntact { throw EndWith(.findings) }
        }
    }

    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set damaged files aside and keep all that can be read. Exits with 3 when there was damage.")
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            let problems = try await folder.withLock { try repairStore(folder.series) }
            folder.show(
                ["problems": .array(problems.map { .string($0.description) })],
                problems.isEmpty ? [Console.current.phrases[.seriesNothingToRepair]] : problems.map(\.description))
            if !problems.isEmpty { throw EndWith(.findings) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print samples as OpenMetrics text.",
            discussion: "'jaga series import' and 'promtool tsdb create-blocks-from openmetrics' read it.")
        @Argument(help: "Which series, as in '{job=\"shop\"}'. All without it.") var selector: String?
        @Option(
            name: .long, parsing: .unconditional,
            help: "From this instant on: RFC 3339, seconds since 1970, or how long ago, as in 6h.")
        var from: String?

        @Option(name: .long, parsing: .unconditional, help: "Up to this instant, written likewise.")
        var to: String?

        @OptionGroup var folder: FolderOptions

        func validate() throws {
            _ = try matchers()
            _ = try span()
        }

        private func span() throws -> (start: Timestamp, end: Timestamp) {
            let now = Console.current.now()
            let start = try from.map { try OptionValue.instant($0, "--from", now: now) } ?? .distantPast
            let end = try to.map { try OptionValue.instant($0, "--to", now: now) } ?? .distantFuture
            guard start <= end else {
                throw ValidationError("--from \(from ?? "") is after --to \(to ?? ""); exchange them.")
            }
            return (start, end)
        }

        func run() async throws {
            let matchers = try matchers()
            let (start, end) = try span()
            let outcome = try await folder.withStore { store in
                try store.exportOpenMetrics(matchers, from: start, through: end) { piece in
                    // Whole lines, without the last line feed: the console ends a line.
                    Console.current.output(String(decoding: piece.dropLast(), as: UTF8.self))
                }
            }
            Console.current.notes(
                Console.current.phrases(
                    .seriesExported, ["samples": outcome.written, "others": outcome.leftOut]))
        }

        private func matchers() throws -> [LabelMatcher] {
            guard let selector else { return [] }
            do {
                return try Expression.parseSelector(selector)
            } catch {
                throw ValidationError("'\(selector)' is no selector: \(error.summary)")
            }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take in old samples: OpenMetrics text with timestamps, or block folders of Prometheus.",
            discussion:
                "What is already stored for an instant stays. Exits with 3 when samples were too new to be taken.")
        @Argument(help: "Files of OpenMetrics text; folders that are blocks of Prometheus, or hold such.") var paths:
            [String]
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            let outcome = try await folder.withStore { store in
                // As far ahead as a live sample may be.
                var backfill = Backfill(into: store, latest: Console.current.now() + .seconds(600))
                for path in paths { try read(path, into: &backfill) }
                let outcome = try backfill.finish()
                try await store.sync()
                return outcome
            }
            folder.show(
                [
                    "stored": .integer(outcome.stored), "too_new": .integer(outcome.tooNew),
                    "ahead": .integer(outcome.ahead), "blocks": .integer(Int64(outcome.blocksWritten)),
                ],
                [
                    Console.current.phrases(
                        outcome.tooNew > 0 ? .seriesImportedPartly : .seriesImported,
                        [
                            "samples": outcome.stored, "blocks": outcome.blocksWritten, "others": outcome.tooNew,
                        ])
                ]
                    + (outcome.ahead > 0
                        ? [Console.current.phrases(.seriesAhead, ["count": outcome.ahead])] : []))
            if outcome.tooNew + outcome.ahead > 0 { throw EndWith(.findings) }
        }

        private func read(_ path: String, into backfill: inout Backfill) throws {
            let files = RealFiles()
            guard let status = try files.status(of: path) else {
                throw PlainFailure("not-found", "there is no '\(path)'")
            }
            guard status.kind == .folder else { return try readText(path, into: &backfill) }
            if try files.status(of: joined(path, "index")) != nil {
                return try PrometheusBlock(path).forEachSeries { try backfill.add($0) }
            }
            let blocks = try files.list(path).filter { try files.status(of: joined(path, "\($0)/index")) != nil }
            guard !blocks.isEmpty else {
                throw PlainFailure("no-blocks", "'\(path)' is no block of Prometheus and holds none")
            }
            for block in blocks {
                try PrometheusBlock(joined(path, block)).forEachSeries { try backfill.add($0) }
            }
        }

        /// A text of any length, some megabytes at a time, cut between lines.
        private func readText(_ path: String, into backfill: inout Backfill) throws {
            let file = try RealFiles().openForReading(path)
            var offset: Int64 = 0
            var rest: [UInt8] = []
            var tail: [UInt8] = []
            while true {
                let piece = try file.read(at: offset, count: 4 << 20)
                offset += Int64(piece.count)
                rest += piece
                tail = Array((tail + piece).suffix(6))
                guard let cut = piece.isEmpty ? rest.count : rest.lastIndex(of: 0x0A).map({ $0 + 1 }) else { continue }
                try parse(Array(rest[..<cut]), path, into: &backfill)
                rest.removeFirst(cut)
                if piece.isEmpty { break }
            }
            // Without it the text may be the beginning of a longer one.
            guard tail.elementsEqual("# EOF\n".utf8) || tail.suffix(5).elementsEqual("# EOF".utf8) else {
                throw PlainFailure(
                    "no-end", "\(path) does not end with '# EOF': a part of it may be missing",
                    hint: "Write it anew; what was read of it is stored and does no harm.")
            }
        }

        private func parse(_ lines: [UInt8], _ path: String, into backfill: inout Backfill) throws {
            let end = Array("# EOF\n".utf8)
            let text = lines.suffix(end.count).elementsEqual(end) ? lines : lines + end
            let batch: SampleBatch
            do {
                batch = try parseExposition(
                    text, .openMetrics, at: Timestamp(millisecondsSinceEpoch: .min),
                    limits: ExpositionLimits(byteCountMax: .max, sampleCountMax: .max))
            } catch {
                throw PlainFailure("not-openmetrics", "\(path): \(error.oneLine)")
            }
            for row in batch.rows {
                guard let time = row.timestamp, time.millisecondsSinceEpoch != .min else {
                    throw PlainFailure("no-timestamp", "\(path): \(row.labels) has no timestamp")
                }
                try backfill.add(
                    SeriesColumns(labels: row.labels, times: [time.millisecondsSinceEpoch], values: [row.value]))
            }
        }
    }

    struct Snapshot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a copy of all samples into a new folder, blocks as hard links where that works.")
        @Argument(help: "The folder to be made.") var target: String
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            try await folder.withStore { try await $0.snapshot(to: target) }
            folder.show(["folder": .string(target)], [Console.current.phrases(.seriesSnapshot, ["folder": target])])
        }
    }
}
