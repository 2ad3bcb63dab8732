import Access
import Events
import JSONCoding
import Texts
import Units
import WebAPI

extension WebSite {
    static func ledger(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        // Before the first checkpoint there is none to show, which the page says; the entries do not depend on it.
        async let checkpoint = try? site.service.ledgerCheckpoint()
        let page = try await site.service.ledgerEntries(try ledgerFilter(request.query))
        let layout = Layout(
            context: context, title: t[.navLedger], section: .ledger,
            live: request.query["before"] == nil ? [.ledger] : [])
        let columns = ["#", t[.columnTime], t[.columnActor], t[.columnEvent], t[.columnSubject], t[.columnDetail]]
        return .html(
            layout.page(
                """
                <h1>\(t[.navLedger])</h1>
                <p class="facts">\(t(.ledgerSize, ["count": page.size]))</p>
                \(context.ledgerForm())
                \(context.part("entries", context.table(t[.navLedger], columns, page.entries.map(context.entryRow), empty: t[.noEntries])))
                \(context.olderLink(page))
                \(context.checkpoint(await checkpoint))
                """))
    }

    /// Verifying reads everything, so it waits for a press.
    static func verifyLedger(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let result = try await site.service.verifyLedger()
        let faults = result.faults.map { "<li>\($0)</li>" as Markup }
        let badge =
            result.intact
            ? PageContext.badge("ok", "✓", t[.ledgerIntact]) : PageContext.badge("critical", "✕", t[.ledgerBroken])
        let layout = Layout(context: context, title: t[.navLedger], section: .ledger)
        return .html(
            layout.page(
                """
                <h1>\(t[.verifyLedgerTitle])</h1>
                <section class="strip \(result.intact ? "ok" : "critical")"><p>\(badge) \
                \(t(.ledgerVerified, ["count": result.size, "checkpoints": result.checkpoints])) · \
                \(context.span(ms: result.durationMs))</p><ul>\(faults)</ul></section>
                <p><a href="/ledger">\(t[.backToLedger])</a></p>
                """))
    }

    /// Of the page and of the API.
    static let ledgerParameters: [Route.Parameter] = [
        .optional("kind", "A kind, or a family ending in a full stop: 'alert.'."),
        .optional("subject", "A subject, or a family ending in a slash: 'job/'."),
        .optional("actor", "The actor's name."),
        .optional("from", "RFC 3339, a day, or milliseconds since 1970.", .instant),
        .optional("through", "RFC 3339, a day, or milliseconds since 1970.", .instant),
        .optional("before", "Only entries before this number.", .number(0 ... .max)),
        .optional("limit", "1 to 1000; 50 when left out.", .number(1...1000)),
    ]

    /// - Parameter query: checked against `ledgerParameters`.
    static func ledgerFilter(_ query: FormFields) throws -> LedgerFilter {
        let from = query["from"].flatMap { Route.Parameter.instant($0, endOfDay: false) }
        let through = query["through"].flatMap { Route.Parameter.instant($0, endOfDay: true) }
        if let from, let through, through < from {
            throw Problem(.invalid, "through: is before 'from'", hint: "Exchange the two.")
        }
        if let kind = query["kind"], !EventKind.isKnown(kind) {
            throw Problem(
                .invalid, "kind: '\(kind.prefix(40))' is no kind of entry",
                hint: "Write it like alert.fired, or alert. for the whole family.")
        }
        return LedgerFilter(
            kind: query["kind"], subject: query["subject"], actor: query["actor"], from: from, through: through,
            before: query["before"].flatMap { Int64($0) }, limit: query["limit"].flatMap { Int($0) } ?? 50)
    }
}

