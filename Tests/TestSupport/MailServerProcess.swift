public import Foundation

/// A real SMTP server (aiosmtpd from PyPI) with STARTTLS and AUTH, which writes every message that it takes into a folder.
///
/// `JAGA_TEST_PYTHON` names a Python that has aiosmtpd; without it `python3` is asked.
public struct MailServerProcess {
    public let server: LoopbackServer
    public let folder: URL
    public static let username = "jaga"
    public static let password = "planted-mail-password"

    public var port: Int { server.port }

    public enum Mode: String {
        /// STARTTLS and AUTH must come before a message.
        case secured
        case plain
    }

    /// - Parameters:
    ///   - certificates: needed for `secured`.
    ///   - refusals: each message is answered with these in turn, as in `["451 later", "550 never"]`, and then taken.
    public init(
        _ mode: Mode, certificates: TestCertificates? = nil, refusals: [String] = [], name: String = "good"
    ) throws {
        folder = try LastingFolder.make("jaga mail ")
        server = try LoopbackServer(
            mailScript,
            [
                mode.rawValue, folder.path(percentEncoded: false), certificates?.path("\(name).pem") ?? "",
                certificates?.path("\(name).key") ?? "", Self.username, Self.password, refusals.joined(separator: "|"),
            ], python: environment("JAGA_TEST_PYTHON") ?? "python3")
    }

    /// What was taken, oldest first: the envelope's lines `from:` and `to:`, an empty line, the message.
    public func messages() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
            .filter { $0.hasSuffix(".eml") }.sorted()
            .map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
    }

    /// How many messages were offered, those that were refused among them.
    public func offered() -> Int {
        (try? String(contentsOf: folder.appending(path: "offered"), encoding: .utf8)).flatMap { Int($0) } ?? 0
    }

    public func remove() { LastingFolder.remove(folder) }
}

private let mailScript = #"""
    import asyncio, os, ssl, sys
    from aiosmtpd.smtp import SMTP, AuthResult
    mode, folder, certificate, key, user, password, refusals = sys.argv[1:8]
    refusals = [r for r in refusals.split('|') if r]
    offered = 0
    class Handler:
        async def handle_DATA(self, server, session, envelope):
            global offered
            offered += 1
            with open(folder + '/offered', 'w') as f: f.write(str(offered))
            if refusals: return refusals.pop(0)
            text = f'from:{envelope.mail_from}\n' + ''.join(f'to:{r}\n' for r in envelope.rcpt_tos) + '\n'
            name = f'{folder}/{offered:06d}'
            with open(name, 'w', newline='') as f: f.write(text + envelope.content.decode())
            os.rename(name, name + '.eml')
            return '250 taken'
    def login(server, session, envelope, mechanism, data):
        good = data.login.decode() == user and data.password.decode() == password
        return AuthResult(success=good, handled=False)
    def make():
        if mode == 'plain': return SMTP(Handler(), hostname='mail.test')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return SMTP(Handler(), hostname='mail.test', tls_context=context, require_starttls=True,
                    authenticator=login, auth_required=True, auth_require_tls=True)
    async def main():
        server = await asyncio.get_running_loop().create_server(make, '127.0.0.1', 0)
        print(server.sockets[0].getsockname()[1], os.getpid())
        await server.serve_forever()
    asyncio.run(main())
    """#
