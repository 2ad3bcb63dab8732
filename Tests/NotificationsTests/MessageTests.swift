import Diagnostics
import JSONCoding
import Outbound
import Settings
import Testing
import Units

@testable import Notifications

/// What receivers get to read: Alertmanager's JSON, subject and bodies of mails; and the settings as a person writes them.
@Suite struct MessageTests {
    let delivery = Delivery(
        id: "id-1", request: exampleRequest(firing: 1, resolved: 1),
        queuedAt: Timestamp(millisecondsSinceEpoch: 1_767_225_600_000), site: "shop", externalURL: "http://jaga/")

    @Test func `the webhook's JSON is Alertmanager's version 4`() throws {
        let json = WebhookChannel.payload(of: delivery)
        #expect(json["version"] == "4")
        #expect(json["status"] == "firing")
        #expect(json["receiver"] == "ops")
        #expect(json["groupLabels"] == ["alertname": "DatabaseDown"])
        #expect(json["commonLabels"] == ["alertname": "DatabaseDown", "severity": "critical"])
        #expect(json["commonAnnotations"] == ["summary": "The database <main> is down"])
        #expect(json["truncatedAlerts"] == 0)
        #expect(json["externalURL"] == "http://jaga/")
        #expect(
            Set(json.objectValue?.keys ?? [:].keys) == [
                "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
                "commonAnnotations", "externalURL", "alerts",
            ])
        let alert = try #require(json["alerts"]?[0])
        #expect(alert["startsAt"] == "2026-01-01T00:00:00Z")
        #expect(alert["endsAt"] == "0001-01-01T00:00:00Z")
        #expect(json["alerts"]?[1]?["endsAt"] == "2026-01-01T00:05:00Z")
    }

    @Test func `the stored form gives the request back`() {
        #expect(NotificationRequest(json: delivery.request.json) == delivery.request)
        #expect(NotificationRequest(json: ["receiver": "x"]) == nil)
    }

    @Test func `a large group keeps those that fire and counts the rest`() {
        let request = exampleRequest(firing: 90, resolved: 40)
        #expect(request.alerts.count == 100)
        #expect(request.truncatedAlertCount == 30)
        #expect(request.alerts.prefix(90).allSatisfy { $0.status == .firing })
        #expect(NotificationRequest(json: request.json) == request)
    }

    @Test func `the subject names site and alert`() {
        #expect(MessageTexts.subject(delivery.request, site: "shop") == "[ALERT] shop - DatabaseDown")
        #expect(
            MessageTexts.subject(exampleRequest(firing: 0, resolved: 2), site: "shop")
                == "[RESOLVED] shop - DatabaseDown")
    }

    @Test func `the body lists each alert with summary and description, and HTML is escaped`() {
        let text = EmailBody.text(delivery)
        #expect(text.hasPrefix("1 alert firing at shop, 1 resolved.\n"))
        #expect(
            text.contains("DatabaseDown (critical) - firing\n  The database <main> is down\n  Instance db0 is gone"))
        #expect(text.contains("Since: 2026-01-01T00:00:00Z"))
        #expect(text.contains("Labels: instance=db0"))
        let html = EmailBody.html(delivery)
        #expect(html.contains("The database &lt;main&gt; is down"))
        #expect(!html.contains("<main>"))
    }

    @Test func `the HMAC is that of RFC 4231`() {
        // Test case 2.
        let code = WebhookChannel.signature(of: Array("what do ya want for nothing?".utf8), key: Secret("Jefe"))
        #expect(code == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test(arguments: [
        (408, true), (429, true), (500, true), (503, true), (302, true), (400, false), (401, false), (404, false),
        (410, false),
    ])
    func `which statuses are worth another try`(status: Int, isTransient: Bool) {
        #expect(NotificationError(.refused(status: status)).isTransient == isTransient)
    }

    @Test func `settings are read with their secrets`() throws {
        let sources = SettingsSources(environment: { "planted-\($0)" }, readFile: { _ in "" })
        let reading = try SettingsDocument.read(
            """
            receivers:
              ops:
                webhook: [{url: "http://h/${A}", bearer_token: "${B}", hmac_key: "${C}"}]
                email: [{to: [a@b.example, "Ops <c@d.example>"]}]
              nobody: {}
            smtp: {host: mail.example, port: 465, security: tls, username: u, password: "${D}", from: "Jaga <j@b.example>"}
            """, file: "jaga.yaml", sources: sources, as: NotificationSettings.self)
        let settings = reading.section
        #expect(settings.receivers["ops"]?.channelNames == ["webhook/0", "email/0"])
        #expect(settings.receivers["ops"]?.webhook[0].credentials == .bearer(Secret("planted-B")))
        #expect(settings.receivers["nobody"]?.channelNames == [])
        #expect(settings.smtp?.server.security == .tls)
        #expect(!"\(settings)".contains("planted"))
        #expect(!"\(reading.values)".contains("planted"))
    }

    @Test(arguments: [
        ("receivers: {ops: {email: [{to: a@b.example}]}}", "there is no section 'smtp'"),
        ("receivers: {ops: {email: [{to: nobody}]}}\nsmtp: {}", "'nobody' is not a mail address"),
        ("receivers: {ops: {webhook: [{}]}}", "'url' is missing"),
        ("smtp: {security: startls}", "did you mean 'starttls'?"),
        ("smtp: {username: a}", "'password' is missing"),
    ])
    func `a fault is named with its fix`(yaml: String, message: String) throws {
        let error = try #require(throws: InvalidInput.self) {
            try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: NotificationSettings.self)
        }
        #expect(error.summary.contains(message), "\(error.summary)")
    }
}

func exampleRequest(
    firing: Int, resolved: Int, receiver: String = "ops", group: String = "{}:{alertname=\"DatabaseDown\"}"
) -> NotificationRequest {
    let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
    let alerts = (0..<firing + resolved).map { index in
        NotificationRequest.Alert(
            status: index < firing ? .firing : .resolved,
            labels: ["alertname": "DatabaseDown", "severity": "critical", "instance": "db\(index)"],
            annotations: ["summary": "The database <main> is down", "description": "Instance db\(index) is gone"],
            startsAt: start, endsAt: index < firing ? nil : start + .seconds(300), fingerprint: "f\(index)")
    }
    return NotificationRequest(
        receiver: receiver, groupKey: group, groupLabels: ["alertname": "DatabaseDown"], alerts: alerts)
}
