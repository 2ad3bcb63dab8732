import ArgumentParser
import Commands
import Diagnostics
import Rules
import Settings
import TestSupport
import Testing
import Units

@testable import Daemon

/// Goal: the pages of `docs/reference` say what the code says. Method: each page is made from the declarations and compared with
/// its file; `UPDATE_GOLDEN=1` rewrites the files.
@Suite struct ReferenceTests {
    @Test func `the configuration reference is what the declarations give`() throws {
        try Documents.expectGenerated(
            configurationPage(SettingsDocument.declarations(of: SiteSettings.self)),
            at: "docs/reference/configuration.md")
    }

    @Test func `the table of shipped alerts is what the packs hold`() throws {
        try Documents.expectGenerated(try alertsPage(), at: "docs/reference/alerts.md")
    }

    @Test func `the command reference is what the program prints as help`() throws {
        try Documents.expectGenerated(commandsPage(), at: "docs/reference/commands.md")
    }

    @Test func `the list of Jaga's own series is what the sources declare`() throws {
        try Documents.expectGenerated(try metricsPage(), at: "docs/reference/metrics.md")
    }

    private let note = "<!-- Made from the code by Tests/DaemonTests/ReferenceTests.swift; do not edit by hand. -->"

    // MARK: configuration.md

    private func configurationPage(_ declarations: [SettingsDeclaration]) -> String {
        // A key with keys below it is a section of its own; it also stands in the table of the section above.
        func parent(_ path: String) -> String {
            path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
        }
        func key(_ path: String) -> String {
            String(path[(path.lastIndex(of: ".").map { path.index(after: $0) } ?? path.startIndex)...])
        }
        var order: [String] = []
        var members: [String: [SettingsDeclaration]] = [:]
        for declaration in declarations {
            let section = parent(declaration.path)
            if members[section] == nil { order.append(section) }
            members[section, default: []].append(declaration)
        }
        var lines = [
            "# Configuration reference", "", note, "",
            "One YAML file, `jaga.yaml`, describes a site. An empty file works: every key may be absent, unless its "
                + "type says \"required\". Unknown keys are faults. `<name>` stands for a name that you choose; `[]` stands for each "
                + "element of a list. Durations are written like `15s`, `5m` or `1h30m`, sizes like `10MiB`. A `secret` is written "
                + "as `${NAME}`, which takes it from the environment, or as `file:/path`, which takes the first line of a file; it "
                + "is never shown again. [Finding and configuring](../guide/configuring.md) explains the file.", "",
        ]
        for section in order {
            lines.append(section.isEmpty ? "## Top of the file" : "## `\(section)`")
            lines.append("")
            // The section of a list's or a mapping's elements is explained where the list is declared.
            var owner = section[...]
            for ending in ["[]", ".<name>"] where owner.hasSuffix(ending) { owner = owner.dropLast(ending.count) }
            if let own = declarations.first(where: { $0.path == owner }) {
                lines += [own.documentation, ""]
            }
            lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
            for member in members[section] ?? [] {
                lines.append(
                    "| `\(key(member.path))` | \(cell(member.type)) | \(member.defaultText.map { "`\(cell($0))`" } ?? "") | "
                        + "\(cell(member.documentation)) |")
            }
            lines.append("")
        }
        return lines.joined(separator: "\n")
    }

    // MARK: alerts.md

    private func alertsPage() throws -> String {
        var lines = [
            "# Shipped alerts", "", note, "",
            "These rules are evaluated unless `rules.shipped` is `false`. An alert of the same name in one of your rule files takes the "
                + "place of all shipped rules of that name; names in `rules.disabled` are left out. [Rules and "
                + "alerts](../guide/rules-and-alerts.md) shows how. *Hold* is how long the expression must give a result before "
                + "the alert fires.", "",
        ]
        for pack in RulePack.allCases {
            lines += [
                "## \(pack.rawValue)", "", "[The file](../../Sources/Judge/Rules/Packs/\(pack.rawValue).yml).", "",
            ]
            for group in try pack.groups(templates: AnnotationTemplates()) {
                let recorded = group.rules.filter { $0.kind == .recording }
                lines += ["| alert | severity | hold | expression | summary |", "|---|---|---|---|---|"]
                for rule in group.rules where rule.kind == .alerting {
                    lines.append(
                        "| `\(rule.name)` | \(rule.labels["severity"] ?? "") | "
                            + "\(rule.hold == .zero ? "none" : rule.hold.briefText) | <code>\(code(rule.expressionText))</code> | "
                            + "\(cell(rule.annotations["summary"] ?? "")) |")
                }
                lines.append("")
                guard !recorded.isEmpty else { continue }
                lines += ["| recorded series | expression |", "|---|---|"]
                lines += recorded.map { "| `\($0.name)` | <code>\(code($0.expressionText))</code> |" }
                lines.append("")
            }
        }
        return lines.joined(separator: "\n")
    }

