import Schedule
import Jobs
import Units
import WebAPI

extension LiveSite {
    func jobs() async throws -> [JobStatus] {
        let states = try await JobRuns.states(in: parts.state)
        var statuses: [JobStatus] = []
        for job in parts.jobs.jobs {
            let last = try await JobRuns.history(of: job.name, limit: 1, in: parts.state).first
            statuses.append(status(of: job, state: states[job.name], last: last))
        }
        return statuses
    }

    private func status(of job: JobDefinition, state: JobState?, last: JobRunRecord?) -> JobStatus {
        JobStatus(
            name: job.name, kind: job.kind.name, description: job.description, schedule: job.scheduleText,
            scheduleText: job.recurrence?.words(in: parts.language) ?? "", timeZone: job.recurrence?.zone.name ?? "UTC",
            enabled: job.isEnabled, nextRunAt: parts.jobs.nextRun(of: job.name),
            timeLimitMs: job.deadline.wholeMilliseconds, attemptsMax: job.retries + 1,
            running: parts.jobs.running[job.name] != nil, lastRun: last.map(run), lastSuccessAt: state?.lastSuccessAt)
    }

    private func run(_ record: JobRunRecord) -> JobRun {
        JobRun(
            id: record.run, job: record.job, trigger: record.trigger, actor: record.actor, attempt: record.attempt,
            scheduledFor: record.scheduledFor, startedAt: record.startedAt, finishedAt: record.finishedAt,
            outcome: JobRun.Outcome(rawValue: record.outcome) ?? .failed, exitCode: record.exitCode,
            message: record.message, outputTail: record.output)
    }

    func job(_ name: String, runCountMax: Int) async throws -> JobDetail {
        guard let job = parts.jobs.jobs.first(where: { $0.name == name }) else { throw noJob(name) }
        let states = try await JobRuns.states(in: parts.state)
        let runs = try await JobRuns.history(of: name, limit: runCountMax, in: parts.state)
        return JobDetail(job: status(of: job, state: states[name], last: runs.first), runs: runs.map(run))
    }

    func jobRun(_ id: String, of job: String) async throws -> JobRun {
        guard let record = try await JobRuns.find(run: id, in: parts.state), record.job == job else {
            throw Problem(
                .notFound, "the job '\(job)' has no run '\(id)'", hint: "'jaga jobs show \(job)' lists its runs.")
        }
        return run(record)
    }

    func noJob(_ name: String) -> Problem {
        let nearest = parts.jobs.jobs.map(\.name)
        return Problem(
            .notFound, "there is no job '\(name)'",
            hint: nearest.isEmpty ? "No jobs are configured." : "The jobs are \(nearest.joined(separator: ", ")).")
    }
}
