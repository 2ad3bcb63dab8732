import Diagnostics
import Outbound
import TestSupport
import Testing
import Units

@testable import Notifications

/// Goal: `jaga check` says what a message would run into, and sends none. Method: a real SMTP server and real ports.
@Suite(.serialized) struct ChannelLookTests {
    private func look(
        _ server: MailServerProcess, _ security: MailServer.Security, certificates: TestCertificates? = nil,
        password: String? = nil
    ) throws -> ChannelLook {
        let tls = TLSOptions(authorityFile: certificates?.path("ca.pem"))
        let settings = NotificationSettings(
            receivers: ["ops": ReceiverSettings(email: [EmailSettings(to: ["ops@shop.example"])])],
            smtp: MailServerSettings(
                server: MailServer(
                    host: "localhost", port: server.port, security: security,
                    username: password == nil ? nil : MailServerProcess.username, password: password.map { Secret($0) },
                    tls: tls), from: "jaga@shop.example", timeout: .seconds(60)))
        return try #require(settings.looks.first { $0.name == "smtp" })
    }

    private func refusal(_ look: ChannelLook) async -> OutboundError? {
        await #expect(throws: OutboundError.self) { try await look.run() }
    }

    @Test func `a server with STARTTLS and a login lets us in, and gets no message`() async throws {
        let certificates = try TestCertificates()
        let server = try MailServerProcess(.secured, certificates: certificates)
        defer { server.remove() }
        let good = try look(server, .starttls, certificates: certificates, password: MailServerProcess.password)
        #expect(try await good.run() == .mail(isEncrypted: true, user: MailServerProcess.username))
        let wrong = try look(server, .starttls, certificates: certificates, password: "wrong-password")
        let error = await refusal(wrong)
        #expect(error?.code == .loginRefused && error?.oneLine.contains("wrong-password") == false)
        #expect(await refusal(try look(server, .starttls, password: MailServerProcess.password))?.code == .certificate)
        #expect(server.offered() == 0)
        #expect(try server.messages().isEmpty)
    }

    @Test func `a server without STARTTLS or without a login is found out`() async throws {
        let server = try MailServerProcess(.plain)
        defer { server.remove() }
        #expect(try await look(server, .none).run() == .mail(isEncrypted: false, user: nil))
        #expect(try await look(server, .opportunistic).run() == .mail(isEncrypted: false, user: nil))
        #expect(await refusal(try look(server, .starttls))?.code == .unsupported)
        #expect(await refusal(try look(server, .none, password: "x"))?.code == .loginRefused)
    }

    @Test func `a web address is connected to and not posted to`() async throws {
        let server = try MailServerProcess(.plain)
        defer { server.remove() }
        func look(_ urls: String...) -> [ChannelLook] {
            NotificationSettings(
                receivers: ["ops": ReceiverSettings(webhook: urls.map { WebhookSettings(url: Secret($0)) })]
            ).looks
        }
        let looks = look("http://127.0.0.1:\(server.port)/secret-path", "http://127.0.0.1:1/secret-path")
        #expect(looks.map(\.name) == ["webhook/ops/0", "webhook/ops/1"])
        #expect(try await looks[0].run() == .reachable)
        let error = await refusal(looks[1])
        #expect(error?.code == .connectionRefused && error?.oneLine.contains("secret-path") == false)
        #expect(look("http://a/").map(\.name) == ["webhook/ops"])
    }

    @Test(arguments: [
        ("example.org", "example.org", 443), ("example.org:8443", "example.org", 8443), ("[::1]", "::1", 443),
        ("[::1]:80", "::1", 80),
    ])
    func `an authority is split`(text: String, host: String, port: Int) {
        let parts = ChannelLook.split(text, standardPort: 443)
        #expect(parts.host == host && parts.port == port)
    }

    @Test func `without mailboxes the mail server is not looked at`() {
        let server = MailServerSettings(server: MailServer(host: "x", port: 1), from: "a@b.example")
        #expect(NotificationSettings(receivers: [:], smtp: server).looks.isEmpty)
    }
}
