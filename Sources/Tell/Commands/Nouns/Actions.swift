import ArgumentParser
import Diagnostics
import Units
import WebAPI

/// Asks the daemon to act, waits for the end and says how it ended.
func perform(_ action: SiteAction, _ daemon: DaemonOptions) async throws {
    let connection = try daemon.connect()
    var status: ActionStatus
    do {
        status = try await connection.post(APIPath.actions, action)
    } catch let problem as Problem where problem.code == .conflict {
        // Somebody else is at it.
        throw PlainFailure("locked", problem.summary, hint: problem.hint)
    }
    while status.state == .running {
        // The action goes on in the daemon whatever happens here; asking four times a second costs nothing to notice.
        try await ContinuousClock().sleep(for: .milliseconds(250))
        status = try await connection.get(APIPath.action(status.id))
    }
    // A configuration that was refused is the caller's to mend; everything else that fails is the action's own failure.
    let failed: ProgramStatus = action == .reload ? .configurationInvalid : .failed
    if status.state == .failed, !daemon.output.json {
        Console.current.notes("jaga: \(status.message)")
        if let hint = status.hint { Console.current.notes("      \(hint)") }
        throw EndWith(failed)
    }
    try daemon.show(status) { status, page in page.line(status.message) }
    if status.state == .failed { throw EndWith(failed) }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is done on a schedule.", subcommands: [List.self, Show.self, Run.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all jobs with their last run.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let jobs: [JobStatus] = try await daemon.connect().get(APIPath.jobs)
            try daemon.show(jobs) { jobs, page in
                if jobs.isEmpty {
                    page.line("no jobs are configured")
                    return
                }
                page.table(
                    ["JOB", "KIND", "SCHEDULE", "LAST RUN", "OUTCOME", "NEXT RUN"],
                    jobs.map { job in
                        let outcome = job.running ? .running : job.lastRun?.outcome
                        return [
                            Cell(job.name, .bold), Cell(job.kind),
                            Cell(job.scheduleText.isEmpty ? "by hand" : job.scheduleText),
                            Cell(page.age(job.lastRun?.startedAt)), outcomeCell(outcome),
                            Cell(job.nextRunAt == nil ? "" : page.age(job.nextRunAt)),
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one job with its runs.")
        @Argument(help: "The job's name.") var name: String
        @Option(name: .long, help: "How many runs.") var limit = 10
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let detail: JobDetail = try await daemon.connect().get("\(APIPath.job(name))?runs=\(limit)")
            try daemon.show(detail) { detail, page in
                page.line("\(detail.job.name): \(detail.job.description)", .bold)
                page.table(
                    ["STARTED", "TRIGGER", "OUTCOME", "TOOK", "MESSAGE"],
                    detail.runs.map { run in
                        [
                            Cell(page.age(run.startedAt)), Cell(run.trigger), outcomeCell(run.outcome),
                            Cell(run.finishedAt.map { ($0 - run.startedAt).briefText } ?? ""), Cell(run.message),
                        ]
                    })
                if let tail = detail.runs.first?.outputTail, !tail.isEmpty {
                    page.line()
                    page.line("output of the last run:", .dim)
                    page.line(tail)
                }
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Run a job now and wait for it.")
        @Argument(help: "The job's name.") var name: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.runJob(name: name), daemon) }
    }
}

private func outcomeCell(_ outcome: JobRun.Outcome?) -> Cell {
    switch outcome {
    case .succeeded: Cell("succeeded", .green)
    case .running: Cell("running", .blue)
    case nil: Cell("never ran", .dim)
    case .some(let other): Cell(other.rawValue, .red)
    }
}

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take, list, verify and prove backups.",
        subcommands: [List.self, Run.self, Verify.self, Drill.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show targets and copies, the newest first.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let overview: BackupOverview = try await daemon.connect().get(APIPath.backups)
            try daemon.show(overview) { overview, page in
                if overview.targets.isEmpty {
                    page.line("no backups are configured; add 'backup:' to the configuration")
                    return
                }
                page.table(
                    ["TARGET", "STATE", "LAST GOOD", "LAST DRILL", "NEXT RUN", ""],
                    overview.targets.map { target in
                        [
                            Cell(target.name, .bold), Cell(target.verdict.mark, target.verdict.style),
                            Cell(page.age(target.lastGoodAt)), Cell(page.age(target.lastDrillAt)),
                            Cell(target.nextRunAt == nil ? "by hand" : page.age(target.nextRunAt)), Cell(target.reason),
                        ]
                    })
                page.line()
                page.table(
                    ["BACKUP", "TARGET", "TAKEN", "SIZE", "ROWS", "VERIFIED", "DRILL"],
                    overview.backups.map { backup in
                        [
                            Cell(backup.id, .bold), Cell(backup.target), Cell(page.age(backup.finishedAt)),
                            Cell(ByteCount(backup.storedBytes).text), Cell(backup.rows.map { "\($0)" } ?? ""),
                            Cell(backup.verification.rawValue, backup.verification == .damaged ? .red : .plain),
                            Cell(backup.drillPassed.map { $0 ? "passed" : "FAILED" } ?? "never"),
                        ]
                    })
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a backup now and wait for it.")
        @Argument(help: "The target's name.") var target: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.runBackup(target: target), daemon) }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Read a copy again and compare it with its manifest.")
        @Argument(help: "The backup's identifier, from 'jaga backup list'.") var backup: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.verifyBackup(id: backup), daemon) }
    }

    struct Drill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Restore into a scratch database, compare, and drop it again.")
        @Argument(help: "The target's name.") var target: String
        @Option(name: .long, help: "The backup's identifier; without it the newest.") var backup: String?
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.drill(target: target, backup: backup), daemon) }
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Restore a backup into a new database.",
        discussion: "Never over a database that exists: restore beside it, look, then switch the application.")

    @Argument(help: "The target's name.") var target: String
    @Option(name: .long, help: "The database to create. It must not exist.") var into: String
    @Option(name: .long, help: "The backup's identifier; without it the newest.") var backup: String?
    @Flag(name: .long, help: "Say what would be done and do nothing.") var dryRun = false
    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        guard dryRun else {
            try await perform(.restore(target: target, backup: backup, into: into), daemon)
            return
        }
        let overview: BackupOverview = try await daemon.connect().get(APIPath.backups)
        let copies = overview.backups.filter { $0.target == target && (backup == nil || $0.id == backup) }
        guard let copy = copies.first(where: { $0.verification != .damaged }) else {
            throw Problem(
                .notFound, "there is no usable backup of '\(target)'" + (backup.map { " called \($0)" } ?? ""),
                hint: "'jaga backup list' shows what there is.")
        }
        try daemon.show(copy) { copy, page in
            page.line(
                "would restore \(copy.id) of \(copy.database), taken \(page.age(copy.finishedAt)), into the new database \(into)"
            )
        }
    }
}
