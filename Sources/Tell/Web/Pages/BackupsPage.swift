import Access
import Texts
import Units
import WebAPI

extension WebSite {
    static func backups(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let overview = try await site.service.backups()
        let layout = Layout(context: context, title: t[.navBackups], section: .backups, live: [.backups])
        let free: Markup = overview.repositoryFreeBytes.map { " · \(t[.freeSpace]) \(context.bytes($0))" } ?? ""
        return .html(
            layout.page(
                """
                <h1>\(t[.navBackups])</h1>
                <p class="facts">\(t[.repository]) <span class="code">\(overview.repositoryPath)</span> · \
                \(context.bytes(overview.repositoryBytes))\(free)</p>
                \(context.part("targets", context.targetTable(overview.targets)))
                <h2>\(t[.copiesTitle])</h2>
                \(context.part("copies", context.copyTable(overview.backups)))
                <h2>\(t[.drillsTitle])</h2>
                \(context.part("drills", context.drillTable(overview.drills)))
                \(context.restoreForm(overview))
                """))
    }
}

extension PageContext {
    fileprivate func targetTable(_ targets: [BackupTargetStatus]) -> Markup {
        let rows = targets.map { target in
            """
            <tr><td>\(verdict(target.verdict))</td><td>\(target.name)<span class="sub">\(target.reason)</span></td>\
            <td>\(ago(target.lastGoodAt))</td><td>\(drillWord(target))</td>\
            <td>\(target.scheduleText.isEmpty ? t[.byHandOnly] : target.scheduleText)\
            <span class="sub">\(t[.nextRun]) \(ago(target.nextRunAt))</span></td>\
            <td class="num">\(target.copies)</td>\
            <td>\(button("/actions/run-backup", t[.backupNow], .runActions, fields: ["target": target.name], context: target.name)) \
            \(button("/actions/drill", t[.drillNow], .runActions, fields: ["target": target.name], context: target.name))</td></tr>
            """ as Markup
        }
        return table(
            t[.targetsTitle],
            [
                t[.columnState], t[.columnTarget], t[.columnLastGood], t[.columnLastDrill], t[.columnSchedule],
                t[.columnCopies], t[.columnDo],
            ], rows, empty: t[.noTargets])
    }

    private func drillWord(_ target: BackupTargetStatus) -> Markup {
        guard let at = target.lastDrillAt, let passed = target.lastDrillPassed else {
            return Self.badge("unknown", "?", t[.neverDrilled])
        }
        let badge = passed ? Self.badge("ok", "✓", t[.drillPassed]) : Self.badge("critical", "✕", t[.drillFailed])
        let restore: Markup =
            target.restoreDurationMs.map { "<span class=\"sub\">\(t[.restoreTook]) \(span(ms: $0))</span>" } ?? ""
        return "\(badge) \(ago(at))\(restore)"
    }

    fileprivate func copyTable(_ backups: [BackupStatus]) -> Markup {
        let rows = backups.map { backup in
            """
            <tr><td>\(verification(backup))</td>\
            <td><span class="code">\(backup.id)</span><span class="sub">\(backup.target)</span></td>\
            <td>\(time(backup.finishedAt))<span class="sub">\(ago(backup.finishedAt))</span></td>\
            <td class="num">\(bytes(backup.storedBytes))</td>\
            <td class="num">\(backup.rows.map { Format.grouped(Double($0)) } ?? t[.unknownValue])</td>\
            <td><span class="code" title="\(backup.sha256)">\(String(backup.sha256.prefix(12)))</span></td>\
            <td>\(button("/actions/verify-backup", t[.verifyNow], .runActions, fields: ["id": backup.id], context: backup.id)) \
            \(button("/actions/drill", t[.drillNow], .runActions, fields: ["target": backup.target, "backup": backup.id], context: backup.id))</td></tr>
            """ as Markup
        }
        return table(
            t[.copiesTitle],
            [
                t[.columnState], t[.columnBackup], t[.columnTaken], t[.columnSize], t[.columnRows], "SHA-256",
                t[.columnDo],
            ], rows, empty: t[.noCopies])
    }

    private func verification(_ backup: BackupStatus) -> Markup {
        switch (backup.verification, backup.drillPassed) {
        case (.damaged, _):
            "\(Self.badge("critical", "✕", t[.copyDamaged]))<span class=\"sub\">\(backup.verificationMessage ?? "")</span>"
        case (_, false?): Self.badge("critical", "✕", t[.drillFailed])
        case (_, true?): Self.badge("ok", "✓", t[.copyProved])
        case (.good, nil): "\(Self.badge("ok", "✓", t[.copyGood]))<span class=\"sub\">\(ago(backup.verifiedAt))</span>"
        case (.unverified, nil): Self.badge("unknown", "?", t[.copyUnverified])
        }
    }

    fileprivate func drillTable(_ drills: [DrillStatus]) -> Markup {
        let rows = drills.map { drill in
            let checks = drill.checks.map { check in
                "<li>\(check.passed ? Self.badge("ok", "✓", t[.checkPassed]) : Self.badge("critical", "✕", t[.checkFailed])) \(check.name): \(check.message)</li>"
                    as Markup
            }
            let detail: Markup =
                checks.isEmpty
                ? ""
                : "<details><summary>\(t(.checkCount, ["count": checks.count]))</summary><ul class=\"checks\">\(checks)</ul></details>"
            return """
                <tr><td>\(drill.passed ? Self.badge("ok", "✓", t[.drillPassed]) : Self.badge("critical", "✕", t[.drillFailed]))</td>\
                <td><span class="code">\(drill.backup)</span></td><td>\(time(drill.startedAt))</td>\
                <td class="num">\(span(ms: drill.restoreDurationMs))</td><td>\(drill.message)\(detail)</td></tr>
                """ as Markup
        }
        return table(
            t[.drillsTitle],
            [t[.columnOutcome], t[.columnBackup], t[.columnStarted], t[.columnRestoreTime], t[.columnMessage]], rows,
            empty: t[.noDrills])
    }

    fileprivate func restoreForm(_ overview: BackupOverview) -> Markup {
        guard mayDo(.restore), !overview.backups.isEmpty else { return "" }
        let choices = overview.backups.prefix(50).map { backup in
            "<option value=\"\(backup.id)\">\(backup.id) (\(backup.target))</option>" as Markup
        }
        return """
            <section class="card"><h2>\(t[.restoreTitle])</h2><p>\(t[.restoreExplained])</p>
            <form method="post" action="/actions/restore" class="fields">\(formField)
            <label>\(t[.columnBackup]) <select name="backup" required>\(choices)</select></label>
            <label>\(t[.newDatabase]) <input name="into" required maxlength="63" autocomplete="off" spellcheck="false"></label>
            <button>\(t[.restoreNow])</button></form></section>
            """
    }
}
