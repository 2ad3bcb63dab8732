import Outbound

/// Sends a text with an HTML twin through the mail server of the settings.
struct EmailChannel: Channel {
    let settings: EmailSettings
    let mail: MailServerSettings

    func send(_ delivery: Delivery) async throws {
        try await MailClient().send(message(for: delivery), through: mail.server, timeout: mail.timeout)
    }

    func message(for delivery: Delivery) -> MailMessage {
        let domain = MailMessage.address(in: mail.from)?.split(separator: "@").last.map(String.init) ?? "localhost"
        let request = delivery.request
        return MailMessage(
            from: mail.from, to: settings.to,
            subject: MessageTexts.subject(request, site: delivery.site, in: delivery.language),
            text: EmailBody.text(delivery), html: EmailBody.html(delivery), date: delivery.queuedAt,
            messageID: "\(delivery.id)@\(domain)", extraFields: [.init("X-Jaga-Notification", delivery.id)])
    }
}
