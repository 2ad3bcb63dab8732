import ArgumentParser
import Diagnostics
import JSONCoding
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
        @Option(name: .long, help: "How many entries.") var limit = 50

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
        static let configuration = CommandConfiguration(abstract: "Show the newest entries, oldest of them first.")
        @OptionGroup var filter: Filter
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let page: LedgerPage = try await daemon.connect().get(filter.path(before: nil))
            try daemon.show(page) { ledger, page in
                page.table(
                    ["#", "TIME", "WHO", "WHAT", "SUBJECT", ""],
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
            abstract: "Check that nothing was edited, reordered or cut off.",
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
                let body = try await daemon.connect().raw("POST", APIPath.ledgerVerify, body: [])
                result = try APIJSON.decode(LedgerVerification.self, from: body)
            }
            try daemon.show(result) { result, page in
                if result.intact {
                    page.line("intact: \(result.size) entries, \(result.checkpoints) signed checkpoints", .green)
                } else {
                    page.line("NOT INTACT", .red)
                    for fault in result.faults { page.line("  \(fault)") }
                }
            }
            if !result.intact { throw EndWith(.findings) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print all entries as JSON lines, with the signed checkpoint at the end.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let output = Console.current.output
            try await daemon.connect().eachLine(of: APIPath.ledgerExport, output)
        }
    }
}

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who may do what.",
        subcommands: [
            List.self, Add.self, Role.self, Remove.self, PasswordLink.self, Tokens.self, AddToken.self,
            RevokeToken.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the users.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let users: [UserStatus] = try await daemon.connect().get(APIPath.users)
            try daemon.show(users) { users, page in
                page.table(
                    ["USER", "ROLE", "PASSWORD", "LAST LOGIN"],
                    users.map {
                        [
                            Cell($0.name, .bold), Cell($0.role), Cell($0.hasPassword ? "set" : "not set"),
                            Cell(page.age($0.lastLoginAt)),
                        ]
                    })
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a user and print the link that sets the password.")
        @Argument(help: "The name.") var name: String
        @Option(name: .long, help: "viewer, operator or administrator.") var role = "viewer"
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let link: WebAPI.PasswordLink = try await daemon.connect().post(
                APIPath.users, CreateUser(name: name, role: role))
            try daemon.show(link, showLink)
        }
    }

    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a user's role.")
        @Argument(help: "The name.") var name: String
        @Argument(help: "viewer, operator or administrator.") var role: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let body = Array(try APIJSON.encode(ChangeUser(role: role)))
            _ = try await daemon.connect().raw("PUT", APIPath.user(name), body: body)
            Console.current.notes("\(name) is now \(role)")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a user, ending all sessions.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            _ = try await daemon.connect().raw("DELETE", APIPath.user(name), body: nil)
            Console.current.notes("removed \(name)")
        }
    }

    struct PasswordLink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a link that sets a user's password once.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let body = try await daemon.connect().raw("POST", APIPath.userPasswordLink(name), body: [])
            try daemon.show(try APIJSON.decode(WebAPI.PasswordLink.self, from: body), showLink)
        }
    }

    struct Tokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the API tokens.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let tokens: [TokenStatus] = try await daemon.connect().get(APIPath.tokens)
            try daemon.show(tokens) { tokens, page in
                page.table(
                    ["ID", "NAME", "ROLE", "CREATED BY", "EXPIRES"],
                    tokens.map {
                        [
                            Cell($0.id, .bold), Cell($0.name), Cell($0.role), Cell($0.createdBy),
                            Cell($0.expiresAt == nil ? "never" : page.age($0.expiresAt)),
                        ]
                    })
            }
        }
    }

    struct AddToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-token", abstract: "Create an API token and print it this once.")
        @Argument(help: "What it is for.") var name: String
        @Option(name: .long, help: "viewer, operator or administrator.") var role = "viewer"
        @Option(name: .long, help: "How long it is valid, as in 90d; without it until revoked.") var validFor: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            var validForMs: Int64?
            if let validFor {
                guard let span = Duration(prometheusText: validFor) else {
                    throw ValidationError("'\(validFor)' is not a duration; write it like 12h or 90d.")
                }
                validForMs = span.wholeMilliseconds
            }
            let token: NewToken = try await daemon.connect().post(
                APIPath.tokens, CreateToken(name: name, role: role, validForMs: validForMs))
            try daemon.show(token) { token, page in page.line(token.secret) }
        }
    }

    struct RevokeToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke-token", abstract: "End an API token.")
        @Argument(help: "The token's identifier, from 'jaga user tokens'.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            _ = try await daemon.connect().raw("DELETE", APIPath.token(id), body: nil)
            Console.current.notes("revoked \(id)")
        }
    }
}

private func showLink(_ link: WebAPI.PasswordLink, to page: inout Page) {
    page.line("\(link.user) sets the password at \(link.path) (once, \(page.age(link.expiresAt)))")
}
