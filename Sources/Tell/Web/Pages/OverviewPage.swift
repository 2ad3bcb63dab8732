import Texts
import Units
import WebAPI

extension WebSite {
    /// What is broken, first; then everything that is watched, one line each; then the host's pulse.
    static func overview(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        async let status = site.service.status()
        async let alerts = site.service.alerts()
        let pulse = await context.panels(Array(Panels.host.prefix(3)), selector: "")
        let summary = try await status
        let firing = try await alerts.filter { $0.state == .firing }.sorted(by: AlertOrder.isBefore)
        let layout = Layout(
            context: context, title: "\(context.word(summary.verdict)) · \(summary.host)", section: .overview,
            live: [.status, .alerts], hasCharts: true)
        return .html(
            layout.page(
                """
                \(context.part("headline", context.headline(summary, firing)))
                \(context.part("firing", context.firingTable(firing)))
                <section><h2>\(context.t[.watchedTitle])</h2>
                \(context.part("areas", context.areas(summary.areas)))</section>
                <section><h2>\(context.t[.pulseTitle])</h2>\(context.rangePicker("/"))\(pulse)</section>
                """))
    }
}

/// Critical before warning, then the longest burning.
enum AlertOrder {
    static func isBefore(_ left: AlertStatus, _ right: AlertStatus) -> Bool {
        let (mine, other) = (weight(left.severity), weight(right.severity))
        return mine == other ? left.activeAt < right.activeAt : mine > other
    }

    static func weight(_ severity: String) -> Int {
        switch severity {
        case "critical", "page": 2
        case "warning": 1
        default: 0
        }
    }
}

extension PageContext {
    func word(_ verdict: Verdict) -> String {
        switch verdict {
        case .ok: t[.verdictOK]
        case .warning: t[.verdictWarning]
        case .critical: t[.verdictCritical]
        case .unknown: t[.verdictUnknown]
        }
    }

    func headline(_ summary: StatusSummary, _ firing: [AlertStatus]) -> Markup {
        let concerns = summary.areas.filter { $0.verdict != .ok }
        let sentence =
            switch summary.verdict {
            case .ok: t(.headlineOK, ["count": summary.areas.count])
            case .unknown: t(.headlineUnknown, ["count": concerns.count])
            case .warning, .critical: t(.headlineTrouble, ["count": concerns.count])
            }
        return """
            <section class="headline \(Self.kind(summary.verdict))" aria-live="polite">
            <h1>\(verdict(summary.verdict)) <span class="host">\(summary.host)</span></h1>
            <p class="lead">\(sentence)</p>
            <p class="facts">\(t(.alertCounts, [
                "critical": summary.firingCritical, "warning": summary.firingWarning, "pending": summary.pending,
            ])) · \(t[.asOf]) \(time(summary.at)) · \(running(since: summary.startedAt))</p>
            </section>
            """
    }

    static func kind(_ verdict: Verdict) -> Markup {
        switch verdict {
        case .ok: "ok"
        case .warning: "warning"
        case .critical: "critical"
        case .unknown: "unknown"
        }
    }

    func firingTable(_ firing: [AlertStatus]) -> Markup {
        guard !firing.isEmpty else { return "" }
        return """
            <section><h2>\(t[.firingTitle])</h2>
            \(table(t[.firingTitle], [t[.columnSeverity], t[.columnAlert], t[.columnSince], t[.columnValue]], firing.map(alertRow), empty: ""))
            </section>
            """
    }

    /// What asks for attention comes first; within that, the order of the summary.
    func areas(_ areas: [AreaStatus]) -> Markup {
        let sorted = areas.enumerated().sorted { left, right in
            left.element.verdict == right.element.verdict
                ? left.offset < right.offset : left.element.verdict > right.element.verdict
        }
        guard !sorted.isEmpty else { return "<p class=\"empty\">\(t[.nothingWatched])</p>" }
        return "<ul class=\"areas\">\(sorted.map { area($0.element) })</ul>"
    }

    private func area(_ area: AreaStatus) -> Markup {
        let name = area.name.isEmpty ? "" : " \(area.name)"
        let since: Markup = area.since.map { "<span class=\"since\">\(t[.since]) \(ago($0))</span>" } ?? ""
        let figures = area.figures.map { figure in
            "<div><dt>\(figure.label)</dt><dd>\(measured(figure.value, figure.unit, query: figure.query))</dd></div>"
                as Markup
        }
        let numbers: Markup = figures.isEmpty ? "" : "<dl class=\"figures\">\(figures)</dl>"
        return """
            <li class="area \(Self.kind(area.verdict))">
            <div class="area-head">\(verdict(area.verdict)) \
            <a href="\(link: address(of: area))">\(areaName(area.kind))\(name)</a> \(since)</div>
            <p>\(area.reason)</p>
            \(numbers)
            </li>
            """
    }

    private func address(of area: AreaStatus) -> String {
        switch area.kind {
        case .host: "/host"
        case .postgres, .redis, .nginx, .application:
            area.name.isEmpty ? "/databases" : "/source?name=\(APIPath.escaped(area.name))&kind=\(area.kind.rawValue)"
        case .probes: "/probes"
        case .alerts: "/alerts"
        case .backups: "/backups"
        case .jobs: "/jobs"
        case .notifications, .jaga: "/jaga"
        }
    }

    private func areaName(_ kind: AreaStatus.Kind) -> String {
        switch kind {
        case .host: t[.areaHost]
        case .postgres: t[.areaPostgres]
        case .redis: t[.areaRedis]
        case .nginx: t[.areaNginx]
        case .application: t[.areaApplication]
        case .probes: t[.areaProbes]
        case .alerts: t[.areaAlerts]
        case .backups: t[.areaBackups]
        case .jobs: t[.areaJobs]
        case .notifications: t[.areaNotifications]
        case .jaga: t[.areaJaga]
        }
    }
}
