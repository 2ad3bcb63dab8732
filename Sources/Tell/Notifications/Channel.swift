import Texts
import Units

/// What every channel needs beside its own settings.
struct Delivery: Sendable {
    /// Derived once when the message was queued, the same at each attempt: a receiver can see a duplicate as such.
    var id: String
    var request: NotificationRequest
    var queuedAt: Timestamp
    /// What the messages call this installation.
    var site: String
    /// Where people find Jaga's pages; may be empty.
    var externalURL: String
    var language = Language.english

    var phrases: Phrases<MessageText> { Phrases(language) }
}

/// One way to a receiver. `send` returns when the other side has taken the message over.
protocol Channel: Sendable {
    /// - Throws: `OutboundError` or `NotificationError`.
    func send(_ delivery: Delivery) async throws
}

extension NotificationSettings {
    /// - Throws: `NotificationError` when the settings no longer have the channel.
    func channel(_ name: String, of receiver: String) throws -> any Channel {
        guard let settings = receivers[receiver] else { throw NotificationError(.unknownReceiver(receiver)) }
        let parts = name.split(separator: "/")
        let index = parts.count == 2 ? Int(parts[1]) ?? -1 : -1
        switch parts.first {
        case "webhook" where settings.webhook.indices.contains(index):
            return WebhookChannel(settings: settings.webhook[index])
        case "email" where settings.email.indices.contains(index):
            guard let smtp else { throw NotificationError(.noMailServer) }
            return EmailChannel(settings: settings.email[index], mail: smtp)
        default: throw NotificationError(.unknownChannel(name))
        }
    }

    /// The channels that `request` goes to.
    func channelNames(for request: NotificationRequest) -> [String] {
        // A message to a receiver that does not exist is queued and then given up where everybody can see it.
        guard let settings = receivers[request.receiver] else { return ["none/0"] }
        guard request.status == .resolved else { return settings.channelNames }
        return settings.webhook.indices.filter { settings.webhook[$0].sendsResolved }.map { "webhook/\($0)" }
            + settings.email.indices.filter { settings.email[$0].sendsResolved }.map { "email/\($0)" }
    }
}
