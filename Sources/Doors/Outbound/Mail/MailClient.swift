import BinaryCoding
import CLibcurl
public import Diagnostics
import Glibc

/// The mail server that takes messages from us.
public struct MailServer: Sendable, Hashable {
    public enum Security: String, Sendable, CaseIterable {
        /// STARTTLS, and nothing is sent without it.
        case starttls
        /// STARTTLS where the server offers it. With a password it is required all the same, since anybody on the way could
        /// otherwise take the offer out and read the password.
        case opportunistic
        /// TLS from the first byte (port 465).
        case tls
        /// Plain text, also with a password.
        case none
    }

    public var host: String
    public var port: Int
    public var security: Security
    public var username: String?
    public var password: Secret?
    /// The name in EHLO; the host's own when nil.
    public var clientName: String?
    public var tls: TLSOptions

    public init(
        host: String, port: Int, security: Security = .starttls, username: String? = nil, password: Secret? = nil,
        clientName: String? = nil, tls: TLSOptions = TLSOptions()
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.username = username
        self.password = password
        self.clientName = clientName
        self.tls = tls
    }
}

/// Sends mail by SMTP (RFC 5321), with STARTTLS (RFC 3207) and AUTH PLAIN or LOGIN (RFC 4954).
public struct MailClient: Sendable {
    public init() {}

    /// Hands `message` to `server`. When the call returns the server has answered 250 after the message and is responsible for it.
    /// - Throws: `OutboundError`; `mailRefused(code)` holds the server's reply, where 4xx may work later.
    public func send(_ message: MailMessage, through server: MailServer, timeout: Duration = .seconds(30)) async throws
    {
        try await blocking { stop in try deliver(message, server, timeout, stop) }
    }
}

private func deliver(_ message: MailMessage, _ server: MailServer, _ timeout: Duration, _ stop: StopFlag) throws {
    let scheme = server.security == .tls ? "smtps" : "smtp"
    let target = "\(scheme)://\(bracketed(server.host)):\(server.port)"
    func envelope(_ mailbox: String) throws -> String {
        guard let address = MailMessage.address(in: mailbox) else {
            throw OutboundError(.invalidRequest, target: target, detail: "'\(mailbox)' is not a mail address")
        }
        return "<\(address)>"
    }
    guard !message.to.isEmpty else {
        throw OutboundError(.invalidRequest, target: target, detail: "the message has no recipient")
    }
    let transfer = Transfer(stop: stop)
    let dialogue = Dialogue()
    transfer.onHeader = dialogue.take
    transfer.outgoing = Array(message.wireText.utf8)
    transfer.set(CURLOPT_URL, server.clientName.map { "\(target)/\($0)" } ?? target)
    transfer.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    transfer.set(CURLOPT_MAIL_FROM, try envelope(message.from))
    transfer.set(CURLOPT_MAIL_RCPT, list: try message.to.map(envelope))
    transfer.set(CURLOPT_UPLOAD, 1)
    transfer.set(CURLOPT_INFILESIZE_LARGE, offset: Int64(transfer.outgoing.count))
    transfer.limit(total: timeout, connect: timeout)
    transfer.judgePeer(by: server.tls)
    transfer.go(through: .none)
    switch server.security {
    case .starttls: transfer.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue))
    case .opportunistic:
        let needed = server.password == nil ? CURLUSESSL_TRY : CURLUSESSL_ALL
        transfer.set(CURLOPT_USE_SSL, Int(needed.rawValue))
    case .tls, .none: break
    }
    if let username = server.username { transfer.set(CURLOPT_USERNAME, username) }
    if let password = server.password { transfer.set(CURLOPT_PASSWORD, password.reveal()) }

    let code = transfer.perform()
    guard code != CURLE_OK else { return }
    throw explained(transfer, code, server, dialogue, target)
}

/// libcurl reports a refusal as a failed send or an odd reply; the server's own code and words say more.
private func explained(
    _ transfer: Transfer, _ code: CURLcode, _ server: MailServer, _ dialogue: Dialogue, _ target: String
) -> any Error {
    let secrets = secretForms(of: server)
    guard let failure = transfer.failure(code, target: target, secrets: secrets) as? OutboundError else {
        return CancellationError()
    }
    let reply = dialogue.lastReply
    switch failure.code {
    case .loginRefused:
        // 4xx here (454, 421) is a server in trouble, not a wrong password.
        guard let reply, reply.code >= 400 else { return failure }
        let said = redacting(secrets, in: reply.text)
        let isTransient = reply.code < 500
        return OutboundError(
            isTransient ? .mailRefused(reply.code) : .loginRefused, target: target, detail: said,
            timings: failure.timings)
    case .connectionLost, .other:
        guard let reply, reply.code >= 400 else { return failure }
        return OutboundError(
            .mailRefused(reply.code), target: target, detail: redacting(secrets, in: reply.text),
            timings: failure.timings)
    default: return failure
    }
}

/// The password as it could come back in a server's words: plain, and in the base64 of AUTH LOGIN and AUTH PLAIN.
private func secretForms(of server: MailServer) -> [Secret] {
    guard let password = server.password?.reveal(), !password.isEmpty else { return [] }
    let plain = "\0\(server.username ?? "")\0\(password)"
    return [Secret(Base64.text(Array(plain.utf8))), Secret(Base64.text(Array(password.utf8))), Secret(password)]
}

/// Remembers the server's last reply.
private final class Dialogue {
    private(set) var lastReply: (code: Int, text: String)?

    func take(_ line: String) {
        guard let code = Int(line.prefix(3)), (200..<600).contains(code) else { return }
        let text = line.filter { !$0.isNewline }
        lastReply = (code, String(text.prefix(300)))
    }
}
