import Access
import Texts
import Units
import WebAPI

extension WebSite {
    static func jobs(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let jobs = try await site.service.jobs()
        let layout = Layout(context: context, title: context.t[.navJobs], section: .jobs, live: [.jobs])
        return .html(
            layout.page("<h1>\(context.t[.navJobs])</h1>\(context.part("jobs", context.jobTable(jobs)))"))
    }

    static func job(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let detail = try await site.service.job(request.parameters["name"] ?? "", runCountMax: 50)
        let job = detail.job
        let layout = Layout(context: context, title: job.name, section: .jobs, live: [.jobs])
        let facts: Markup = """
            <section class="strip">
            <p>\(job.description)</p>
            <p>\(job.kind) · \(context.scheduleText(job)) · \(t[.nextRun]) \(context.ago(job.nextRunAt)) · \
            \(t[.timeLimit]) \(context.span(ms: job.timeLimitMs)) · \(t(.attempts, ["count": job.attemptsMax]))</p>
            \(context.runButton(job))</section>
            """
        let columns = [t[.columnOutcome], t[.columnStarted], t[.columnTook], t[.columnTrigger], t[.columnMessage]]
        return .html(
            layout.page(
                """
                <h1>\(job.name)</h1>
                \(context.part("job", facts))
                <h2>\(t[.runsTitle])</h2>
                \(context.part("runs", context.table(t[.runsTitle], columns, detail.runs.map(context.runRow), empty: t[.noRuns])))
                """))
    }

    static func jobRun(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let run = try await site.service.jobRun(
            request.parameters["run"] ?? "", of: request.parameters["name"] ?? "")
        let layout = Layout(context: context, title: "\(run.job) \(run.id)", section: .jobs, live: [.jobs])
        let code: Markup = run.exitCode.map { " · \(t[.exitCode]) \($0)" } ?? ""
        let output: Markup =
            run.outputTail.isEmpty
            ? "<p class=\"empty\">\(t[.noOutput])</p>" : "<pre tabindex=\"0\">\(run.outputTail)</pre>"
        return .html(
            layout.page(
                """
                <h1><a href="\(link: "/jobs/\(APIPath.escaped(run.job))")">\(run.job)</a> <span class="muted">\(run.id)</span></h1>
                \(context.part("run", """
                    <section class="strip"><p>\(context.outcome(run.outcome)) \(run.message)</p>
                    <p>\(context.time(run.startedAt)) · \(t[.tookTime]) \(context.took(run)) · \(context.trigger(run))\(code)</p>
                    </section><h2>\(t[.outputTitle])</h2>\(output)
                    """))
                """))
    }
}

extension PageContext {
    func scheduleText(_ job: JobStatus) -> Markup {
        if job.schedule.isEmpty { return "\(t[.byHandOnly])" }
        let text = job.scheduleText.isEmpty ? job.schedule : job.scheduleText
        return "<span title=\"\(job.schedule) \(job.timeZone)\">\(text)</span>"
    }

    func outcome(_ outcome: JobRun.Outcome) -> Markup {
        switch outcome {
        case .running: Self.badge("quiet", "▶", t[.outcomeRunning])
        case .succeeded: Self.badge("ok", "✓", t[.outcomeSucceeded])
        case .failed: Self.badge("critical", "✕", t[.outcomeFailed])
        case .timedOut: Self.badge("critical", "✕", t[.outcomeTimedOut])
        case .cancelled: Self.badge("warning", "▲", t[.outcomeCancelled])
        case .lost: Self.badge("unknown", "?", t[.outcomeLost])
        case .interrupted: Self.badge("critical", "✕", t[.outcomeInterrupted])
        case .missed: Self.badge("critical", "✕", t[.outcomeMissed])
        }
    }

    func took(_ run: JobRun) -> String {
        (run.finishedAt.map { $0 - run.startedAt } ?? (now - run.startedAt)).briefText
    }

    func trigger(_ run: JobRun) -> String {
        let by = run.actor.isEmpty ? run.trigger : "\(run.trigger), \(run.actor)"
        return run.attempt > 1 ? "\(by), \(t(.attemptNumber, ["number": run.attempt]))" : by
    }

    fileprivate func runButton(_ job: JobStatus) -> Markup {
        job.running
            ? Self.badge("quiet", "▶", t[.outcomeRunning])
            : button("/actions/run-job", t[.runNow], .runActions, fields: ["name": job.name], context: job.name)
    }

    fileprivate func jobTable(_ jobs: [JobStatus]) -> Markup {
        let rows = jobs.map { job in
            let last: Markup =
                job.lastRun.map { run in
                    """
                    <a href="\(link: runAddress(run))">\(outcome(run.outcome))</a> \(ago(run.startedAt))\
                    <span class="sub">\(run.message)</span>
                    """
                } ?? "\(t[.neverRan])"
            return """
                <tr><td><a href="\(link: "/jobs/\(APIPath.escaped(job.name))")">\(job.name)</a>\
                <span class="sub">\(job.description)</span></td>\
                <td>\(scheduleText(job))\(job.enabled ? "" : "<span class=\"sub\">\(t[.switchedOff])</span>" as Markup)</td>\
                <td>\(last)</td><td>\(ago(job.nextRunAt))</td><td>\(runButton(job))</td></tr>
                """ as Markup
        }
        return table(
            t[.navJobs], [t[.columnJob], t[.columnSchedule], t[.columnLastRun], t[.columnNextRun], t[.columnDo]], rows,
            empty: t[.noJobs])
    }

    private func runAddress(_ run: JobRun) -> String {
        "/jobs/\(APIPath.escaped(run.job))/runs/\(APIPath.escaped(run.id))"
    }

    fileprivate func runRow(_ run: JobRun) -> Markup {
        """
        <tr><td><a href="\(link: runAddress(run))">\(outcome(run.outcome))</a></td>\
        <td>\(time(run.startedAt))</td><td class="num">\(took(run))</td><td>\(trigger(run))</td><td>\(run.message)</td></tr>
        """
    }
}
