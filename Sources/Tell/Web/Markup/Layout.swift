import Access
import Texts
import WebAPI

/// The frame around every page.
struct Layout {
    enum Section: CaseIterable {
        case overview, host, databases, probes, alerts, jobs, backups, ledger, query, users, api
    }

    let context: PageContext
    let title: String
    var section: Section?
    /// The changes on which the page reads itself again.
    var live: [SiteChange] = []
    /// Whether the page has charts for the browser to draw.
    var hasCharts = false

    private var t: Phrases<WebText> { context.t }

    func page(_ content: Markup) -> Markup {
        let version = context.site.assets.version
        let charts = hasCharts && context.site.assets.hasChartLibrary
        let chartFiles: Markup =
            charts
            ? """
            <link rel="stylesheet" href="/assets/uplot.css?v=\(version)">
            <script src="/assets/uplot.js?v=\(version)" defer></script>
            """ : ""
        let listening: Markup =
            live.isEmpty || context.identity == nil
            ? "" : " data-live=\"\(live.map(\.rawValue).joined(separator: " "))\""
        return """
            <!doctype html>
            <html lang="\(t.language.rawValue)"\(theme)>
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title) · Jaga</title>
            <link rel="icon" href="/assets/icon.svg?v=\(version)" type="image/svg+xml">
            <link rel="stylesheet" href="/assets/app.css?v=\(version)">
            \(chartFiles)<script src="/assets/app.js?v=\(version)" defer></script>
            </head>
            <body\(listening)>
            <a class="skip" href="#main">\(t[.skipToContent])</a>
            \(context.identity == nil ? "" : header)
            <main id="main">
            \(content)
            </main>
            <footer><span>\(t[.footer])</span> <span id="live" role="status" \
            data-live="\(t[.feedLive])" data-away="\(t[.feedAway])"></span></footer>
            </body>
            </html>

            """
    }

    /// The reader's choice, from a cookie; without one the browser's preference counts.
    private var theme: Markup {
        switch context.request.cookie("jaga_theme") {
        case "dark": " data-theme=\"dark\""
        case "light": " data-theme=\"light\""
        default: ""
        }
    }

    private var header: Markup {
        """
        <header class="top">
        <a class="brand" href="/"><img src="/assets/icon.svg?v=\(context.site.assets.version)" alt="" width="22" height="22"> Jaga</a>
        <nav aria-label="\(t[.mainNavigation])">\(visibleSections.map(entry))</nav>
        <div class="tools">\(themeForm)\(account)</div>
        </header>
        """
    }

    private var visibleSections: [Section] {
        Section.allCases.filter { $0 != .users || context.mayDo(.manageUsers) }
    }

    private func entry(_ section: Section) -> Markup {
        let current: Markup = section == self.section ? " aria-current=\"page\"" : ""
        return "<a href=\"\(link: path(section))\"\(current)>\(name(section))</a>"
    }

    private func path(_ section: Section) -> String {
        switch section {
        case .overview: "/"
        case .host: "/host"
        case .databases: "/databases"
        case .probes: "/probes"
        case .alerts: "/alerts"
        case .jobs: "/jobs"
        case .backups: "/backups"
        case .ledger: "/ledger"
        case .query: "/query"
        case .users: "/users"
        case .api: "/api"
        }
    }

    private func name(_ section: Section) -> String {
        switch section {
        case .overview: t[.navOverview]
        case .host: t[.navHost]
        case .databases: t[.navDatabases]
        case .probes: t[.navProbes]
        case .alerts: t[.navAlerts]
        case .jobs: t[.navJobs]
        case .backups: t[.navBackups]
        case .ledger: t[.navLedger]
        case .query: t[.navQuery]
        case .users: t[.navUsers]
        case .api: t[.navAPI]
        }
    }

    private var themeForm: Markup {
        """
        <form method="post" action="/theme" class="inline">\(context.formField)\
        <input type="hidden" name="back" value="\(context.request.target)">\
        <button class="quiet" id="theme" title="\(t[.switchTheme])" aria-label="\(t[.switchTheme])">◐</button></form>
        """
    }

    private var account: Markup {
        guard let identity = context.identity else { return "" }
        let out: Markup =
            context.request.sessionSecret == nil
            ? ""
            : """
            <form method="post" action="/logout" class="inline">\(context.formField)\
            <button class="quiet">\(t[.logOut])</button></form>
            """
        return "<a class=\"who\" href=\"/account\" title=\"\(identity.role.rawValue)\">\(identity.name)</a>\(out)"
    }
}

extension PageContext {
    /// A table that scrolls sideways on a narrow screen and can be reached by keyboard.
    func table(_ caption: String, _ columns: [String], _ rows: [Markup], empty: String) -> Markup {
        guard !rows.isEmpty else { return "<p class=\"empty\">\(empty)</p>" }
        let heads = columns.map { "<th scope=\"col\">\($0)</th>" as Markup }
        return """
            <div class="scroll" role="region" tabindex="0" aria-label="\(caption)"><table>
            <caption class="hidden">\(caption)</caption><thead><tr>\(heads)</tr></thead>
            <tbody>\(rows)</tbody></table></div>
            """
    }

    /// A part of a page that is replaced when something changes.
    func part(_ id: Markup, _ content: Markup) -> Markup {
        "<div id=\"\(id)\" data-part>\(content)</div>"
    }

    func rangePicker(_ path: String, _ fields: KeyValuePairs<String, String> = [:]) -> Markup {
        let rest = fields.map { "&\($0.key)=\(APIPath.escaped($0.value))" }.joined()
        let links = Range.allCases.map { choice in
            let current: Markup = choice == range ? " aria-current=\"true\"" : ""
            return "<a href=\"\(link: "\(path)?range=\(choice.rawValue)\(rest)")\"\(current)>\(choice.rawValue)</a>"
                as Markup
        }
        return "<nav class=\"ranges\" aria-label=\"\(t[.timeRange])\">\(links)</nav>"
    }

    func labels(_ labels: [String: String], leaving hidden: Set<String> = ["alertname", "severity"]) -> Markup {
        let shown = labels.filter { !hidden.contains($0.key) }.sorted { $0.key < $1.key }
        return shown.map { "<span class=\"label\">\($0.key)=\($0.value)</span>" as Markup }.joined(" ")
    }
}
