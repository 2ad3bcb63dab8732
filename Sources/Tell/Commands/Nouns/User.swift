import ArgumentParser
import Diagnostics
import Outbound
import Texts
import Units
import WebAPI

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Who may do what.",
        subcommands: [
            List.self, Add.self, Role.self, Remove.self, PasswordLink.self, Tokens.self, AddToken.self,
            RevokeToken.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Show the users.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let users: [UserStatus] = try await daemon.connect().get(APIPath.users)
            try daemon.show(users) { users, page in
                page.table(
                    [.columnUser, .columnRole, .columnPassword, .columnLastLogin],
                    users.map {
                        [
                            Cell($0.name, .bold), Cell($0.role),
                            Cell(page.t[$0.hasPassword ? .passwordSet : .passwordNotSet]),
                            Cell(page.age($0.lastLoginAt)),
                        ]
                    })
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Create a user and print the link that sets the password.")
        @Argument(help: "The name.") var name: String
        @Option(name: .long, help: "What it may do.") var role = RoleOption.viewer
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let connection = try daemon.connect()
            let link: WebAPI.PasswordLink = try await connection.post(
                APIPath.users, CreateUser(name: name, role: role.rawValue))
            try await show(link, connection, daemon)
        }
    }

    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "role", abstract: "Change a user's role.")
        @Argument(help: "The name.") var name: String
        @Argument(help: "What the user may do.") var role: RoleOption
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let body = APIBody(json: Array(try APIJSON.encode(ChangeUser(role: role.rawValue))))
            _ = try await daemon.connect().raw("PUT", APIPath.user(name), body: body)
            Console.current.notes(Console.current.phrases(.roleChanged, ["user": name, "role": role.rawValue]))
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove a user, ending all sessions.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            _ = try await daemon.connect().raw("DELETE", APIPath.user(name), body: nil)
            Console.current.notes(Console.current.phrases(.userRemoved, ["user": name]))
        }
    }

    struct PasswordLink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "password-link", abstract: "Print a link that sets a user's password once.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let connection = try daemon.connect()
            let body = try await connection.raw("POST", APIPath.userPasswordLink(name), body: nil)
            try await show(try connection.decode(body, as: WebAPI.PasswordLink.self), connection, daemon)
        }
    }

    struct Tokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "tokens", abstract: "Show the API tokens.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let tokens: [TokenStatus] = try await daemon.connect().get(APIPath.tokens)
            try daemon.show(tokens) { tokens, page in
                page.table(
                    [.columnID, .columnName, .columnRole, .columnCreatedBy, .columnExpires],
                    tokens.map {
                        [
                            Cell($0.id, .bold), Cell($0.name), Cell($0.role), Cell($0.createdBy),
                            Cell(page.age($0.expiresAt)),
                        ]
                    })
            }
        }
    }

    struct AddToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-token", abstract: "Create an API token and print it this once.")
        @Argument(help: "What it is for.") var name: String
        @Option(name: .long, help: "What it may do.") var role = RoleOption.viewer
        @Option(
            name: .long, parsing: .unconditional,
            help: "How long it is valid, from 1m to 10y; without it until revoked.")
        var validFor: String?
        @OptionGroup var daemon: DaemonOptions

        /// Shorter is over before it is used; longer than ten years is a slip, and "until revoked" can be had.
        private static let validForRange = Duration.seconds(60)...Duration.seconds(3650 * 86_400)

        func validate() throws { _ = try validForMs() }

        private func validForMs() throws -> Int64? {
            guard let validFor else { return nil }
            let span = try OptionValue.span(validFor, "--valid-for")
            guard Self.validForRange.contains(span) else {
                throw ValidationError(
                    "A token cannot be valid for '\(validFor)'; the range is from 1m to 10y. Leave --valid-for out for a token "
                        + "that is valid until it is revoked.")
            }
            return span.wholeMilliseconds
        }

        func run() async throws {
            let token: NewToken = try await daemon.connect().post(
                APIPath.tokens, CreateToken(name: name, role: role.rawValue, validForMs: try validForMs()))
            try daemon.show(token) { token, page in page.line(token.secret) }
        }
    }

    struct RevokeToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke-token", abstract: "End an API token.")
        @Argument(help: "The token's identifier, from 'jaga user tokens'.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            _ = try await daemon.connect().raw("DELETE", APIPath.token(id), body: nil)
            Console.current.notes(Console.current.phrases(.tokenRevoked, ["id": id]))
        }
    }
}

/// Prints the link as an address that can be sent, as far as the address of the pages is known.
private func show(_ link: WebAPI.PasswordLink, _ connection: any APIConnection, _ daemon: DaemonOptions) async throws {
    var link = link
    link.url = await pagesURL(connection, daemon).map { $0 + link.path }
    try daemon.show(link) { link, page in
        // Rounded, since the link was made a moment ago: a day is more to the point than 23h 59m.
        let span = (link.expiresAt - page.now + .seconds(30)).briefText
        if let url = link.url {
            page.line(page.t(.linkPage, ["user": link.user, "url": url, "span": span]))
        } else {
            page.line(page.t(.linkPath, ["user": link.user, "path": link.path, "span": span]))
        }
    }
}

/// Where people reach the pages: the address that this command used, or what the daemon says of itself.
private func pagesURL(_ connection: any APIConnection, _ daemon: DaemonOptions) async -> String? {
    if let url = daemon.url ?? Console.current.environment("JAGA_URL"), !url.isEmpty {
        // Without the user and the password that it may begin with: the link is for somebody else.
        let authority = url.firstRange(of: "://").map { url[$0.upperBound...].prefix { $0 != "/" } }
        let path = authority.map { url[$0.endIndex...] } ?? ""
        return displayedOrigin(of: Secret(url)) + (path.hasSuffix("/") ? path.dropLast() : path)
    }
    // The link was made and must be shown, whatever becomes of this question: without an answer the path alone is.
    let version: VersionInfo? = try? await connection.get(APIPath.version)
    return version?.pagesURL
}
