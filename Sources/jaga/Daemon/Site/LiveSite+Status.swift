import Series
import TimeSeriesStore
import Collectors
import Rules
import Scraping
import Synchronization
import Texts
import Units
import WebAPI

// The summary is put together from what the floors know already: which sources could be read, which alerts are open, how the
// copies stand. It judges nothing by itself, so that a threshold is in a rule file or nowhere. What could not be read is
// `unknown`, and unknown is never part of "all right".

extension LiveSite {
    func status() async throws -> StatusSummary {
        let sources = parts.sources.snapshot
        let alerts = await parts.rules.activeAlerts
        let firing = alerts.filter { $0.state == .firing }
        var areas = sourceAreas(sources, AlertSubjects(await parts.rules.snapshot, parts.started.settings.queryOptions))
        for index in areas.indices { areas[index].figures = await figures(of: areas[index]) }
        areas += try await otherAreas(sources, firing)
        return StatusSummary(
            verdict: areas.map(\.verdict).worst, at: parts.clock.now,
            host: parts.siteName, version: JagaVersion.number,
            startedAt: parts.startedAt, firingCritical: firing.count { verdict(of: $0) == .critical },
            firingWarning: firing.count { verdict(of: $0) == .warning },
            pending: alerts.count { $0.state == .pending }, areas: areas)
    }

    /// One area for each thing that is read directly.
    private func sourceAreas(_ sources: [SourceSnapshot], _ firing: AlertSubjects) -> [AreaStatus] {
        let kinds: [(prefix: String, kind: AreaStatus.Kind, metrics: String)] = [
            ("host", .host, "node_"), ("postgres", .postgres, "pg_"), ("redis", .redis, "redis_"),
            ("nginx", .nginx, "nginx_"),
        ]
        return kinds.flatMap { prefix, kind, metrics in
            sources.filter { $0.name.hasPrefix("\(prefix)/") }.map { source in
                let about = firing.about(source.labels, metrics: metrics, isOnlyOne: kind == .host)
                let (verdict, reason, since) = judged(source.isUp, source.lastError, about)
                return AreaStatus(
                    kind: kind, name: kind == .host ? "" : String(source.name.dropFirst(prefix.count + 1)),
                    verdict: verdict, reason: reason, since: since)
            }
        }
    }

    /// The worst alert about a source speaks for it, with the reason where the source cannot be read; without one, such a source is unknown.
    /// - Parameter isUp: nil before the first reading.
    private func judged(_ isUp: Bool?, _ error: String?, _ alerts: [ActiveAlert]) -> (Verdict, String, Timestamp?) {
        if let worst = alerts.max(by: { verdict(of: $0).weight < verdict(of: $1).weight }), verdict(of: worst) != .ok {
            let reason = isUp == false ? error.map { ": \($0)" } : nil
            return (verdict(of: worst), summary(of: worst) + (reason ?? ""), worst.since)
        }
        switch isUp {
        case true?: return (.ok, "", nil)
        case false?: return (.unknown, error ?? t[.sourceUnread], nil)
        case nil: return (.unknown, t[.sourceNotRead], nil)
        }
    }

    private func otherAreas(_ sources: [SourceSnapshot], _ firing: [ActiveAlert]) async throws -> [AreaStatus] {
        var areas = targetAreas(firing)
        let probes = try await probes()
        if !probes.isEmpty { areas.append(probeArea(probes)) }
        areas.append(alertArea(firing, await parts.rules.snapshot))
        let backups = try await backups()
        for target in backups.targets {
            areas.append(
                AreaStatus(kind: .backups, name: target.name, verdict: target.verdict, reason: target.reason))
        }
        let jobs = try await jobs()
        if !jobs.isEmpty { areas.append(jobArea(jobs)) }
        areas.append(try await notificationArea())
        areas.append(ownArea(sources))
        return areas
    }

    /// One area for each job that is scraped, whichever section of the configuration names it.
    private func targetAreas(_ firing: [ActiveAlert]) -> [AreaStatus] {
        let report = parts.scrapes.report
        let targets = Dictionary(grouping: report.active, by: \.pool)
        let failures =
            report.discoveries.compactMap { discovery in
                discovery.lastError.map {
                    (discovery.pool, t(.discoveryBad, ["kind": discovery.mechanism, "reason": $0]))
                }
            }
            // One that a rule drops is meant to be, one that cannot be scraped is not.
            + report.dropped.compactMap { target in
                let address = target.discoveredLabels["__address__"] ?? ""
                return target.reason.map { (target.pool, t(.targetBad, ["target": address, "reason": $0])) }
            }
        return parts.loaded.withLock { $0.scrapeJobs.map(\.name) }.map { job in
            targetArea(
                job, targets[job] ?? [], failures.filter { $0.0 == job }.map(\.1), report.droppedCounts[job] ?? 0,
                firing)
        }
    }

