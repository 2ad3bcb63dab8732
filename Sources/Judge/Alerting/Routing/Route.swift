public import Diagnostics
public import Series

/// By which labels alerts are put into one message.
public enum Grouping: Sendable, Hashable {
    case labels([String])
    /// Each alert alone: `...` in Alertmanager's notation.
    case everyLabel
}

/// A branch of the routing tree as it is written: what is nil comes from the branch above.
public struct Route: Sendable, Hashable {
    public var receiver: String?
    /// All must hold for an alert to come in here.
    public var matchers: [LabelMatcher]
    public var grouping: Grouping?
    /// How long the first message of a group waits for further alerts.
    public var groupWait: Duration?
    /// The least time between two messages about a group that has changed.
    public var groupInterval: Duration?
    /// After this long the message about an unchanged group is sent again.
    public var repeatInterval: Duration?
    /// Whether the branches after this one are tried too.
    public var continues: Bool
    public var branches: [Route]

    public init(
        receiver: String? = nil, matchers: [LabelMatcher] = [], grouping: Grouping? = nil, groupWait: Duration? = nil,
        groupInterval: Duration? = nil, repeatInterval: Duration? = nil, continues: Bool = false,
        branches: [Route] = []
    ) {
        self.receiver = receiver
        self.matchers = matchers
        self.grouping = grouping
        self.groupWait = groupWait
        self.groupInterval = groupInterval
        self.repeatInterval = repeatInterval
        self.continues = continues
        self.branches = branches
    }
}

/// A branch with everything filled in.
public struct ResolvedRoute: Sendable, Hashable {
    /// `{}/{severity="critical"}`: the matchers on the way down, as Alertmanager's group keys begin.
    public let key: String
    public let receiver: String
    public let grouping: Grouping
    public let groupWait: Duration
    public let groupInterval: Duration
    public let repeatInterval: Duration

    /// The labels by which `labels` is grouped here.
    public func groupLabels(of labels: Labels) -> Labels {
        switch grouping {
        case .everyLabel: labels
        case .labels(let names): labels.keeping(names)
        }
    }
}

/// The tree that decides who hears of an alert. Every alert finds a receiver: the root takes what no branch wants.
public struct RoutingTree: Sendable {
    /// The defaults of the root.
    public static let standardGrouping = Grouping.labels(["alertname", "site"])
    public static let standardGroupWait = Duration.seconds(10)
    public static let standardGroupInterval = Duration.seconds(300)
    public static let standardRepeatInterval = Duration.seconds(4 * 3600)

    private let root: Branch

    private struct Branch: Sendable {
        let route: ResolvedRoute
        let matchers: [LabelMatcher]
        let continues: Bool
        let branches: [Branch]
    }

    /// - Throws: `InvalidInput` with every fault: a root with matchers or without a receiver, a receiver that is not among
    ///   `receivers`.
    /// - Parameter receivers: the known names; nil when they are not to be checked.
    public init(_ root: Route, receivers: [String]? = nil) throws(InvalidInput) {
        var faults: [Diagnostic] = []
        func check(_ route: Route, _ path: String) {
            if let receiver = route.receiver, let receivers, !receivers.contains(receiver) {
                var message = "there is no receiver '\(receiver)'"
                if let nearest = nearestName(to: receiver, among: receivers) {
                    message += "; did you mean '\(nearest)'?"
                }
                faults.append(Diagnostic(at: nil, path: "\(path).receiver", message))
            }
            for (index, branch) in route.branches.enumerated() { check(branch, "\(path).routes[\(index)]") }
        }
        if root.receiver == nil {
            faults.append(Diagnostic(at: nil, path: "route.receiver", "the first route needs a receiver"))
        }
        if !root.matchers.isEmpty {
            faults.append(
                Diagnostic(at: nil, path: "route.matchers", "the first route takes every alert and has no matchers"))
        }
        check(root, "route")
        guard faults.isEmpty else { throw InvalidInput(faults) }
        let above = ResolvedRoute(
            key: "", receiver: "", grouping: Self.standardGrouping, groupWait: Self.standardGroupWait,
            groupInterval: Self.standardGroupInterval, repeatInterval: Self.standardRepeatInterval)
        var keys: Set<String> = []
        self.root = Self.resolve(root, below: above, &keys)
    }

    /// Everything to one receiver.
    public init(receiver: String) {
        let route = ResolvedRoute(
            key: "{}", receiver: receiver, grouping: Self.standardGrouping, groupWait: Self.standardGroupWait,
            groupInterval: Self.standardGroupInterval, repeatInterval: Self.standardRepeatInterval)
        root = Branch(route: route, matchers: [], continues: false, branches: [])
    }

    private static func resolve(_ route: Route, below above: ResolvedRoute, _ keys: inout Set<String>) -> Branch {
        let own = "{\(route.matchers.map(\.description).sorted().joined(separator: ","))}"
        let path = above.key.isEmpty ? own : "\(above.key)/\(own)"
        // Two branches may have the same matchers (`continue` with two receivers); their groups must stay apart.
        var key = path
        var number = 2
        while !keys.insert(key).inserted {
            key = "\(path)#\(number)"
            number += 1
        }
        let resolved = ResolvedRoute(
            key: key, receiver: route.receiver ?? above.receiver, grouping: route.grouping ?? above.grouping,
            groupWait: route.groupWait ?? above.groupWait, groupInterval: route.groupInterval ?? above.groupInterval,
            repeatInterval: route.repeatInterval ?? above.repeatInterval)
        var branches: [Branch] = []
        for branch in route.branches { branches.append(resolve(branch, below: resolved, &keys)) }
        return Branch(route: resolved, matchers: route.matchers, continues: route.continues, branches: branches)
    }

    /// The routes that an alert takes, at least one.
    public func routes(for labels: Labels) -> [ResolvedRoute] { match(root, labels) }

    private func match(_ branch: Branch, _ labels: Labels) -> [ResolvedRoute] {
        guard branch.matchers.allSatisfy({ $0.matches(labels) }) else { return [] }
        var found: [ResolvedRoute] = []
        for child in branch.branches {
            let below = match(child, labels)
            found += below
            if !below.isEmpty && !child.continues { break }
        }
        return found.isEmpty ? [branch.route] : found
    }

    /// All routes, the root first.
    public var routes: [ResolvedRoute] { Self.all(root) }

    private static func all(_ branch: Branch) -> [ResolvedRoute] { [branch.route] + branch.branches.flatMap(all) }

    /// How far back the ledger's notifications must be read for `Dispatcher.restore`: every group that still fires has been
    /// announced or repeated within this span, when Jaga was up.
    public var restoreSpan: Duration { (routes.map(\.repeatInterval).max() ?? .zero) * 2 + .seconds(24 * 3600) }
}
