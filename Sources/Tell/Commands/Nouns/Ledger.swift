import ArgumentParser
import Diagnostics
import Events
import JSONCoding
import Texts
import Units
import WebAPI

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "What happened, in an order nobody can change.",
        subcommands: [List.self, Verify.self, Export.self], defaultSubcommand: List.self)

    struct Filter: ParsableArguments {
        @Option(name: .long, help: "Only this kind (alert.fired) or family (alert.).") var kind: String?
        @Option(name: .long, help: "Only this subject (job/nightly) or family (job/).") var subject: String?
        @Option(name: .long, help: "Only what this actor did.") var actor: String?
        @Option(name: .long, parsing: .unconditional, help: "How many entries.") var limit = 50

        /// Refuses what could never match, so that a misspelt filter is not taken for an empty ledger.
        func validate() throws {
            try OptionValue.count(limit, "--limit", in: 1...1000)
            if let kind, !EventKind.isKnown(kind) {
                let names = EventKind.known.map(\.rawValue) + EventKind.families
                let remedy =
                    nearestName(to: kind, among: names).map { "Did you mean '\($0)'?" }
                    ?? "The families are \(EventKind.families.joined(separator: " "))"
                throw ValidationError("'\(kind)' is no kind of entry. \(remedy)")
            }
            for (option, text) in [("--subject", subject), ("--actor", actor)] where text?.isEmpty == true {
                throw ValidationError("\(option) is empty; leave it out to see all.")
            }
            if let actor, let colon = actor.firstIndex(of: ":"), Actor.Kind(rawValue: String(actor[..<colon])) == nil {
                let kinds = Actor.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("'\(actor[..<colon])' is no kind of actor; the kinds are \(kinds).")
            }
        }

        func path(before: Int64?) -> String {
            var parts = ["limit=\(limit)"]
            for (name, value) in [
                ("kind", kind), ("subject", subject), ("actor", actor), ("before", before.map { "\($0)" }),
            ] {
                if let value { parts.append("\(name)=\(APIPath.escaped(value))") }
            }
            return "\(APIPath.ledger)?\(parts.joined(separator: "&"))"
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the newest entries, oldest of them first.")
        @OptionGroup var filter: Filter
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let page: LedgerPage = try await daemon.connect().get(filter.path(before: nil))
            try daemon.show(page) { ledger, page in
                page.table(
                    [.columnEntry, .columnTime, .columnActor, .columnEvent, .columnSubject, nil],
                    ledger.entries.reversed().map { entry in
                        [
                            Cell("\(entry.sequence)", .dim), Cell(entry.time.rfc3339),
                            Cell("\(entry.actorKind):\(entry.actorName)"), Cell(entry.kind, .bold), Cell(entry.subject),
                            Cell(Self.brief(entry.payload), .dim),
                        ]
                    })
            }
        }

        /// The payload on one line, cut at 100 characters.
        private static func brief(_ payload: JSONValue) -> String {
            let text = payload.canonicalText
            return text == "{}" ? "" : text.count > 100 ? "\(text.prefix(99))…" : text
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Check that nothing was edited, reordered or cut off.",
            discussion:
                "With --file, a ledger's database or an export is checked without the daemon. Exits with 3 on a fault.")

        @Option(name: .long, help: "A jaga.db or an export to check without the daemon.") var file: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let result: LedgerVerification
            if let file {
                let report = try await Console.current.program.verifyLedger(at: file)
                result = LedgerVerification(
                    intact: report.faults.isEmpty, size: report.size, checkpoints: report.checkpoints, durationMs: 0,
                    faults: report.faults)
            } else {
                let body = try await daemon.connect().raw("POST", APIPath.ledgerVerify, body: nil)
                result = try APIJSON.decode(LedgerVerification.self, from: body)
            }
            try daemon.show(result) { result, page in
                if result.intact {
                    page.line(
                        page.t(.ledgerIntact, ["entries": result.size, "checkpoints": result.checkpoints]), .green)
                } else {
                    page.line(page.t[.ledgerBroken], .red)
                    for fault in result.faults { page.line("  \(fault)") }
                }
            }
            if !result.intact { throw EndWith(.findings) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Print all entries as JSON lines, with the signed checkpoint at the end.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let output = Console.current.output
            try await daemon.connect().eachLine(of: APIPath.ledgerExport, output)
        }
    }
}
