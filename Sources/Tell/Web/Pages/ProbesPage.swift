import Texts
import Units
import WebAPI

extension WebSite {
    static func probes(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        async let drawn = context.panels(Panels.probes, selector: "")
        let probes = try await site.service.probes()
        let layout = Layout(
            context: context, title: context.t[.navProbes], section: .probes, live: [.probes], hasCharts: true)
        return .html(
            layout.page(
                """
                <h1>\(context.t[.probesTitle])</h1>
                \(context.part("probes", context.probeTable(probes)))
                \(context.rangePicker("/probes"))
                \(await drawn)
                """))
    }
}

extension PageContext {
    fileprivate func probeTable(_ probes: [ProbeStatus]) -> Markup {
        let rows = probes.sorted { ($1.verdict, $0.name) < ($0.verdict, $1.name) }.map { probe in
            """
            <tr><td>\(verdict(probe.verdict))</td>\
            <td>\(probe.name)<span class="sub">\(probe.kind) · \(probe.target)</span></td>\
            <td>\(ago(probe.lastAt))</td>\
            <td>\(phases(probe))</td>\
            <td>\(probe.httpStatus.map { "\($0)" } ?? "–")</td>\
            <td>\(expiry(probe.certificateExpiresAt))</td>\
            <td>\(failure(probe))</td></tr>
            """ as Markup
        }
        return table(
            t[.probesTitle],
            [
                t[.columnState], t[.columnName], t[.columnLastLook], t[.columnPhases], t[.columnStatus],
                t[.columnCertificate], t[.columnFailure],
            ], rows, empty: t[.noProbes])
    }

    /// The phases as shares of one bar, with the same as text.
    private func phases(_ probe: ProbeStatus) -> Markup {
        guard let total = probe.lastDurationMs else { return "\(t[.unknownValue])" }
        let text = probe.phases.map { "\($0.name) \(Format.milliseconds($0.durationMs))" }.joined(separator: ", ")
        var bar: Markup = ""
        let sum = probe.phases.reduce(0) { $0 + max(0, $1.durationMs) }
        if sum > 0 {
            var start = 0
            for (index, phase) in probe.phases.enumerated() {
                let width = Int(max(0, phase.durationMs) / sum * 200)
                bar += "<rect class=\"f\(index)\" x=\"\(start)\" y=\"0\" width=\"\(width)\" height=\"8\"/>"
                start += width
            }
            bar =
                "<svg class=\"bar\" viewBox=\"0 0 200 8\" role=\"img\" aria-label=\"\(text)\"><title>\(text)</title>\(bar)</svg>"
        }
        return "<span class=\"num\">\(Format.milliseconds(total))</span>\(bar)"
    }

    private func expiry(_ instant: Timestamp?) -> Markup {
        guard let instant else { return "–" }
        let left = instant - now
        if left <= .zero { return Self.badge("critical", "✕", t[.certificateExpired]) }
        let kind: Markup = left < .seconds(7 * 86_400) ? "critical" : left < .seconds(30 * 86_400) ? "warning" : "ok"
        let sign: Markup = left < .seconds(30 * 86_400) ? "▲" : "✓"
        return "\(Self.badge(kind, sign, left.briefText))"
    }

    private func failure(_ probe: ProbeStatus) -> Markup {
        guard let failure = probe.failure else { return "" }
        let count = t(.failuresInRow, ["count": probe.failuresInRow, "needed": probe.failuresNeeded])
        return "\(failure)<span class=\"sub\">\(count)</span>"
    }
}
