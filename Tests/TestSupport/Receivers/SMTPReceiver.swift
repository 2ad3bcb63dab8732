import JSONCoding
public import SampleStack

/// A real mail server (aiosmtpd) that keeps what it is sent.
public final class SMTPReceiver: Sendable {
    public struct Message: Sendable {
        public let from: String
        public let to: [String]
        /// Whether it came over TLS.
        public let isEncrypted: Bool
        /// Who had logged in.
        public let user: String?
        /// Headers and body as they came, lines ending in CR LF.
        public let data: String
    }

    public struct Options: Sendable {
        /// Whether mail is taken only after STARTTLS. The certificate is for `localhost` and 127.0.0.1.
        public var usesTLS: Bool
        /// Whether, and as whom, one has to log in.
        public var login: (user: String, password: String)?
        public var port: Int?

        public init(usesTLS: Bool = true, login: (user: String, password: String)? = nil, port: Int? = nil) {
            self.usesTLS = usesTLS
            self.login = login
            self.port = port
        }
    }

    private let receiver: Receiver
    /// Its authority is itself: what a client must trust. Nil without TLS.
    public let certificatePath: String?
    private let certificate: TestCertificate?
    /// For pausing and killing.
    public var server: ProgramServer { receiver.server }
    public var port: Int { receiver.server.port }

    private init(_ receiver: Receiver, _ certificate: TestCertificate?) {
        self.receiver = receiver
        self.certificate = certificate
        certificatePath = certificate?.chainPath
    }

    public static func start(_ options: Options = Options()) async throws -> SMTPReceiver {
        let certificate = options.usesTLS ? try await TestCertificate.make() : nil
        var receiverSettings: [String: String] = [:]
        if let certificate {
            receiverSettings["certificate"] = certificate.chainPath
            receiverSettings["key"] = certificate.keyPath
        }
        if let login = options.login { receiverSettings["user"] = login.user }
        let receiver = try await Receiver(
            "smtp", python: findPython(), script: ReceiverScripts.smtp,
            settings: receiverSettings.mapValues { .string($0) },
            environment: ["SMTP_PASSWORD": options.login?.password ?? ""], port: options.port)
        return SMTPReceiver(receiver, certificate)
    }

    public func behave(_ behaviour: ReceiverBehaviour) throws { try receiver.behave(behaviour) }

    /// All messages that were taken, oldest first.
    public func messages() throws -> [Message] {
        try receiver.received().map { json in
            Message(
                from: json["from"]?.stringValue ?? "", to: json["to"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                isEncrypted: json["tls"]?.boolValue ?? false, user: json["user"]?.stringValue,
                data: json["data"]?.stringValue ?? "")
        }
    }

    /// Waits until there are at least `count` messages.
    public func waitForMessages(_ count: Int = 1, timeout: Duration = .seconds(60)) async throws -> [Message] {
        try await waitFor("\(count) mails", timeout: timeout) {
            let messages = try messages()
            return messages.count >= count ? messages : nil
        }
    }

    public func stop() async {
        await receiver.server.stop()
        receiver.folder.remove()
    }
}
