extension MessageText {
    public var english: String {
        switch self {
        case .alertCount: "{count} {count?alert|alerts}"
        case .ended: "Ended"
        case .firing: "firing"
        case .labels: "Labels"
        case .openingFiring: "{firing} {firing?alert|alerts} firing at {site}."
        case .openingMixed: "{firing} {firing?alert|alerts} firing at {site}, {resolved} resolved."
        case .openingResolved: "{resolved} {resolved?alert|alerts} resolved at {site}."
        case .resolved: "resolved"
        case .sentBy: "Sent by Jaga, message {id}."
        case .since: "Since"
        case .subjectFiring: "[ALERT] {site} - {title}"
        case .subjectResolved: "[RESOLVED] {site} - {title}"
        case .testDescription:
            "Somebody asked Jaga to send it, to see whether this channel works. Nothing is wrong."
        case .testSummary: "This is a test message"
        case .truncated: "{count} {count?alert|alerts} more are not listed here."
        }
    }
}
