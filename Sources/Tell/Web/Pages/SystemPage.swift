import Access
import Texts
import Units
import WebAPI

extension WebSite {
    /// Jaga about itself: version, memory, what it reads, how messages fare, what it runs with.
    static func system(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        async let sources = site.service.sources()
        async let notifications = site.service.notifications()
        let version = try await site.service.version()
        let layout = Layout(context: context, title: t[.areaJaga], live: [.sources, .notifications, .configuration])
        let facts: Markup = """
            <section class="strip"><p>Jaga \(version.version) \(version.revision) · Swift \(version.swiftVersion) · \
            \(context.running(since: version.startedAt)) · \(t[.residentMemory]) \(context.bytes(version.residentBytes)) · \
            PID \(version.processID) · <span class="code">\(version.dataFolder)</span></p>
            <p>\(context.button("/actions/reload", t[.reloadNow], .reload))</p></section>
            """
        return .html(
            layout.page(
                """
                <h1>\(t[.areaJaga])</h1>\(facts)
                <h2>\(t[.sourcesTitle])</h2>\(context.part("sources", context.sourceTable(try await sources)))
                <h2>\(t[.areaNotifications])</h2>\(context.part("receivers", context.receivers(try await notifications)))
                \(try await context.configuration())
                """))
    }
}

extension PageContext {
    fileprivate func receivers(_ overview: NotificationOverview) -> Markup {
        let rows = overview.receivers.map { receiver in
            let failed = receiver.lastFailureAt.map { $0 > (receiver.lastDeliveredAt ?? .distantPast) } ?? false
            let state: Verdict = failed ? .critical : receiver.lastDeliveredAt == nil ? .unknown : .ok
            let failure: Markup = receiver.lastFailure.map { "\($0) " } ?? ""
            return """
                <tr><td>\(verdict(state))</td><td>\(receiver.name)<span class="sub">\(receiver.channel)</span></td>\
                <td class="num">\(receiver.pending)</td><td>\(ago(receiver.lastDeliveredAt))</td>\
                <td>\(failure)\(receiver.lastFailureAt.map { ago($0) })</td></tr>
                """ as Markup
        }
        let counts = t(
            .notificationCounts,
            ["pending": overview.pending, "delivered": overview.deliveredLastDay, "failed": overview.failedLastDay])
        return """
            <p class="facts">\(counts)</p>
            \(table(t[.areaNotifications], [t[.columnState], t[.columnReceiver], t[.columnPending], t[.columnDelivered],
                t[.columnFailure]], rows, empty: t[.noReceivers]))
            """
    }

    fileprivate func configuration() async throws -> Markup {
        guard mayDo(.viewConfiguration) else { return "" }
        let configuration = try await site.service.configuration()
        let rows = configuration.values.map { value in
            let text =
                value.afterRestart.map { next in
                    next.isEmpty
                        ? t(.valueUntilRestart, ["value": value.value])
                        : t(.valueAfterRestart, ["value": value.value, "next": next])
                } ?? value.value
            return """
                <tr><td class="code" title="\(value.documentation)">\(value.path)</td><td class="code">\(text)</td>\
                <td>\(value.origin)</td></tr>
                """ as Markup
        }
        return """
            <h2>\(t[.configurationTitle])</h2>
            <p class="facts">\(configuration.file ?? t[.noFile]) · \(t[.loadedWord]) \(ago(configuration.loadedAt))</p>
            <details><summary>\(t(.valueCount, ["count": rows.count]))</summary>
            \(table(t[.configurationTitle], [t[.columnKey], t[.columnValue], t[.columnOrigin]], rows, empty: t[.noData]))</details>
            """
    }
}
