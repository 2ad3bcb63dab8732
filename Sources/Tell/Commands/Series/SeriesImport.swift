import ArgumentParser
import Diagnostics
import DurableFiles
import JSONCoding
import Series
import Texts
import TimeSeriesStore
import Units

extension SeriesCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Take in old samples: OpenMetrics text with timestamps, or block folders of Prometheus.",
            discussion: """
                What is already stored for an instant stays, and of two values for one instant the first. Exits with 3 when something \
                was left out: second values, samples too new to be taken, of kinds that are not known, or without a metric name. A data \
                folder that does not exist is made.
                """)
        @Argument(help: "Files of OpenMetrics text; folders that are blocks of Prometheus, or hold such.") var paths:
            [String]
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            var leftOut: LeftOutSamples = [:]
            var unnamed = 0
            // Before a folder is made for what cannot be read.
            for path in paths where try RealFiles().status(of: path) == nil { throw Self.missing(path) }
            let logs = try paths.filter(Self.hasLog)
            let outcome = try await folder.withStore(mayBeNew: true) { store in
                _ = folder.nameProblems(of: store)
                // As far ahead as a live sample may be.
                var backfill = Backfill(into: store, latest: Console.current.now() + .seconds(600))
                for path in paths { try read(path, into: &backfill, &leftOut, &unnamed) }
                let outcome = try backfill.finish()
                try await store.sync()
                return outcome
            }
            let unknown = leftOut.values.reduce(0, +)
            let t = Console.current.phrases
            var lines = [
                t(
                    outcome.tooNew > 0 ? .seriesImportedPartly : .seriesImported,
                    ["samples": outcome.stored, "blocks": outcome.blocksWritten, "others": outcome.tooNew])
            ]
            if outcome.known > 0 { lines.append(t(.seriesImportKnown, ["count": outcome.known])) }
            if outcome.duplicate > 0 { lines.append(t(.seriesImportDuplicate, ["count": outcome.duplicate])) }
            if outcome.ahead > 0 { lines.append(t(.seriesAhead, ["count": outcome.ahead])) }
            if unknown > 0 {
                let kinds = leftOut.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
                lines.append(t(.seriesImportUnknown, ["count": unknown, "kinds": kinds]))
            }
            if unnamed > 0 { lines.append(t(.seriesImportUnnamed, ["count": unnamed])) }
            for path in logs { lines.append(t(.seriesImportLog, ["folder": path])) }
            folder.show(
                [
                    "logs_left_out": .array(logs.map { .string($0) }),
                    "stored": .integer(outcome.stored), "known": .integer(outcome.known),
                    "duplicates": .integer(outcome.duplicate),
                    "too_new": .integer(outcome.tooNew),
                    "ahead": .integer(outcome.ahead), "blocks": .integer(Int64(outcome.blocksWritten)),
                    "unnamed": .integer(Int64(unnamed)),
                    "unknown": .object(leftOut.mapValues { .integer(Int64($0)) }),
                ], lines)
            let leftOutCount = outcome.duplicate + outcome.tooNew + outcome.ahead + Int64(unknown + unnamed)
            if leftOutCount > 0 || !logs.isEmpty { throw EndWith(.findings) }
        }

        private static func missing(_ path: String) -> PlainFailure {
            PlainFailure("not-found", "there is no '\(path)'")
        }

        /// Whether the folder is a server's own, whose newest samples are in its write-ahead log and not yet in a block.
        private static func hasLog(_ path: String) throws -> Bool {
            let files = RealFiles()
            let log = joined(path, "wal")
            guard try files.status(of: log)?.kind == .folder else { return false }
            return try files.list(log).contains { try files.status(of: joined(log, $0))?.byteCount ?? 0 > 0 }
        }

        private func read(
            _ path: String, into backfill: inout Backfill, _ leftOut: inout LeftOutSamples, _ unnamed: inout Int
        ) throws {
            let files = RealFiles()
            guard let status = try files.status(of: path) else {
                throw Self.missing(path)
            }
            guard status.kind == .folder else {
                var text = OpenMetricsFile(path)
                return try text.read(into: &backfill)
            }
            var blocks = [path]
            if try files.status(of: joined(path, "index")) == nil {
                blocks = try files.list(path).sorted().map { joined(path, $0) }
                    .filter { try files.status(of: joined($0, "index")) != nil }
            }
            guard !blocks.isEmpty else {
                throw PlainFailure("no-blocks", "'\(path)' is no block of Prometheus and holds none")
            }
            for block in blocks {
                let found = try PrometheusBlock(block).forEachSeries { columns in
                    // As at every other door: nothing could ask for them by name.
                    guard !columns.labels.name.isEmpty else { return unnamed += columns.times.count }
                    try backfill.add(columns)
                }
                leftOut.merge(found, uniquingKeysWith: +)
            }
        }
    }
}
