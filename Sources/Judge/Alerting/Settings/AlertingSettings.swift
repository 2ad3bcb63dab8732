public import Diagnostics
import Series
public import Settings

/// `alerting:` in the settings: who hears of which alert, and how often.
public struct AlertingSettings: SettingsSection, Sendable {
    public let route: RouteSettings

    public init(_ reader: SettingsReader) {
        route = reader.section("route", RouteSettings.self, "The way of every alert; its routes are tried in order.")
        reader.unsupported(
            ["alertmanagers"],
            "alerts are sent by Jaga itself; name who is told in 'receivers', and which alerts they get in 'alerting: {route: …}'"
        )
        reader.unsupported(
            ["alert_relabel_configs"], "alerts are not relabelled; set labels in their rules, and match them in 'route'"
        )
        if let receiver = route.route.receiver, receiver.isEmpty { reader.fault("route", "the receiver has no name") }
        if !route.route.matchers.isEmpty {
            reader.fault("route", "the first route takes every alert and has no matchers")
        }
    }

    public init(route: RouteSettings = RouteSettings(Route())) {
        self.route = route
    }

    /// The name of the receiver where the settings name none.
    public static let standardReceiver = "default"

    /// The tree, with the standard receiver at its root where none is named.
    /// - Parameter receivers: the names that exist.
    /// - Throws: `InvalidInput`.
    public func tree(receivers: [String]? = nil) throws(InvalidInput) -> RoutingTree {
        var root = route.route
        root.receiver = root.receiver ?? Self.standardReceiver
        return try RoutingTree(root, receivers: receivers)
    }
}

/// One route, and those below it. The keys are Alertmanager's.
public struct RouteSettings: SettingsSection, Sendable {
    public let route: Route

    public init(_ route: Route) {
        self.route = route
    }

    public init(_ reader: SettingsReader) {
        let receiver = reader.optionalText("receiver", "The receiver that is told; else the one of the route above.")
        let matcherTexts = reader.texts(
            "matchers", "Conditions on labels, as in 'severity=\"critical\"' or 'team=~\"shop|web\"'; all must hold.")
        var matchers: [LabelMatcher] = []
        for text in matcherTexts {
            if let matcher = LabelMatcher(matcherText: text) {
                matchers.append(matcher)
            } else {
                reader.fault("matchers", "'\(text)' is not a matcher; write it like severity=\"critical\"")
            }
        }
        let names = reader.texts(
            "group_by",
            "Labels by which alerts share a message, [alertname, site] at first; '...' keeps each alert alone.")
        let wait = reader.optionalDuration(
            "group_wait", "How long a new alert waits for others to join its message, 10s at first.")
        let interval = reader.optionalDuration(
            "group_interval", atLeast: .seconds(1),
            "The least time between two messages of a group that changed, 5m at first.")
        let repeats = reader.optionalDuration(
            "repeat_interval", atLeast: .seconds(10),
            "How often the message about an unchanged group comes again, 4h at first.")
        let continues = reader.boolean(
            "continue", default: false, "Whether the routes after this one are tried as well.")
        let branches = reader.list(
            "routes", of: RouteSettings.self, "Routes below this one; the first that matches counts.")
        let grouping: Grouping? =
            reader.isPresent("group_by") ? (names == ["..."] ? .everyLabel : .labels(names)) : nil
        route = Route(
            receiver: receiver, matchers: matchers, grouping: grouping, groupWait: wait, groupInterval: interval,
            repeatInterval: repeats, continues: continues, branches: branches.map(\.route))
    }
}
