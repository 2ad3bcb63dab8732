/// What nginx's configuration says that matters to somebody who watches it: a small reader of its directives
/// (<https://nginx.org/en/docs/beginners_guide.html#conf_structure>). It follows `include` and evaluates nothing.
struct NginxConfiguration: Sendable {
    struct Server: Sendable, Hashable {
        var names: [String] = []
        /// Arguments of `listen`, as written.
        var listens: [String] = []
        var certificates: [String] = []
        var usesTLS: Bool { !certificates.isEmpty || listens.contains { $0.contains(" ssl") || $0.contains("443") } }
        var file = ""
        /// Whether it answers anything but the status page.
        var servesPages = true
    }

    /// A location that answers with `stub_status`.
    struct StatusPage: Sendable, Hashable {
        var port: Int
        var path: String
        var file: String
    }

    var servers: [Server] = []
    var statusPages: [StatusPage] = []
    var accessLogs: [String] = []
    /// Names of log formats that hold `$request_time`.
    var timedFormats: Set<String> = []
    /// Files whose access log uses such a format.
    var timedAccessLogs: Set<String> = []

    /// A directive with its block, if it has one.
    private struct Directive {
        var words: [String]
        var block: [Directive]?
        var file: String
        var name: String { words.first ?? "" }
    }

    init(tree: HostTree, file: String) {
        let directives = Self.read(file, tree: tree, depth: 0)
        for directive in directives where directive.name == "http" {
            collect(directive.block ?? [], server: nil)
            collectFormats(directive.block ?? [])
        }
    }

    private mutating func collectFormats(_ directives: [Directive]) {
        for directive in directives where directive.name == "log_format" && directive.words.count > 2 {
            if directive.words.dropFirst(2).joined().contains("$request_time") {
                timedFormats.insert(directive.words[1])
            }
        }
        noteTimedLogs(directives)
    }

    private mutating func noteTimedLogs(_ directives: [Directive]) {
        for directive in directives {
            if directive.name == "access_log", directive.words.count > 2, timedFormats.contains(directive.words[2]) {
                timedAccessLogs.insert(directive.words[1])
            }
            noteTimedLogs(directive.block ?? [])
        }
    }

    private mutating func collect(_ directives: [Directive], server: Server?) {
        for directive in directives {
            switch directive.name {
            case "server": collectServer(directive)
            case "access_log":
                if directive.words.count > 1, directive.words[1] != "off", directive.words[1].hasPrefix("/"),
                    !accessLogs.contains(directive.words[1])
                {
                    accessLogs.append(directive.words[1])
                }
            case "location":
                if directive.block?.contains(where: { $0.name == "stub_status" }) == true, let server,
                    let port = server.listens.lazy.compactMap(Self.port).first, let path = directive.words.last
                {
                    statusPages.append(StatusPage(port: port, path: path, file: directive.file))
                }
                collect(directive.block ?? [], server: server)
            default: break
            }
        }
    }

    private mutating func collectServer(_ directive: Directive) {
        var server = Server()
        server.file = directive.file
        for inner in directive.block ?? [] {
            switch inner.name {
            case "server_name": server.names += inner.words.dropFirst().filter { $0 != "_" && $0 != "" }
            case "listen": server.listens.append(inner.words.dropFirst().joined(separator: " "))
            case "ssl_certificate": server.certificates += inner.words.dropFirst()
            default: break
            }
        }
        if server.listens.isEmpty { server.listens = ["80"] }
        let locations = (directive.block ?? []).filter { $0.name == "location" }
        server.servesPages =
            locations.isEmpty || locations.contains { $0.block?.contains { $0.name == "stub_status" } != true }
        servers.append(server)
        collect(directive.block ?? [], server: server)
    }

    /// The port of a `listen` argument: `80`, `127.0.0.1:8080 ssl`, `[::]:443`. Nil for unix sockets.
    static func port(_ listen: String) -> Int? {
        let address = listen.prefix { $0 != " " }
        guard !address.hasPrefix("unix:") else { return nil }
        if let port = Int(address) { return port }
        if let colon = address.lastIndex(of: ":"), !address.hasSuffix("]") {
            return Int(address[address.index(after: colon)...])
        }
        return 80
    }

    // MARK: Reading

    /// Includes nest at most this deep; nginx itself has no limit, a loop would have no end.
    private static let includeDepthMax = 8

    private static func read(_ file: String, tree: HostTree, depth: Int) -> [Directive] {
        guard depth <= includeDepthMax, let text = tree.text(file) else { return [] }
        var tokens = tokens(of: text)[...]
        return block(&tokens, file: file, tree: tree, depth: depth)
    }

    private static func block(
        _ tokens: inout ArraySlice<String>, file: String, tree: HostTree, depth: Int
    ) -> [Directive] {
        var directives: [Directive] = []
        var words: [String] = []
        while let token = tokens.popFirst() {
            switch token {
            case ";":
                if words.first == "include", let pattern = words.dropFirst().first {
                    for included in expand(pattern, relativeTo: file, tree: tree) {
                        directives += read(included, tree: tree, depth: depth + 1)
                    }
                } else if !words.isEmpty {
                    directives.append(Directive(words: words, block: nil, file: file))
                }
                words = []
            case "{":
                let inner = block(&tokens, file: file, tree: tree, depth: depth)
                directives.append(Directive(words: words, block: inner, file: file))
                words = []
            case "}": return directives
            default: words.append(token)
            }
        }
        return directives
    }

    /// Files that an `include` names; `*` stands for any text in the last part of the path.
    private static func expand(_ pattern: String, relativeTo file: String, tree: HostTree) -> [String] {
        let base = "/etc/nginx/"
        let path = pattern.hasPrefix("/") ? pattern : base + pattern
        guard let star = path.firstIndex(of: "*"), let slash = path.lastIndex(of: "/"), slash < star else {
            return [path]
        }
        let folder = String(path[..<slash])
        let name = path[path.index(after: slash)...]
        let pieces = name.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
        return tree.names(in: folder)
            .filter { $0.hasPrefix(pieces[0]) && $0.hasSuffix(pieces[1]) && !$0.hasPrefix(".") }
            .map { "\(folder)/\($0)" }
    }

    /// Words, `{`, `}` and `;`. Comments end with their line; quotation marks keep spaces together.
    static func tokens(of text: String) -> [String] {
        var tokens: [String] = []
        var word = ""
        var quote: Character?
        var isComment = false
        func endWord() {
            if !word.isEmpty { tokens.append(word) }
            word = ""
        }
        for character in text {
            if isComment {
                isComment = !character.isNewline
            } else if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else {
                switch character {
                case "#" where word.isEmpty: isComment = true
                case "\"", "'": quote = character
                case ";":
                    endWord()
                    tokens.append(";")
                case "{" where !word.hasSuffix("$"):
                    endWord()
                    tokens.append("{")
                case "}" where !word.contains("${"):
                    endWord()
                    tokens.append("}")
                case let space where space.isWhitespace: endWord()
                default: word.append(character)
                }
            }
        }
        endWord()
        return tokens
    }
}