extension PageContext {
    fileprivate func ledgerForm() -> Markup {
        let query = request.query
        let families = [
            "alert.", "job.", "backup.", "drill.", "restore.", "notification.", "user.", "token.", "login.", "daemon.",
            "configuration.",
        ]
        let chosen = query["kind"] ?? ""
        let options = ([""] + families + (families.contains(chosen) || chosen.isEmpty ? [] : [chosen])).map { family in
            let selected: Markup = family == chosen ? " selected" : ""
            return "<option value=\"\(family)\"\(selected)>\(family.isEmpty ? t[.everyKind] : family)</option>"
                as Markup
        }
        return """
            <form method="get" action="/ledger" class="fields filter" role="search">
            <label>\(t[.columnEvent]) <select name="kind">\(options)</select></label>
            <label>\(t[.columnSubject]) <input name="subject" value="\(query["subject"] ?? "")" placeholder="job/"></label>
            <label>\(t[.columnActor]) <input name="actor" value="\(query["actor"] ?? "")"></label>
            <label>\(t[.fromDay]) <input type="date" name="from" value="\(String((query["from"] ?? "").prefix(10)))"></label>
            <label>\(t[.throughDay]) <input type="date" name="through" value="\(String((query["through"] ?? "").prefix(10)))"></label>
            <button>\(t[.filterNow])</button></form>
            """
    }

    fileprivate func entryRow(_ entry: LedgerEntry) -> Markup {
        """
        <tr><td class="num">\(entry.sequence)</td><td>\(time(entry.time))</td>\
        <td>\(entry.actorName)<span class="sub">\(entry.actorKind)</span></td>\
        <td><a href="\(link: "/ledger?kind=\(APIPath.escaped(entry.kind))")">\(entry.kind)</a></td>\
        <td><a href="\(link: "/ledger?subject=\(APIPath.escaped(entry.subject))")">\(entry.subject)</a></td>\
        <td class="detail">\(payload(entry.payload))</td></tr>
        """
    }

    /// The flat values as words, everything else on demand.
    private func payload(_ payload: JSONValue) -> Markup {
        guard let members = payload.objectValue, !members.isEmpty else { return "" }
        let short = members.sorted { $0.key < $1.key }.compactMap { key, value -> String? in
            switch value {
            // A digest is recognised by its beginning.
            case .string(let text): text.isEmpty ? nil : "\(key)=\(text.prefix(key == "sha256" ? 12 : 60))"
            case .integer(let number): "\(key)=\(written(number, key))"
            case .number(let number): "\(key)=\(PrometheusJSON.text(number))"
            case .bool(let flag): "\(key)=\(flag)"
            case .null, .array, .object: nil
            }
        }
        let line = short.prefix(4).joined(separator: " · ")
        return
            "<details><summary>\(line.isEmpty ? t[.columnDetail] : line)</summary><pre>\(payload.prettyText)</pre></details>"
    }

    /// Payloads hold instants and spans as milliseconds and sizes as bytes, which their names tell.
    private func written(_ number: Int64, _ key: String) -> String {
        if key.hasSuffix("At") || key.hasSuffix("For"), number > 1_000_000_000_000 {
            return Timestamp(millisecondsSinceEpoch: number).rfc3339
        }
        if key.hasSuffix("Ms") { return Duration.milliseconds(number).briefText }
        if key == "bytes" || key.hasSuffix("Bytes") { return ByteCount(number).text }
        return String(number)
    }

    fileprivate func olderLink(_ page: LedgerPage) -> Markup {
        guard let before = page.nextBefore else { return "" }
        let kept = request.query.pairs.filter { $0.name != "before" && !$0.value.isEmpty }
        let rest = kept.map { "&\(APIPath.escaped($0.name))=\(APIPath.escaped($0.value))" }.joined()
        return "<p><a class=\"more\" href=\"\(link: "/ledger?before=\(before)\(rest)")\">\(t[.olderEntries])</a></p>"
    }

    fileprivate func checkpoint(_ checkpoint: LedgerCheckpoint?) -> Markup {
        let body: Markup =
            checkpoint.map { checkpoint in
                """
                <p>\(t(.checkpointFacts, ["count": checkpoint.size])) \(ago(checkpoint.at))</p>
                <pre tabindex="0">\(checkpoint.note)</pre><p class="sub code">\(checkpoint.publicKey)</p>
                """
            } ?? "<p class=\"empty\">\(t[.noCheckpoint])</p>"
        return """
            <section class="card"><h2>\(t[.checkpointTitle])</h2><p>\(t[.checkpointExplained])</p>\(body)
            \(button("/ledger/verify", t[.verifyLedgerNow], .verifyLedger))</section>
            """
    }
}
