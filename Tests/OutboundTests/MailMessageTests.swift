import BinaryCoding
import Diagnostics
import Testing
import Units

@testable import Outbound

/// The wire form of a message: header fields that cannot be broken out of, and text that survives any server.
@Suite struct MailMessageTests {
    func message(_ subject: String, _ text: String, html: String? = nil) -> MailMessage {
        MailMessage(
            from: "Jaga <jaga@shop.example>", to: ["ops@shop.example"], subject: subject, text: text, html: html,
            date: Timestamp(millisecondsSinceEpoch: 1_767_225_600_000), messageID: "abc@shop.example")
    }

    @Test func `plain ASCII goes as it is, with date and id`() {
        let lines = message("[ALERT] shop - Down", "one\ntwo").wireText.split(
            separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.contains("Subject: [ALERT] shop - Down"))
        #expect(lines.contains("Date: Thu, 01 Jan 2026 00:00:00 +0000"))
        #expect(lines.contains("Message-ID: <abc@shop.example>"))
        #expect(lines.contains("From: Jaga <jaga@shop.example>"))
        #expect(lines.suffix(3) == ["one", "two", ""])
    }

    @Test func `a subject cannot add a header field`() {
        let wire = message("a\r\nBcc: evil@x.example", "").wireText
        #expect(wire.contains("Subject: a  Bcc: evil@x.example\r\n"))
        #expect(!wire.contains("\nBcc"))
    }

    @Test func `text in any script is encoded within 76 characters a line`() {
        let long = String(repeating: "cơ sở dữ liệu 数据库 ", count: 20)
        let wire = message(long, long, html: "<p>\(long)</p>").wireText
        #expect(wire.utf8.allSatisfy { $0 < 0x80 })
        #expect(wire.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(wire.contains("=?UTF-8?B?"))
    }

    @Test func `quoted-printable keeps spaces at the end, equals signs and long lines`() {
        #expect(MailMessage.quotedPrintable("a=b \né") == "a=3Db=20\r\n=C3=A9")
        let long = MailMessage.quotedPrintable(String(repeating: "x", count: 100))
        #expect(long == String(repeating: "x", count: 75) + "=\r\n" + String(repeating: "x", count: 25))
    }

    @Test(arguments: [
        ("a@b.example", "a@b.example"), ("Ani <ani@b.example>", "ani@b.example"), ("nobody", nil), ("a b@c", nil),
        ("@x", nil), ("x@", nil), ("a@b>\r\nRCPT TO:<evil@x", nil),
    ])
    func `addresses are found or refused`(text: String, address: String?) {
        #expect(MailMessage.address(in: text) == address)
    }

    @Test func `what a peer says is shown without our secrets and on one line`() {
        let said = redacting([Secret("pw1"), Secret("")], in: "535 bad\r\nlogin pw1 for pw1")
        #expect(said == "535 bad login <redacted> for <redacted>")
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
    func `base64 is that of RFC 4648`(text: String, encoded: String) {
        #expect(Base64.text(Array(text.utf8)) == encoded)
    }
}