    // MARK: commands.md

    private func commandsPage() -> String {
        var lines = [
            "# Commands", "", note, "",
            "What `jaga help` prints. [Command line](../guide/command-line.md) has the exit codes and examples.", "",
        ]
        func add(_ command: any ParsableCommand.Type, path: [String]) {
            guard command.configuration.shouldDisplay else { return }
            let help =
                path.count == 1
                ? Jaga.helpMessage(columns: 100) : Jaga.helpMessage(for: command, columns: 100)
            lines += ["## \(path.joined(separator: " "))", "", "```text", help.trimmed, "```", ""]
            for subcommand in command.configuration.subcommands {
                add(subcommand, path: path + [subcommand._commandName])
            }
        }
        add(Jaga.self, path: ["jaga"])
        return lines.joined(separator: "\n")
    }

    // MARK: metrics.md

    /// Sources declare a series where they make it, by a call that has its name, its kind and its help as literals.
    private func metricsPage() throws -> String {
        let call =
            #/"(jaga_[a-z0-9_]+)",\s*(?:\.(gauge|counter|histogram|untyped),\s*)?"([^"]*)"((?:\s*\+\s*"[^"]*")*)/#
        let upCall = #/upMetric = "(jaga_[a-z0-9_]+)"/#
        var rows: [String: (folder: String, kind: String, help: String)] = [:]
        for file in try Documents.files(below: "Sources") where file.hasSuffix(".swift") {
            let folder = file.split(separator: "/").dropFirst(2).first.map(String.init) ?? ""
            for match in try Documents.text(of: file).matches(of: upCall) {
                rows[String(match.1)] = (folder, "gauge", "Whether the last reading worked.")
            }
            for match in try Documents.text(of: file).matches(of: call) {
                let name = String(match.1)
                let more = match.4.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map {
                    String($0.element)
                }
                let help = String(match.3) + more.joined()
                guard help.contains(" ") else { continue }
                let kind = match.2.map(String.init) ?? (name.hasSuffix("_total") ? "counter" : "gauge")
                if rows[name] == nil { rows[name] = (folder, kind, help) }
            }
        }
        var lines = [
            "# Series of our own", "", note, "",
            "Series whose names begin with `jaga_`. All other names, labels and units are those of the exporters: node_exporter, "
                + "postgres_exporter, redis_exporter, nginx-prometheus-exporter, process-exporter, blackbox_exporter. Every series has the "
                + "label `host`. `/metrics` of the running program shows what it has now.", "",
        ]
        for folder in Set(rows.values.map(\.folder)).sorted() {
            lines += ["## \(folder)", "", "| series | kind | meaning |", "|---|---|---|"]
            for (name, row) in rows.sorted(by: { $0.key < $1.key }) where row.folder == folder {
                lines.append("| `\(name)` | \(row.kind) | \(cell(row.help)) |")
            }
            lines.append("")
        }
        return lines.joined(separator: "\n")
    }

    private func cell(_ text: String) -> String {
        text.replacing("\n", with: " ").replacing("|", with: "\\|")
            .replacing("<name>", with: "&lt;name&gt;")
    }

    /// For `<code>` inside a table, where a bar cannot be quoted in a code span.
    private func code(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ").replacing("&", with: "&amp;")
            .replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("|", with: "&#124;")
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        while text.first?.isNewline == true { text.removeFirst() }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }.joined(separator: "\n")
    }
}