    private func targetArea(
        _ job: String, _ targets: [TargetStatus], _ failures: [String], _ droppedCount: Int, _ firing: [ActiveAlert]
    ) -> AreaStatus {
        let judgements = targets.map { target -> (verdict: Verdict, reason: String, since: Timestamp?) in
            let about = firing.filter { alert in
                // Where the labels of several jobs were aggregated away, the address is left.
                alert.labels["instance"] == target.labels["instance"]
                    && [nil, target.labels["job"]].contains(alert.labels["job"])
            }
            let isUp = target.health == .unknown ? nil : target.health == .up
            let error = target.lastError.map { sentences($0, target.lastHint) }
            let (verdict, reason, since) = judged(isUp, error, about)
            return (
                verdict, t(.targetBad, ["target": target.labels["instance"] ?? target.url, "reason": reason]), since
            )
        }
        let bad =
            judgements.filter { $0.verdict != .ok }
            + failures.map { (.unknown, $0, nil) }
        // Of several that are equally bad the first one.
        guard let worst = bad.reversed().max(by: { $0.verdict.weight < $1.verdict.weight }) else {
            // A job that looks at nothing knows nothing of what it is there for.
            guard !targets.isEmpty else {
                let reason = droppedCount > 0 ? t(.targetsDropped, ["count": droppedCount]) : t[.targetsNone]
                return AreaStatus(kind: .application, name: job, verdict: .unknown, reason: reason)
            }
            return AreaStatus(
                kind: .application, name: job, verdict: .ok, reason: t(.targetsGood, ["count": targets.count]))
        }
        let more =
            bad.count > 1 ? t(.andMoreOf, ["count": bad.count - 1, "total": targets.count + failures.count]) : ""
        return AreaStatus(
            kind: .application, name: job, verdict: worst.verdict, reason: worst.reason + more, since: worst.since)
    }

    private func probeArea(_ probes: [ProbeStatus]) -> AreaStatus {
        let bad = probes.filter { $0.verdict != .ok }
        let worst = bad.max { $0.verdict.weight < $1.verdict.weight }
        let reason =
            worst.map { probe in
                t(.probeBad, ["probe": probe.name, "reason": probe.failure ?? t[.probeNotYet]])
                    + (bad.count > 1 ? t(.andMoreOf, ["count": bad.count - 1, "total": probes.count]) : "")
            } ?? t(.probesGood, ["count": probes.count])
        return AreaStatus(kind: .probes, name: "", verdict: probes.map(\.verdict).worst, reason: reason)
    }

    private func alertArea(_ firing: [ActiveAlert], _ groups: [Rules.RuleGroupStatus]) -> AreaStatus {
        let told = firing.filter { verdict(of: $0) != .ok }
        guard let worst = told.max(by: { verdict(of: $0).weight < verdict(of: $1).weight }) else {
            // A rule that could not look has seen nothing, which is not the same as nothing to see.
            let failing = groups.flatMap(\.rules).filter { $0.lastError != nil }
            if let first = failing.first {
                return AreaStatus(
                    kind: .alerts, name: "", verdict: .unknown,
                    reason: t(.rulesFailing, ["count": failing.count, "reason": first.lastError ?? ""]))
            }
            return AreaStatus(kind: .alerts, name: "", verdict: .ok, reason: t[.alertsNone])
        }
        let more = told.count > 1 ? t(.andMore, ["count": told.count - 1]) : ""
        return AreaStatus(
            kind: .alerts, name: "", verdict: verdict(of: worst),
            reason: "\(worst.labels["alertname"] ?? "")\(more)", since: told.map(\.since).min())
    }

    private func jobArea(_ jobs: [JobStatus]) -> AreaStatus {
        let bad = jobs.filter { job in
            switch job.lastRun?.outcome {
            case .failed, .timedOut, .lost, .interrupted, .missed, .cancelled: true
            case .succeeded, .running, nil: false
            }
        }
        guard let first = bad.first, let run = first.lastRun else {
            return AreaStatus(kind: .jobs, name: "", verdict: .ok, reason: t(.jobsGood, ["count": jobs.count]))
        }
        let more = bad.count > 1 ? t(.andMore, ["count": bad.count - 1]) : ""
        let word = t.of(StateText.self)[run.outcome.word]
        return AreaStatus(
            kind: .jobs, name: "", verdict: .warning,
            reason: t(.jobBad, ["job": first.name, "outcome": word, "message": run.message]) + more,
            since: run.finishedAt)
    }

    private func notificationArea() async throws -> AreaStatus {
        let overview = try await notifications()
        if overview.receivers.isEmpty {
            return AreaStatus(
                kind: .notifications, name: "", verdict: .warning,
                reason: t[.receiversNone])
        }
        let failing = overview.receivers.filter { receiver in
            guard let failed = receiver.lastFailureAt else { return false }
            return receiver.lastDeliveredAt.map { $0 < failed } ?? true
        }
        guard let first = failing.first else {
            return AreaStatus(
                kind: .notifications, name: "", verdict: .ok,
                reason: overview.pending == 0 ? "" : t(.receiversWaiting, ["count": overview.pending]))
        }
        return AreaStatus(
            kind: .notifications, name: "", verdict: .warning,
            reason: t(
                .receiverBad,
                [
                    "receiver": first.name, "channel": first.channel,
                    "reason": first.lastFailure ?? t[.receiverBadReason],
                ]), since: first.lastFailureAt)
    }

