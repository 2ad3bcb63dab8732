import Synchronization
import Series
import JSONCoding
import Collectors
import Probes
import Rules
import Scraping
import Units
import WebAPI

extension LiveSite {
    func sources() async throws -> [SourceStatus] {
        let addresses = parts.plan.withLock { $0.addresses }
        let targets = parts.scrapes.report.active.map { target in
            SourceStatus(
                name: target.sourceName, kind: "scrape", labels: dictionary(target.labels),
                up: target.health == .unknown ? nil : target.health == .up, lastReadAt: target.lastScrape,
                lastDurationMs: target.lastDuration.map { $0.inSeconds * 1000 },
                lastSampleCount: target.lastScrape == nil ? nil : target.sampleCount,
                intervalMs: target.interval.wholeMilliseconds, deadlineMs: target.timeout.wholeMilliseconds,
                error: target.lastError.map { sentences($0, target.lastHint) }, address: target.url)
        }
        let sources = parts.sources.snapshot.map { source in
            SourceStatus(
                name: source.name, kind: kind(of: source.name), labels: dictionary(source.labels), up: source.isUp,
                lastReadAt: source.lastReadingAt, lastDurationMs: source.lastDuration.map { $0.inSeconds * 1000 },
                lastSampleCount: source.lastReadingAt == nil ? nil : source.sampleCount,
                intervalMs: source.interval.wholeMilliseconds, deadlineMs: source.deadline.wholeMilliseconds,
                error: source.lastError.map { sentences($0, source.lastHint) }, address: addresses[source.name] ?? "")
        }
        return sources + targets
    }

    /// The kind that the API names, from the source's family.
    private func kind(of name: String) -> String {
        switch name.prefix(while: { $0 != "/" }) {
        case "nginx-log": "nginx_log"
        case "probe": "http_probe"
        case "certificates": "certificate"
        case let family: String(family)
        }
    }

    func probes() async throws -> [ProbeStatus] {
        var statuses: [ProbeStatus] = []
        for running in parts.plan.withLock({ $0.probes }) {
            statuses.append(await status(of: running.probe))
        }
        return statuses
    }

    private func status(of probe: Probe) async -> ProbeStatus {
        let snapshot = probe.snapshot
        let verdict: Verdict =
            switch snapshot.isUp {
            case nil: .unknown
            case true?: .ok
            case false?: snapshot.isFailing == true ? .critical : .warning
            }
        return ProbeStatus(
            name: snapshot.name, kind: snapshot.kind.rawValue, target: snapshot.target, verdict: verdict,
            lastAt: snapshot.lastLookAt, lastDurationMs: snapshot.elapsed.map { $0.inSeconds * 1000 },
            httpStatus: snapshot.statusCode, phases: await phases(of: snapshot),
            failure: snapshot.isUp == false ? snapshot.lastFailure : nil, failuresInRow: snapshot.consecutiveFailures,
            failuresNeeded: snapshot.failuresNeeded, intervalMs: probe.interval.wholeMilliseconds,
            certificateExpiresAt: snapshot.certificateExpiry, labels: dictionary(probe.labels))
    }

    /// The phases of the last look, from its samples.
    private func phases(of probe: ProbeSnapshot) async -> [ProbeStatus.Phase] {
        guard probe.kind == .http, let lookedAt = probe.lastLookAt else { return [] }
        let name = PrometheusJSON.quoted(probe.name)
        // Without the phases the page shows the time as a whole.
        let answer = try? await query(
            "probe_http_duration_seconds{probe=\(name)}", at: lookedAt, timeLimit: .seconds(1))
        guard case .vector(let samples) = answer?.result else { return [] }
        return ["resolve", "connect", "tls", "processing", "transfer"].compactMap { phase in
            samples.first { $0.labels["phase"] == phase }.map { .init(name: phase, durationMs: $0.value * 1000) }
        }
    }

    func alerts() async throws -> [AlertStatus] {
        let groups = await parts.rules.snapshot
        var statuses: [AlertStatus] = groups.flatMap { group in
            group.rules.flatMap { rule in rule.alerts.map { status(of: $0, rule) } }
        }
        statuses += try await recentlyResolved(expressions: expressions(groups), except: statuses.map(\.fingerprint))
        let order: [AlertStatus.State: Int] = [.firing: 0, .pending: 1, .resolved: 2]
        return statuses.sorted { left, right in
            if left.state != right.state { return order[left.state]! < order[right.state]! }
            let (a, b) = (left.resolvedAt ?? left.activeAt, right.resolvedAt ?? right.activeAt)
            return a != b ? a > b : left.name < right.name
        }
    }

    private func expressions(_ groups: [Rules.RuleGroupStatus]) -> [String: String] {
        Dictionary(
            groups.flatMap(\.rules).map { ($0.name, $0.expression) }, uniquingKeysWith: { first, _ in first })
    }

    func status(of alert: ActiveAlert, _ rule: Rules.RuleStatus) -> AlertStatus {
        AlertStatus(
            name: rule.name, state: alert.state == .firing ? .firing : .pending,
            severity: alert.labels["severity"] ?? "", labels: dictionary(alert.labels), annotations: alert.annotations,
            value: alert.value, activeAt: alert.activeAt, beganAt: alert.beganAt,
            firesAt: alert.state == .pending ? alert.activeAt + rule.hold : nil, firedAt: alert.firedAt,
            keepFiringSince: alert.goneSince, expression: rule.expression,
            fingerprint: alert.fingerprint)
    }

    /// Alerts that were resolved within the last day, from the ledger, the newest of each.
    private func recentlyResolved(expressions: [String: String], except open: [String]) async throws -> [AlertStatus] {
        let page = try await ledgerEntries(
            LedgerFilter(kind: "alert.resolved", from: parts.clock.now - .seconds(86_400), limit: 200))
        var seen = Set(open)
        return page.entries.compactMap { entry in
            let payload = entry.payload
            guard let fingerprint = payload["fingerprint"]?.stringValue, seen.insert(fingerprint).inserted else {
                return nil
            }
            let labels = (payload["labels"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
            let name = labels["alertname"] ?? entry.subject
            return AlertStatus(
                name: name, state: .resolved, severity: labels["severity"] ?? "", labels: labels,
                annotations: (payload["annotations"]?.objectValue ?? [:]).compactMapValues(\.stringValue),
                activeAt: payload["activeAt"]?.intValue.map { Timestamp(millisecondsSinceEpoch: $0) } ?? entry.time,
                beganAt: payload["beganAt"]?.intValue.map { Timestamp(millisecondsSinceEpoch: $0) },
                resolvedAt: entry.time, expression: expressions[name] ?? "", fingerprint: fingerprint)
        }
    }
}
