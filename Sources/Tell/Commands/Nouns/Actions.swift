import ArgumentParser
import Diagnostics
import Texts
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
    if status.state == .failed {
        let problem = PlainFailure(status.code ?? "failed", status.message, hint: status.hint)
        if daemon.output.json {
            try daemon.show(status) { _, _ in }
        } else {
            Console.current.notes("jaga: \(problem.summary)")
            if let hint = problem.hint { Console.current.notes("      \(hint)") }
        }
        throw EndWith(ProgramStatus(codeName: problem.codeName) ?? .failed)
    }
    try daemon.show(status) { status, page in page.line(status.message) }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "What is done on a schedule.", subcommands: [List.self, Show.self, Run.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show all jobs with their last run.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let jobs: [JobStatus] = try await daemon.connect().get(APIPath.jobs)
            try daemon.show(jobs) { jobs, page in
                if jobs.isEmpty {
                    page.line(page.t[.jobsNone])
                    return
                }
                page.table(
                    [.columnJob, .columnKind, .columnSchedule, .columnLastRun, .columnOutcome, .columnNextRun],
                    jobs.map { job in
                        let outcome = job.running ? .running : job.lastRun?.outcome
                        return [
                            Cell(job.name, .bold), Cell(job.kind),
                            Cell(job.scheduleText.isEmpty ? page.t[.byHand] : job.scheduleText),
                            Cell(page.age(job.lastRun?.startedAt)), page.cell(outcome),
                            Cell(job.nextRunAt == nil ? "" : page.age(job.nextRunAt)),
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one job with its runs.")
        @Argument(help: "The job's name.") var name: String
        @Option(name: .long, parsing: .unconditional, help: "How many runs.") var limit = 10
        @OptionGroup var daemon: DaemonOptions

        func validate() throws { try OptionValue.count(limit, "--limit", in: 1...500) }

        func run() async throws {
            let detail: JobDetail = try await daemon.connect().get("\(APIPath.job(name))?runs=\(limit)")
            try daemon.show(detail) { detail, page in
                page.line("\(detail.job.name): \(detail.job.description)", .bold)
                page.table(
                    [.columnStarted, .columnTrigger, .columnOutcome, .columnTook, .columnMessage],
                    detail.runs.map { run in
                        [
                            Cell(page.age(run.startedAt)),
                            Cell(run.triggerWord.map { page.states[$0] } ?? run.trigger), page.cell(run.outcome),
                            Cell(run.finishedAt.map { ($0 - run.startedAt).briefText } ?? ""), Cell(run.message),
                        ]
                    })
                if let tail = detail.runs.first?.outputTail, !tail.isEmpty {
                    page.line()
                    page.line(page.t[.outputOfLastRun], .dim)
                    page.line(tail)
                }
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "run", abstract: "Run a job now and wait for it.")
        @Argument(help: "The job's name.") var name: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.runJob(name: name), daemon) }
    }
}

extension Page {
    /// How a run ended, in its word and colour.
    func cell(_ outcome: JobRun.Outcome?) -> Cell {
        guard let outcome else { return Cell(states[.outcomeNone], .dim) }
        let style: Style =
            switch outcome {
            case .succeeded: .green
            case .running: .blue
            case .failed, .timedOut, .cancelled, .lost, .interrupted, .missed: .red
            }
        return Cell(states[outcome.word], style)
    }
}

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Take, list, verify and prove backups.",
        subcommands: [List.self, Run.self, Verify.self, Drill.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show targets and copies, the newest first.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let overview: BackupOverview = try await daemon.connect().get(APIPath.backups)
            try daemon.show(overview) { overview, page in
                if overview.targets.isEmpty {
                    page.line(page.t[.backupsNone])
                    return
                }
                page.table(
                    [.columnTarget, .columnState, .columnLastGood, .columnLastDrill, .columnNextRun, nil],
                    overview.targets.map { target in
                        [
                            Cell(target.name, .bold), page.cell(target.verdict),
                            Cell(page.age(target.lastGoodAt)), Cell(page.age(target.lastDrillAt)),
                            Cell(target.nextRunAt == nil ? page.t[.byHand] : page.age(target.nextRunAt)),
                            Cell(target.reason),
                        ]
                    })
                page.line()
                page.table(
                    [
                        .columnBackup, .columnTarget, .columnTaken, .columnSize, .columnRows, .columnVerified,
                        .columnDrill,
                    ],
                    overview.backups.map { backup in
                        [
                            Cell(backup.id, .bold), Cell(backup.target), Cell(page.age(backup.finishedAt)),
                            Cell(ByteCount(backup.storedBytes).text), Cell(backup.rows.map { "\($0)" } ?? ""),
                            Cell(
                                page.states[backup.verification.word], backup.verification == .damaged ? .red : .plain),
                            Cell(
                                page.states[
                                    backup.drillPassed.map { $0 ? .drillPassed : .drillFailed } ?? .drillNever]),
                        ]
                    })
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Take a backup now and wait for it.")
        @Argument(help: "The target's name.") var target: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.runBackup(target: target), daemon) }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Read a copy again and compare it with its manifest.")
        @Argument(help: "The backup's identifier, from 'jaga backup list'.") var backup: String
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.verifyBackup(id: backup), daemon) }
    }

    struct Drill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drill", abstract: "Restore into a scratch database, compare, and drop it again.")
        @Argument(help: "The target's name.") var target: String
        @Option(name: .long, help: "The backup's identifier; without it the newest.") var backup: String?
        @OptionGroup var daemon: DaemonOptions
        func run() async throws { try await perform(.drill(target: target, backup: backup), daemon) }
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore a backup into a new database.",
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
                page.t(
                    .restoreWould,
                    [
                        "backup": copy.id, "database": copy.database, "age": page.age(copy.finishedAt), "into": into,
                    ]))
        }
    }
}
