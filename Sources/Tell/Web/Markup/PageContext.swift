import Access
import Texts
import Units
import WebAPI

/// What every page needs beside its own data.
struct PageContext: Sendable {
    let site: WebSite
    let request: WebRequest
    let now: Timestamp

    init(_ site: WebSite, _ request: WebRequest) {
        self.site = site
        self.request = request
        now = site.clock.now
    }

    var t: Phrases<WebText> { site.phrases }
    var identity: Identity? { request.identity }

    func mayDo(_ permission: Permission) -> Bool {
        identity.map { isAllowed(permission, to: $0.role) } ?? false
    }

    /// The hidden field that proves that a form is ours. The admin socket needs none.
    var formToken: String {
        request.sessionSecret.map { AccessControl.formToken(session: $0) } ?? ""
    }

    var formField: Markup {
        "<input type=\"hidden\" name=\"\(WebSite.formField)\" value=\"\(formToken)\">"
    }

    /// A form of one button, shown only to those who may press it.
    func button(
        _ path: String, _ label: String, _ permission: Permission, fields: KeyValuePairs<String, String> = [:],
        kind: Markup = "", context: String = "", confirm: String? = nil
    ) -> Markup {
        guard mayDo(permission) else { return "" }
        let hidden = fields.map { "<input type=\"hidden\" name=\"\($0.key)\" value=\"\($0.value)\">" as Markup }
        let name: Markup = context.isEmpty ? "" : " aria-label=\"\(label) \(context)\""
        let question: Markup = confirm.map { " data-confirm=\"\($0)\"" } ?? ""
        return """
            <form method="post" action="\(link: path)" class="inline"\(question)>\(formField)\(hidden)\
            <button class="\(kind)"\(name)>\(label)</button></form>
            """
    }

    /// How much of the past the charts show.
    var range: Range { Range(rawValue: request.query["range"] ?? "") ?? .hour }

    enum Range: String, CaseIterable {
        case quarter = "15m"
        case hour = "1h"
        case sixHours = "6h"
        case day = "24h"
        case week = "7d"

        var span: Duration {
            switch self {
            case .quarter: .seconds(900)
            case .hour: .seconds(3600)
            case .sixHours: .seconds(6 * 3600)
            case .day: .seconds(86_400)
            case .week: .seconds(7 * 86_400)
            }
        }

        /// About 120 points, which a drawing 600 wide can show.
        var step: Duration { .milliseconds(max(15_000, span.wholeMilliseconds / 120)) }
    }
}
