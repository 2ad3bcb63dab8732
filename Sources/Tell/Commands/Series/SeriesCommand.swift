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
    guard try isThere(folder) else { throw PlainFailure("not-found", "there is no data folder '\(folder)'") }
    let lock = try RealFiles().lockDataFolder(folder, holder: getpid())
    let value = try await body(folder)
    try lock.release()
    return value
}

/// Whether there is something at `path`.
/// - Throws: `PlainFailure` where this user may not see it.
private func isThere(_ path: String) throws -> Bool {
    guard access(path, F_OK) != 0 else { return true }
    if let failure = lookFailure(path, errno) { throw failure }
    return false
}

/// What to say when looking for `path` failed with `code`; nil: it is not there. Where this user may not look nobody knows.
func lookFailure(_ path: String, _ code: Int32) -> PlainFailure? {
    guard code == EACCES || code == EPERM else { return nil }
    return PlainFailure(
        "not-allowed", "'\(path)' cannot be looked at: \(String(cString: strerror(code)))",
        hint:
            "Only the user that the daemon runs as, and root, may look into its data folder: run this with 'sudo -u USER'."
    )
}

/// `jaga series`: the stored samples. What only reads works beside a daemon, by asking it; what changes files needs the folder alone.
struct SeriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "series", abstract: "Work with the stored samples.",
        discussion: """
            'stats', 'export' and 'snapshot' work with and without a daemon on the data folder, 'verify' may run beside one. None of \
            them changes what is stored. 'repair' and 'import' need the folder for themselves and end with 11 while a daemon uses it. \
            Where a part of the samples is damaged, the first three show the rest, name the file on standard error, and end with 3.
            """,
        subcommands: [Stats.self, Verify.self, Repair.self, Export.self, Import.self, Snapshot.self])

    struct FolderOptions: ParsableArguments {
        @Option(
            name: .long, help: ArgumentHelp("The daemon's data folder (or JAGA_DATA).", valueName: "folder"))
        var data: String?

        @OptionGroup var output: OutputOptions

        private var root: String { dataFolder(data, Console.current) }
        /// The folder of the samples.
        var series: String { joined(root, "series") }

        /// Opens the store, with the folder locked against a daemon. `body` may take long.
        /// - Parameter mayBeNew: the data folder may be empty, as before the daemon's first start.
        func withStore<Value>(
            mayBeNew: Bool, _ body: (TimeSeriesStore) async throws -> Value
        ) async throws -> Value {
            try await withLock(mayBeNew: mayBeNew) { try await body(try TimeSeriesStore.open(folder: series)) }
        }

        /// Opens the store to read it where no daemon has the folder, and asks that one where it has. Then shows what came of it.
        /// - Throws: `EndWith` of code 3, after all was shown, where a part of what was stored is damaged.
        func withStore<Value>(
            _ body: (TimeSeriesStore) async throws -> Value, daemon: (any APIConnection) async throws -> Value,
            show: (Value) -> Void
        ) async throws {
            var isWhole = true
            do {
                let value = try await holdingLock(isForReading: true) {
                    let store = try TimeSeriesStore.openForReading(folder: series)
                    isWhole = nameProblems(of: store)
                    let known = store.health.problems
                    // What was met on the way is named as well.
                    defer { isWhole = nameProblems(of: store, beside: known) && isWhole }
                    return try await body(store)
                }
                show(value)
            } catch let error as FileError where error.code == .locked {
                let options = ConnectionOptions(socketPath: joined(root, "run/jaga.sock"))
                show(try await daemon(try Console.current.connect(options)))
            }
            if !isWhole { throw EndWith(.findings) }
        }

        /// Names what is missing of a store that was opened: without a word what is shown of it would pass for all there was.
        /// - Parameter copy: where the store is, if it is a copy: files are named as they are in the data folder.
        /// - Returns: false where something is.
        func nameProblems(
            of store: TimeSeriesStore, beside known: [StoreProblem] = [], copy: String? = nil
        ) -> Bool {
            var problems = store.health.problems.filter { !known.contains($0) }
            if let copy {
                for index in problems.indices where problems[index].file.hasPrefix(copy + "/") {
                    problems[index].file = series + problems[index].file.dropFirst(copy.count)
                }
            }
            for problem in problems { Console.current.notes(problem.description) }
            return !problems.contains(where: \.isDamage)
        }

        /// - Throws: `PlainFailure` of code `locked` while a daemon has the folder.
        func withLock<Value>(mayBeNew: Bool = false, _ body: () async throws -> Value) async throws -> Value {
            do {
                return try await holdingLock(mayBeNew: mayBeNew, body)
            } catch let error as FileError where error.code == .locked {
                throw PlainFailure(
                    "locked", "a daemon uses the data folder '\(root)'",
                    hint: "Stop it first: this changes the files under it. 'jaga series stats', 'verify', 'export' and "
                        + "'snapshot' work while it runs.", cause: error)
            }
        }

        private func holdingLock<Value>(
            mayBeNew: Bool = false, isForReading: Bool = false, _ body: () async throws -> Value
        ) async throws -> Value {
            try requireFolder(mayBeNew: mayBeNew)
            let lock: FolderLock?
            do throws(FileError) {
                lock = try RealFiles().lockDataFolder(root, holder: getpid())
            } catch {
                // After errors of a disk the kernel lets nobody write to it any more, and then one wants to read what is there.
                guard isForReading, error.code == .readOnly else { throw error }
                lock = nil
            }
            let value = try await body()
            try lock?.release()
            return value
        }

        /// - Throws: `PlainFailure` of code `not-found` where there is no data folder, or none with samples, and `not-allowed` where this user
        ///   may not look.
        func requireFolder(mayBeNew: Bool = false) throws {
            guard try isThere(root) else {
                if mayBeNew { return try makeFolder() }
                throw PlainFailure(
                    "not-found", "there is no data folder '\(root)'",
                    hint: "Name the daemon's data folder with --data or JAGA_DATA.")
            }
            if mayBeNew, try RealFiles().list(root).allSatisfy(Self.firstNames.contains) { return }
            guard try isThere(series) else {
                throw PlainFailure(
                    "not-found", "the folder '\(root)' holds no samples",
                    hint: "Name the daemon's data folder with --data or JAGA_DATA.")
            }
        }

        /// Makes the folder as the daemon would at its first start, closed to others. It says so: the name may be a slip.
        private func makeFolder() throws {
            try RealFiles().createFolders(root)
            guard chmod(root, 0o700) == 0 else {
                throw PlainFailure("failed", "cannot close \(root) to others: \(String(cString: strerror(errno)))")
            }
            Console.current.notes(Console.current.phrases(.seriesFolderMade, ["folder": root]))
        }

        /// What a data folder may hold before anything is stored.
        private static let firstNames: Set<String> = ["run", "spool", "backups", "lost+found"]

        func show(_ value: JSONValue, _ lines: [String]) {
            Console.current.output(output.json ? value.canonicalText : lines.joined(separator: "\n"))
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Read every byte and say what is damaged, with file and offset. Exits with 3 on damage.",
            discussion: """
                A block that a start could not read and has set aside, and that no block in use stands for, is damage as well: put the \
                same block from a snapshot in its place, or remove the file when there is none.
                """)
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            try folder.requireFolder()
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
            commandName: "repair",
            abstract: "Set damaged files aside and keep all that can be read. Exits with 3 when there was damage.",
            discussion: """
                Of a block whose index is damaged nothing can be kept: nobody knows whose samples are where. It stays in \
                'series/damaged' of the data folder and is named each time until it is put back or removed. One that can be read after \
                all, since the machine had read it wrongly, is put back.
                """)
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
            commandName: "export", abstract: "Print samples as OpenMetrics text.",
            discussion: """
                'jaga series import' and 'promtool tsdb create-blocks-from openmetrics' read it. Native histograms have no form in the \
                text and are left out, counted at the end; 'jaga series snapshot' has them.
                """)
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
            func export(_ store: TimeSeriesStore) throws -> ExportOutcome {
                try store.exportOpenMetrics(matchers, from: start, through: end) { piece in
                    // Whole lines, without the last line feed: the console ends a line.
                    Console.current.output(String(decoding: piece.dropLast(), as: UTF8.self))
                }
            }
            var isWhole = true
            try await folder.withStore { store in
                try export(store)
            } daemon: { daemon in
                // A snapshot is a store of its own, and costs links. It goes when its samples are printed.
                let snapshot = try await Snapshot.made(by: daemon, folder)
                defer { try? RealFiles().removeTree(snapshot) }
                let store = try TimeSeriesStore.openForReading(folder: snapshot)
                defer { isWhole = folder.nameProblems(of: store, copy: snapshot) }
                return try export(store)
            } show: { outcome in
                Console.current.notes(
                    Console.current.phrases(
                        outcome.histograms + outcome.staleMarkers > 0 ? .seriesExportedPartly : .seriesExported,
                        [
                            "samples": outcome.written, "histograms": outcome.histograms,
                            "others": outcome.staleMarkers,
                        ]))
            }
            if !isWhole { throw EndWith(.findings) }
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
}
