import Texts

/// The sentences of a message that need a choice; their words are those of `MessageText`.
enum MessageTexts {
    static func subject(_ request: NotificationRequest, site: String, in language: Language = .english) -> String {
        Phrases<MessageText>(language)(
            request.status == .firing ? .subjectFiring : .subjectResolved,
            ["site": site, "title": request.title(in: language)])
    }

    static func opening(_ delivery: Delivery) -> String {
        let firing = delivery.request.alerts.count { $0.status == .firing }
        let resolved = delivery.request.alerts.count - firing
        let key: MessageText = firing == 0 ? .openingResolved : resolved == 0 ? .openingFiring : .openingMixed
        return delivery.phrases(key, ["firing": firing, "resolved": resolved, "site": delivery.site])
    }

    static func footer(_ delivery: Delivery) -> String {
        (delivery.externalURL.isEmpty ? "" : "\(delivery.externalURL)\n")
            + delivery.phrases(.sentBy, ["id": delivery.id])
    }
}
