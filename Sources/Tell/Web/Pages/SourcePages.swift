import Series
import Texts
import Units
import WebAPI

extension WebSite {
    /// The host on which the program runs, or the one that is asked for.
    static func host(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let hosts = try await site.service.sources().filter { $0.kind == "host" }
        guard let source = hosts.first(where: { $0.name == request.query["name"] }) ?? hosts.first else {
            let layout = Layout(context: context, title: context.t[.navHost], section: .host)
            return .html(layout.page("<h1>\(context.t[.navHost])</h1><p class=\"empty\">\(context.t[.noHost])</p>"))
        }
        return .html(await context.sourcePage(source, path: "/host", section: .host))
    }

    static func databases(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let sources = try await site.service.sources().filter { $0.kind != "host" && !$0.isProbe }
        let layout = Layout(context: context, title: context.t[.navDatabases], section: .databases, live: [.sources])
        return .html(
            layout.page(
                "<h1>\(context.t[.databasesTitle])</h1>\(context.part("sources", context.sourceTable(sources)))"))
    }

    /// One database, cache, web server or scrape target.
    static func source(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let name = request.query["name"] ?? ""
        // An area of the overview is called by what it is, a source by how it is read.
        let kind = request.query["kind"].map { $0 == AreaStatus.Kind.application.rawValue ? "scrape" : $0 }
        let sources = try await site.service.sources().filter { kind == nil || $0.kind == kind }
        // A job that is scraped has several targets: the one that is not well is what one comes for.
        let ofJob = sources.filter { $0.name.hasPrefix("scrape/\(name)/") }
        let found =
            sources.first { $0.name.hasSameBytes(as: name) } ?? sources.first { $0.name.hasSuffix("/\(name)") }
            ?? ofJob.first { $0.up != true } ?? ofJob.first
        guard let found else {
            throw Problem(
                .notFound, "there is no source '\(name.prefix(80))'", hint: "See the list of databases and services.")
        }
        return .html(
            await context.sourcePage(found, path: "/source", section: found.kind == "host" ? .host : .databases))
    }
}

extension SourceStatus {
    var isProbe: Bool { kind.hasSuffix("_probe") || kind == "certificate" }

    var verdict: Verdict {
        switch up {
        case true?: .ok
        case false?: .critical
        case nil: .unknown
        }
    }
}

extension PageContext {
    func sourcePage(_ source: SourceStatus, path: String, section: Layout.Section) async -> Markup {
        let drawn = await panels(
            Panels.of(kind: source.kind), selector: selector(Labels(source.labels.map { ($0.key, $0.value) })))
        let layout = Layout(
            context: self, title: source.name, section: section, live: [.sources], hasCharts: true)
        return layout.page(
            """
            <h1>\(source.name)</h1>
            \(part("source", sourceFacts(source)))
            \(rangePicker(path, ["name": source.name]))
            \(drawn)
            """)
    }

    private func sourceFacts(_ source: SourceStatus) -> Markup {
        let error: Markup = source.error.map { "<p class=\"fault\">\($0)</p>" } ?? ""
        return """
            <section class="strip \(Self.kind(source.verdict))">
            <p>\(verdict(source.verdict)) \(t[.lastRead]) \(ago(source.lastReadAt)) · \
            \(t[.tookTime]) \(source.lastDurationMs.map(Format.milliseconds) ?? t[.unknownValue]) · \
            \(t[.everySpan]) \(span(ms: source.intervalMs))\(source.address.isEmpty ? "" : " · \(source.address)" as Markup)</p>
            \(error)<p>\(labels(source.labels))</p></section>
            """
    }

    func sourceTable(_ sources: [SourceStatus]) -> Markup {
        let rows = sources.sorted { ($1.verdict, $0.name) < ($0.verdict, $1.name) }.map { source in
            """
            <tr><td>\(verdict(source.verdict))</td>\
            <td><a href="\(link: "/source?name=\(APIPath.escaped(source.name))")">\(source.name)</a>\
            <span class="sub">\(source.address)</span></td>\
            <td>\(source.kind)</td><td>\(ago(source.lastReadAt))</td>\
            <td class="num">\(source.lastDurationMs.map(Format.milliseconds) ?? t[.unknownValue])</td>\
            <td>\(source.error ?? "")</td></tr>
            """ as Markup
        }
        return table(
            t[.sourcesTitle],
            [t[.columnState], t[.columnName], t[.columnKind], t[.columnLastRead], t[.columnTook], t[.columnError]],
            rows,
            empty: t[.noSources])
    }
}