    private func ownArea(_ sources: [SourceSnapshot]) -> AreaStatus {
        let stats = parts.series.stats
        parts.note(stats)
        if !stats.health.isWritable {
            return AreaStatus(
                kind: .jaga, name: "", verdict: .critical,
                reason: t(.samplesNotStored, ["reason": stats.health.writeFault ?? t[.samplesNotStoredReason]]))
        }
        if let finding = parts.storage.withLock({ $0.finding(stats.counts, at: SuspendingClock.now) }) {
            return AreaStatus(
                kind: .jaga, name: "", verdict: finding.isStandstill ? .critical : .warning, reason: sentence(finding))
        }
        if let fault = stats.health.maintenanceFault {
            return AreaStatus(kind: .jaga, name: "", verdict: .warning, reason: fault)
        }
        if let fault = stats.health.headFilesFault {
            return AreaStatus(
                kind: .jaga, name: "", verdict: .warning, reason: t(.headFilesNotWritten, ["reason": fault]))
        }
        if stats.health.isOverRetentionSize {
            return AreaStatus(kind: .jaga, name: "", verdict: .warning, reason: t[.retentionSizeTooSmall])
        }
        let damage = stats.health.problems.filter(\.isDamage)
        if let first = damage.first {
            let more = damage.count > 1 ? t(.andMore, ["count": damage.count - 1]) : ""
            return AreaStatus(
                kind: .jaga, name: "", verdict: .warning, reason: t(.samplesDamaged, ["problem": "\(first)"]) + more)
        }
        // What has no row of its own: access logs, certificate files, programs, Jaga's own counts.
        let others = sources.filter { source in
            source.isUp == false && !Self.familiesWithRows.contains { source.name.hasPrefix("\($0)/") }
        }
        if let first = others.first {
            let more = others.count > 1 ? t(.andMore, ["count": others.count - 1]) : ""
            let reason = t(.targetBad, ["target": first.name, "reason": first.lastError ?? t[.sourceUnread]])
            return AreaStatus(kind: .jaga, name: "", verdict: .unknown, reason: reason + more)
        }
        return AreaStatus(
            kind: .jaga, name: "", verdict: .ok, reason: "",
            figures: [
                Figure(label: t[.figureSeries], value: Double(stats.seriesCount), unit: .none),
                Figure(label: t[.figureMemory], value: residentBytes().map(Double.init), unit: .bytes),
            ])
    }

    private static let familiesWithRows = ["host", "postgres", "redis", "nginx", "probe"]

    private func sentence(_ finding: StorageWatch.Finding) -> String {
        let counts: KeyValuePairs<String, any CustomStringConvertible & Sendable> = [
            "stored": finding.stored, "offered": finding.stored + finding.refused, "span": finding.span.briefText,
        ]
        return switch finding.reason {
        case .nothingCame: t(.samplesNoneCame, ["span": finding.span.briefText])
        case .outOfOrder: t(.samplesOutOfOrder, counts)
        case .overLimit: t(.samplesOverLimit, counts)
        }
    }

    func verdict(of alert: ActiveAlert) -> Verdict {
        switch alert.labels["severity"] {
        case "critical": .critical
        case "info", "none": .ok
        default: .warning
        }
    }

    func summary(of alert: ActiveAlert) -> String {
        alert.annotations["summary"] ?? alert.labels["alertname"] ?? ""
    }

    // MARK: Figures

    private func figures(of area: AreaStatus) async -> [Figure] {
        let instance = "instance=\(PrometheusJSON.quoted(area.name))"
        let wanted: [(String, Figure.Unit, String)] =
            switch area.kind {
            case .host:
                [
                    (t[.figureProcessor], .ratio, "1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[2m]))"),
                    (t[.figureMemory], .ratio, "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),
                    (
                        t[.figureDisk], .ratio,
                        // As the shipped rules count, so that the page and an alert agree.
                        """
                        max((node_filesystem_size_bytes - node_filesystem_free_bytes)
                        / (node_filesystem_size_bytes - node_filesystem_free_bytes + node_filesystem_avail_bytes)
                        * (1 - node_filesystem_readonly))
                        """
                    ),
                ]
            case .postgres:
                [
                    (
                        t[.figureConnections], .ratio,
                        "sum(pg_stat_activity_count{\(instance)}) / max(pg_settings_max_connections{\(instance)})"
                    )
                ]
            case .redis: [(t[.figureMemory], .bytes, "redis_memory_used_bytes{\(instance)}")]
            case .nginx: [(t[.figureRequests], .perSecond, "rate(nginx_http_requests_total{\(instance)}[2m])")]
            default: []
            }
        var figures: [Figure] = []
        for (label, unit, query) in wanted {
            // A figure that cannot be had is left out; the verdict does not rest on it.
            let answer = try? await self.query(query, at: nil, timeLimit: .seconds(1))
            guard let value = answer?.result.singleValue, value.isFinite else { continue }
            figures.append(Figure(label: label, value: value, unit: unit, query: query))
        }
        return figures
    }
}
