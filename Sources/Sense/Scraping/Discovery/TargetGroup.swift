import Diagnostics
import JSONCoding

/// Targets that share labels, as the files and addresses of discovery list them.
struct TargetGroup: Sendable, Hashable {
    /// What tells the group apart from the others of its discovery.
    var source: String
    /// One for each target; each has `__address__`.
    var targets: [[String: String]]
    var labels: [String: String] = [:]

    /// Reads `[{"targets": ["host:port"], "labels": {"name": "value"}}]`.
    /// - Throws: `ScrapingError` that names the place of the fault.
    static func list(_ value: JSONValue, source: String) throws(ScrapingError) -> [TargetGroup] {
        func wrong(_ reason: String) -> ScrapingError { ScrapingError(.discoveryFailed, "\(source): \(reason)") }
        if value == .null || value == .string("") { return [] }
        guard case .array(let items) = value else { throw wrong("a list of groups is expected") }
        var groups: [TargetGroup] = []
        for (index, item) in items.enumerated() {
            let place = "group \(index + 1)"
            if item == .null { continue }
            guard case .object(let members) = item else { throw wrong("\(place) is not a mapping") }
            for key in members.keys.sorted() where key != "targets" && key != "labels" {
                throw wrong("\(place) has the unknown key '\(key)'")
            }
            var group = TargetGroup(source: "\(source):\(index)", targets: [])
            switch members["targets"] ?? .null {
            case .null: break
            case .array(let targets):
                for target in targets {
                    guard case .string(let address) = target else { throw wrong("a target of \(place) is not a text") }
                    group.targets.append([TargetLabel.address: address])
                }
            default: throw wrong("'targets' of \(place) is not a list")
            }
            switch members["labels"] ?? .null {
            case .null: break
            case .object(let labels):
                for (name, value) in labels {
                    guard case .string(let text) = value else {
                        throw wrong("label '\(name)' of \(place) is not a text")
                    }
                    group.labels[name] = text
                }
            default: throw wrong("'labels' of \(place) is not a mapping")
            }
            groups.append(group)
        }
        return groups
    }
}

/// Finds targets. `read` is called again and again; what it gave last counts until it gives something else.
protocol TargetDiscovery: Sendable {
    /// `file`, `http` …, as the reference names the mechanism.
    var mechanism: String { get }
    /// How often `read` is called; nil: once.
    var refresh: Duration? { get }
    /// How often `hasChanged` is asked between; nil: never.
    var changePoll: Duration? { get }
    func hasChanged() async -> Bool
    /// - Throws: when nothing is known anew; the last good list then stays.
    func read() async throws -> [TargetGroup]
}

extension TargetDiscovery {
    var changePoll: Duration? { nil }
    func hasChanged() async -> Bool { false }
}

/// Targets written down in the configuration.
struct StaticDiscovery: TargetDiscovery {
    let mechanism = "static"
    let refresh: Duration? = nil
    let groups: [TargetGroup]

    func read() async throws -> [TargetGroup] { groups }
}

extension DiscoverySettings {
    var discovery: any TargetDiscovery {
        switch self {
        case .fixed(let targets, let labels):
            StaticDiscovery(groups: [
                TargetGroup(source: "0", targets: targets.map { [TargetLabel.address: $0] }, labels: labels)
            ])
        case .files(let patterns, let refresh): FileDiscovery(patterns: patterns, refresh: refresh)
        case .http(let url, let refresh, let client): HTTPDiscovery(url: url, refresh: refresh, client: client)
        case .dns(let names, let type, let port, let refresh):
            DNSDiscovery(names: names, type: type, port: port, refresh: refresh)
        case .docker(let settings): DockerDiscovery(settings)
        }
    }
}
