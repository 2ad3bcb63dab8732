import Texts
import Units

/// The two forms of a mail's body. Values come from labels and annotations, so HTML is escaped throughout.
enum EmailBody {
    static func text(_ delivery: Delivery) -> String {
        let request = delivery.request
        var lines = [MessageTexts.opening(delivery), ""]
        for alert in request.alerts {
            lines.append("\(heading(alert)) - \(delivery.phrases[word(alert.status)])")
            if let summary = alert.annotations["summary"] { lines.append("  \(summary)") }
            if let description = alert.annotations["description"] { lines.append("  \(description)") }
            for (name, value) in facts(alert, delivery.phrases) { lines.append("  \(name): \(value)") }
            lines.append("")
        }
        if request.truncatedAlertCount > 0 {
            lines += [delivery.phrases(.truncated, ["count": request.truncatedAlertCount]), ""]
        }
        lines.append(MessageTexts.footer(delivery))
        return lines.joined(separator: "\n")
    }

    static func html(_ delivery: Delivery) -> String {
        let request = delivery.request
        var html = "<!doctype html><html><body style=\"font-family:sans-serif\"><p>"
        html += escaped(MessageTexts.opening(delivery)) + "</p>\n"
        for alert in request.alerts {
            let colour = alert.status == .firing ? "#b00020" : "#1b7f3b"
            html += "<div style=\"border-left:4px solid \(colour);padding-left:12px;margin:0 0 16px\">\n"
            html += "<b>\(escaped(heading(alert)))</b> - \(delivery.phrases[word(alert.status)])<br>\n"
            for key in ["summary", "description"] {
                if let text = alert.annotations[key] { html += escaped(text) + "<br>\n" }
            }
            let small = facts(alert, delivery.phrases).map { "\(escaped($0.0)): \(escaped($0.1))" }.joined(
                separator: "<br>\n")
            html += "<small>\(small)</small></div>\n"
        }
        if request.truncatedAlertCount > 0 {
            html += "<p>\(escaped(delivery.phrases(.truncated, ["count": request.truncatedAlertCount])))</p>\n"
        }
        let footer = escaped(MessageTexts.footer(delivery))
        html += "<p><small>\(footer.split(separator: "\n").joined(separator: "<br>"))</small></p></body></html>"
        return html
    }

    private static func word(_ status: NotificationRequest.Status) -> MessageText {
        status == .firing ? .firing : .resolved
    }

    private static func heading(_ alert: NotificationRequest.Alert) -> String {
        let name = alert.labels["alertname"] ?? alert.fingerprint
        return alert.labels["severity"].map { "\(name) (\($0))" } ?? name
    }

    private static func facts(
        _ alert: NotificationRequest.Alert, _ phrases: Phrases<MessageText>
    ) -> [(String, String)] {
        var facts = [(phrases[.since], alert.startsAt.rfc3339)]
        if let endsAt = alert.endsAt { facts.append((phrases[.ended], endsAt.rfc3339)) }
        let labels = alert.labels.filter { $0.key != "alertname" && $0.key != "severity" }
        if !labels.isEmpty {
            let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            facts.append((phrases[.labels], pairs.joined(separator: ", ")))
        }
        return facts
    }

    static func escaped(_ text: String) -> String {
        var html = ""
        for character in text {
            switch character {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            default: html.append(character)
            }
        }
        return html
    }
}
