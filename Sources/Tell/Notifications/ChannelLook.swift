import Diagnostics
import Outbound

/// A look at the other side of a channel: would it take a message. None is sent.
public struct ChannelLook: Sendable {
    public enum Finding: Sendable, Hashable {
        /// The web address takes connections, and its certificate is good where it has one.
        case reachable
        /// The mail server let us in.
        case mail(isEncrypted: Bool, user: String?)
        /// The same, and the password went over the network in plain text.
        case passwordInPlainText
    }

    fileprivate enum Other: Sendable {
        case web(url: Secret, TLSOptions)
        case mail(MailServer)
    }

    /// `webhook/ops`, `webhook/ops/1` where a receiver has several, `smtp`.
    public let name: String
    private let other: Other
    private let timeout: Duration

    fileprivate init(name: String, _ other: Other, timeout: Duration) {
        self.name = name
        self.other = other
        self.timeout = timeout
    }

    /// - Throws: `OutboundError` with what a delivery would run into.
    public func run() async throws -> Finding {
        switch other {
        case .web(let url, let options): return try await look(at: url, options)
        case .mail(let server):
            let greeting = try await MailClient().check(server, timeout: timeout)
            if greeting.isLoggedIn, !greeting.isEncrypted { return .passwordInPlainText }
            return .mail(isEncrypted: greeting.isEncrypted, user: greeting.isLoggedIn ? server.username : nil)
        }
    }

    private func look(at url: Secret, _ options: TLSOptions) async throws -> Finding {
        // Scheme, host and port only: the path often holds a token.
        let origin = displayedOrigin(of: url)
        let isSecure = origin.hasPrefix("https://")
        let authority = origin.drop { $0 != "/" }.dropFirst(2)
        let (host, port) = Self.split(String(authority), standardPort: isSecure ? 443 : 80)
        guard isSecure else {
            _ = try await ConnectionCheck().tcp(host: host, port: port, timeout: timeout)
            return .reachable
        }
        let outcome = try await ConnectionCheck().tls(host: host, port: port, options: options, timeout: timeout)
        if let refusal = outcome.refusal { throw refusal }
        return .reachable
    }

    /// `host`, `host:port`, `[v6]:port`.
    static func split(_ authority: String, standardPort: Int) -> (host: String, port: Int) {
        let name = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        let port = Int(authority.dropFirst(name.count).drop { $0 == ":" }) ?? standardPort
        let bare = name.hasPrefix("[") ? name.dropFirst().dropLast() : name[...]
        return (String(bare), port)
    }
}

extension NotificationSettings {
    /// One look for each web address, and one for the mail server where a receiver needs it.
    public var looks: [ChannelLook] {
        var looks: [ChannelLook] = []
        for (name, receiver) in receivers.sorted(by: { $0.key < $1.key }) {
            for (index, hook) in receiver.webhook.enumerated() {
                let suffix = receiver.webhook.count > 1 ? "/\(index)" : ""
                looks.append(
                    ChannelLook(
                        name: "webhook/\(name)\(suffix)", .web(url: hook.url, hook.tls), timeout: hook.timeout))
            }
        }
        if let smtp, receivers.values.contains(where: { !$0.email.isEmpty }) {
            looks.append(ChannelLook(name: "smtp", .mail(smtp.server), timeout: smtp.timeout))
        }
        return looks
    }
}
