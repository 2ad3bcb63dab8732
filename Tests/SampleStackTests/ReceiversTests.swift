import JSONCoding
import SampleStack
import TestSupport
import Testing

/// Goal: the far ends of notifications and the browser do what tests believe of them.
/// Method: each is used once by other means than Jaga's.
@Suite struct ReceiversTests {
    @Test func `a webhook receiver refuses as told and keeps what it was sent`() async throws {
        let receiver = try await WebhookReceiver.start()
        try receiver.behave(ReceiverBehaviour(failFirst: 1, answer: "503"))
        let port = receiver.server.port
        #expect(try await Loopback.request(port: port, "POST", "/hook", body: "{\"n\":1}").status == 503)
        #expect(try await Loopback.request(port: port, "POST", "/hook", body: "{\"n\":2}").status == 200)
        let accepted = try await receiver.waitForAccepted()
        #expect(accepted.map { $0.json["n"]?.intValue } == [2])
        #expect(try receiver.requests().map(\.status) == [503, 200])
        await receiver.stop()
    }

    @Test(.enabled(if: environment("JAGA_TEST_PYTHON") != nil, "aiosmtpd is installed by scripts/test"))
    func `a mail receiver takes mail over tls from who may log in, after the refusals it was told`() async throws {
        let receiver = try await SMTPReceiver.start(.init(login: ("jaga", "s3cret")))
        try receiver.behave(ReceiverBehaviour(failFirst: 1, answer: "451 4.3.0 try again later"))
        let folder = try TemporaryFolder("mail")
        try writeText("Subject: test\r\n\r\nhello\r\n", to: folder.file("mail.txt"))
        func send(_ password: String) async throws -> Int32 {
            try await runProgram([
                "/usr/bin/curl", "-s", "--ssl-reqd", "--cacert", receiver.certificatePath!, "--url",
                "smtp://localhost:\(receiver.port)", "--user", "jaga:\(password)", "--mail-from", "jaga@example.org",
                "--mail-rcpt", "ani@example.org", "--upload-file", folder.file("mail.txt"),
            ]).status
        }
        #expect(try await send("wrong") != 0)
        #expect(try await send("s3cret") != 0)
        #expect(try await send("s3cret") == 0)
        let mail = try #require(try await receiver.waitForMessages().first)
        #expect(mail.isEncrypted)
        #expect(mail.user == "jaga")
        #expect(mail.to == ["ani@example.org"])
        #expect(mail.data.contains("hello"))
        await receiver.stop()
    }

    @Test func `the browser runs scripts, carries cookies and takes pictures`() async throws {
        let folder = try StackFolder()
        let script =
            "location /page { default_type text/html; return 200 '<p id=p>$http_cookie</p><script>p.append(1+1)</script>'; }"
        let nginx = try await NginxServer.start(in: folder.path, .init(serverDirectives: script))
        let picture = "\(folder.path)/page.png"
        let html = try await Chromium().visit(
            nginx.url + "/page", cookies: ["session": "abc"], until: "document.body.innerText.includes('2')",
            screenshot: picture)
        #expect(html.contains("<p id=\"p\">session=abc2</p>"))
        #expect(try readText(picture).count > 1000)
        await nginx.stop()
    }
}
