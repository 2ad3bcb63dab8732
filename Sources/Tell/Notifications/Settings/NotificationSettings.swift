public import Diagnostics
public import Outbound
public import Settings

/// Who can be told, and through which mail server: the keys `receivers` and `smtp` at the top of the file.
public struct NotificationSettings: SettingsSection, Sendable {
    public let receivers: [String: ReceiverSettings]
    public let smtp: MailServerSettings?

    public init(receivers: [String: ReceiverSettings] = [:], smtp: MailServerSettings? = nil) {
        self.receivers = receivers
        self.smtp = smtp
    }

    public init(_ s: SettingsReader) {
        let map = s.map("receivers", of: ReceiverSettings.self, "Who can be told, by name.")
        receivers = Dictionary(map.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        smtp = s.optionalSection("smtp", MailServerSettings.self, "The mail server that takes our messages.")
        if smtp == nil, receivers.values.contains(where: { !$0.email.isEmpty }) {
            s.fault("receivers", "has an e-mail channel, and there is no section 'smtp' to send it through")
        }
    }
}

/// One receiver: every channel gets every message. A receiver without channels is told nothing.
public struct ReceiverSettings: SettingsSection, Sendable {
    public let webhook: [WebhookSettings]
    public let email: [EmailSettings]

    public init(webhook: [WebhookSettings] = [], email: [EmailSettings] = []) {
        self.webhook = webhook
        self.email = email
    }

    public init(_ s: SettingsReader) {
        webhook = s.list("webhook", of: WebhookSettings.self, "Web addresses that get Alertmanager's JSON.")
        email = s.list("email", of: EmailSettings.self, "Mailboxes.")
    }

    /// `webhook/0`, `email/1`: the kind and the place in its list.
    var channelNames: [String] {
        webhook.indices.map { "webhook/\($0)" } + email.indices.map { "email/\($0)" }
    }
}

/// One web address.
public struct WebhookSettings: SettingsSection, Sendable {
    /// Often holds a token, so it is kept like a password.
    public let url: Secret
    public let credentials: Credentials?
    public let hmacKey: Secret?
    public let timeout: Duration
    public let sendsResolved: Bool
    public let tls: TLSOptions

    public init(
        url: Secret, credentials: Credentials? = nil, hmacKey: Secret? = nil, timeout: Duration = .seconds(10),
        sendsResolved: Bool = true, tls: TLSOptions = TLSOptions()
    ) {
        self.url = url
        self.credentials = credentials
        self.hmacKey = hmacKey
        self.timeout = timeout
        self.sendsResolved = sendsResolved
        self.tls = tls
    }

    public init(_ s: SettingsReader) {
        let address = s.secret(
            "url", "The http or https address to post to; kept like a password, since many hold a token.")
        url = address ?? Secret("")
        if address == nil, !s.isPresent("url") { s.fault(nil, "'url' is missing") }
        if let text = address?.reveal(), !text.hasPrefix("http://"), !text.hasPrefix("https://") {
            s.fault("url", "is not a web address; begin it with http:// or https://")
        }
        let token = s.secret("bearer_token", "A token for the header 'Authorization: Bearer'.")
        let user = s.optionalText("username", "A user name for basic authentication.")
        let password = s.secret("password", "The password that goes with the user name.")
        credentials = token.map { .bearer($0) } ?? user.map { .basic(user: $0, password: password ?? Secret("")) }
        hmacKey = s.secret(
            "hmac_key", "A key; the header X-Jaga-Signature then holds 'sha256=' and the HMAC-SHA256 of the body.")
        timeout = s.duration(
            "timeout", default: .seconds(10), atLeast: .milliseconds(100), "How long a delivery may take.")
        sendsResolved = s.boolean("send_resolved", default: true, "Whether to tell that alerts have ended.")
        let authorityFile = s.optionalText(
            "ca_file", "A PEM file with the authorities to trust instead of the system's.")
        tls = TLSOptions(authorityFile: authorityFile)
    }
}

/// One message by mail, to one or more mailboxes.
public struct EmailSettings: SettingsSection, Sendable {
    public let to: [String]
    public let sendsResolved: Bool

    public init(to: [String], sendsResolved: Bool = true) {
        self.to = to
        self.sendsResolved = sendsResolved
    }

    public init(_ s: SettingsReader) {
        to = s.texts("to", "Mailboxes, as in ops@shop.example or Ops <ops@shop.example>.")
        sendsResolved = s.boolean("send_resolved", default: true, "Whether to tell that alerts have ended.")
        if to.isEmpty { s.fault(nil, "'to' is missing") }
        for mailbox in to where MailMessage.address(in: mailbox) == nil {
            s.fault("to", "'\(mailbox)' is not a mail address")
        }
    }
}

/// The section `smtp`.
public struct MailServerSettings: SettingsSection, Sendable {
    public let server: MailServer
    /// The sender, also of the envelope.
    public let from: String
    public let timeout: Duration

    public init(server: MailServer, from: String, timeout: Duration = .seconds(30)) {
        self.server = server
        self.from = from
        self.timeout = timeout
    }

    public init(_ s: SettingsReader) {
        let host = s.text("host", default: "localhost", "The mail server's name or address.")
        let port = s.integer("port", default: 587, in: 1...65_535, "The mail server's port.")
        let security = s.choice(
            "security", default: MailServer.Security.starttls,
            "starttls: TLS or nothing; opportunistic: TLS where offered, and always with a password; tls: from the first byte"
                + " (port 465); none: plain text.")
        let username = s.optionalText("username", "The user name, where the server wants one.")
        let password = s.secret("password", "The password that goes with the user name.")
        let authorityFile = s.optionalText(
            "ca_file", "A PEM file with the authorities to trust instead of the system's.")
        let clientName = s.optionalText("hello", "The name to introduce ourselves with; the host's own unless given.")
        from = s.text("from", default: "jaga@localhost", "The sender, as in Jaga <jaga@shop.example>.")
        timeout = s.duration("timeout", default: .seconds(30), atLeast: .seconds(1), "How long one delivery may take.")
        server = MailServer(
            host: host, port: port, security: security, username: username, password: password, clientName: clientName,
            tls: TLSOptions(authorityFile: authorityFile))
        if MailMessage.address(in: from) == nil { s.fault("from", "'\(from)' is not a mail address") }
        // A password that is there and could not be had has its fault already.
        if username != nil, password == nil, !s.isPresent("password") {
            s.fault(nil, "'username' is set and 'password' is missing")
        }
        if password != nil, security == .none {
            s.warning("security", "the password goes over the network in plain text; use starttls or tls")
        }
    }
}
