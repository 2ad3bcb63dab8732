import JSONCoding
import Events
import Texts
import WebAPI

/// Entries of the ledger as sentences.
struct DemoStory {
    let language: Language
    private var t: Phrases<DemoText> { Phrases(language) }

    /// Nil for entries that say nothing to a newcomer.
    func line(_ event: Event) -> String? {
        func text(_ key: String) -> String { event.payload[key]?.stringValue ?? "" }
        let summary = event.payload["annotations"]?["summary"]?.stringValue ?? ""
        let name = event.subject.split(separator: "/").last.map(String.init) ?? event.subject
        switch event.kind {
        case .alertPending: return t(.alertPending, ["name": name, "summary": summary])
        case .alertFired: return t(.alertFired, ["name": name, "summary": summary])
        case .alertResolved: return t(.alertResolved, ["name": name])
        case .notificationQueued:
            let word = AlertStatus.State(rawValue: text("status")).map { t.of(StateText.self)[$0.word] }
            return t(.messageQueued, ["status": word ?? text("status"), "receiver": text("receiver")])
        case .notificationDelivered:
            return t(.messageSent, ["receiver": text("receiver"), "channel": text("channel")])
        case .backupCompleted: return t(.backupTaken, ["name": name])
        case .drillPassed: return t(.drillPassed, ["name": name])
        case .backupFailed: return t(.backupFailed, ["name": name, "reason": text("reason")])
        case .drillFailed: return t(.drillFailed, ["name": name, "reason": text("reason")])
        default: return nil
        }
    }
}
