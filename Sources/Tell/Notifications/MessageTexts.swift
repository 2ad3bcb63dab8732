import Units

/// Every text of a message that a person reads, in one place.
enum MessageTexts {
    static func alertCount(_ count: Int) -> String { count == 1 ? "1 alert" : "\(count) alerts" }

    static func subject(_ request: NotificationRequest, site: String) -> String {
        let tag = request.status == .firing ? "[ALERT]" : "[RESOLVED]"
        return "\(tag) \(site) - \(request.title)"
    }

    static func opening(_ request: NotificationRequest, site: String) -> String {
        let firing = request.alerts.count { $0.status == .firing }
        let resolved = request.alerts.count - firing
        if firing == 0 { return "\(alertCount(resolved)) resolved at \(site)." }
        let open = "\(alertCount(firing)) firing at \(site)"
        return resolved == 0 ? "\(open)." : "\(open), \(resolved) resolved."
    }

    static func truncated(_ count: Int) -> String { "\(alertCount(count)) more are not listed here." }

    static let firing = "firing"
    static let resolved = "resolved"
    static let since = "Since"
    static let ended = "Ended"
    static let labels = "Labels"

    static func footer(externalURL: String, id: String) -> String {
        (externalURL.isEmpty ? "" : "\(externalURL)\n") + "Sent by Jaga, message \(id)."
    }

    static let testSummary = "This is a test message"
    static let testDescription = "Somebody asked Jaga to send it, to see whether this channel works. Nothing is wrong."
}
