import Diagnostics
import Processes
public import Schedule
public import Settings
import SystemPackage
import Units

/// The section `jobs.<name>`.
public struct JobSettings: SettingsSection, Sendable {
    /// What the job does: exactly one of the keys `command`, `shell`, `backup`, `verify`, `drill`.
    public enum Work: Sendable, Hashable {
        case command([String])
        case shell(String)
        /// A capability's kind and the target that it works on.
        case capability(kind: String, target: String)
    }

    public let work: Work
    public let description: String
    public let schedule: String
    public let timeZone: String
    public let recurrence: Recurrence?
    public let enabled: Bool
    public let deadline: Duration
    public let retries: Int
    public let retryWait: Duration
    public let missed: MissedRunPolicy
    public let lock: String?
    public let environment: [String: String]
    public let folder: String?
    public let user: String?

    public static let capabilityKinds = ["backup", "verify", "drill"]

    public init(_ s: SettingsReader) {
        var works: [Work] = []
        let words = s.texts("command", "A program with its arguments, as a list.")
        if !words.isEmpty { works.append(.command(words)) }
        if let line = s.optionalText("shell", "A line for /bin/sh.") { works.append(.shell(line)) }
        let backup = s.optionalText("backup", "Take a backup of this target.")
        let verify = s.optionalText("verify", "Verify the newest backup of this target.")
        let drill = s.optionalText(
            "drill", "Restore the newest backup of this target into a scratch database and check it.")
        for (kind, target) in zip(Self.capabilityKinds, [backup, verify, drill]) {
            if let target { works.append(.capability(kind: kind, target: target)) }
        }
        description = s.text("description", default: "", "What the job is for.")
        schedule = s.text(
            "schedule", default: "", "A cron expression or 'every 15m'; without one the job runs on demand only.")
        timeZone = s.text("time_zone", default: "UTC", "The zone of the schedule, as in Europe/Berlin.")
        enabled = s.boolean("enabled", default: true, "Whether the schedule counts.")
        deadline = s.duration(
            "deadline", default: .seconds(3600), atLeast: .seconds(1), "A run that takes longer is ended.")
        retries = s.integer("retries", default: 0, in: 0...20, "Further attempts after a failed one.")
        retryWait = s.duration(
            "retry_wait", default: .seconds(60), "The pause before the first retry; it doubles with each one.")
        let isBackup = backup != nil
        missed = s.choice(
            "missed", default: isBackup ? .runOnce : MissedRunPolicy.skip,
            "What to do about runs that were missed while Jaga was off; for backups the default is run_once.")
        lock = s.optionalText("lock", "A name that at most one running job may hold.")
        environment = s.textMap("environment", "Variables for the command beside Jaga's own.")
        folder = s.optionalText("folder", "Where the command runs; an absolute path.")
        user = s.optionalText("user", "The user that the command runs as; only root may name one.")
        if works.count != 1 {
            s.fault(nil, "needs exactly one of command, shell, backup, verify and drill, and has \(works.count)")
        }
        if let folder, !folder.hasPrefix("/") { s.fault("folder", "'\(folder)' is not an absolute path") }
        work = works.first ?? .shell("")
        var recurrence: Recurrence?
        do throws(ScheduleFailure) {
            let zone = try SystemTimeZones().rules(named: timeZone)
            do throws(ScheduleFailure) {
                if !schedule.isEmpty { recurrence = try Recurrence(schedule, in: zone) }
            } catch {
                s.fault("schedule", error.inOneSentence)
            }
        } catch {
            s.fault("time_zone", error.inOneSentence)
        }
        self.recurrence = recurrence
    }

    /// The job for the runner.
    /// - Parameter kinds: the kinds of the capabilities, for a target: `(kind, target)` to kind.
    /// - Throws: `CommandFailure` when the user is unknown; `PlainFailure` when nobody offers the kind.
    public func definition(
        name: String, kinds: (_ kind: String, _ target: String) throws -> (any JobKind)?
    ) throws -> JobDefinition {
        var locks = lock.map { ["lock/\($0)"] } ?? []
        let kind: any JobKind
        switch work {
        case .command(let words): kind = CommandJob(try command(Command(words[0], Array(words.dropFirst()))))
        case .shell(let line): kind = CommandJob(try command(.shell(line)))
        case .capability(let kindName, let target):
            guard let found = try kinds(kindName, target) else {
                throw PlainFailure(
                    "unknown-target", "the job '\(name)' names the backup target '\(target)', which is not configured",
                    hint: "Add it under 'backup.targets'.")
            }
            kind = found
            locks.append("target/\(target)")
        }
        return JobDefinition(
            name: name, kind: kind, description: description, recurrence: recurrence, scheduleText: schedule,
            isEnabled: enabled, deadline: deadline, retries: retries, retryWait: retryWait, missed: missed, locks: locks
        )
    }

    private func command(_ bare: Command) throws -> Command {
        var command = bare
        command.environment = .inherit(changes: environment.mapValues { .some($0) })
        command.folder = folder.map { FilePath($0) }
        command.user = try user.map { name throws(CommandFailure) in try SystemUser.named(name) }
        return command
    }
}
