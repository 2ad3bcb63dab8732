import ClientSettings
import Diagnostics
import JSONCoding
import Outbound

// Containers as targets, through the API of a Docker engine
// (<https://docs.docker.com/reference/api/engine/>, <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#docker_sd_config>).
// For each running container and network there is a target for each exposed TCP port, or one at the configured port when none is
// exposed. A container that shares another one's network has that one's addresses.

/// Running containers of one engine.
struct DockerDiscovery: TargetDiscovery {
    let mechanism = "docker"
    let settings: DiscoverySettings.DockerSettings

    init(_ settings: DiscoverySettings.DockerSettings) { self.settings = settings }

    var refresh: Duration? { settings.refresh }

    func read() async throws -> [TargetGroup] {
        let filters = JSONValue.object(settings.filters.mapValues { .array($0.map { .string($0) }) })
        let query = settings.filters.isEmpty ? "" : "?filters=\(percentEncoded(filters.canonicalText))"
        let networks = try await get("/networks")
        let containers = try await get("/containers/json\(query)")
        // A shared network may be that of a container that the filters leave out.
        let all = settings.filters.isEmpty ? containers : try await get("/containers/json")
        return [
            TargetGroup(
                source: settings.host,
                targets: Self.targets(
                    containers: containers.arrayValue ?? [], all: all.arrayValue ?? [],
                    networks: networks.arrayValue ?? [], settings))
        ]
    }

    private func get(_ path: String) async throws -> JSONValue {
        var host = settings.host
        var socket: String?
        if host.hasPrefix("unix://") {
            socket = String(host.dropFirst("unix://".count))
            host = "http://docker"
        } else if host.hasPrefix("tcp://") {
            let isEncrypted =
                settings.client.tls.authorityFile != nil || settings.client.tls.clientCertificateFile != nil
            host = (isEncrypted ? "https://" : "http://") + host.dropFirst("tcp://".count)
        }
        while host.hasSuffix("/") { host.removeLast() }
        let request = HTTPRequest(
            url: host + path, headers: ["Accept": "application/json"], timeout: .seconds(30), bodyBytesMax: 64 << 20,
            unixSocketPath: socket)
        let response = try await HTTPConnection().send { [settings] in
            var request = request
            try settings.client.apply(to: &request)
            return request
        }
        guard response.status == 200 else {
            throw ScrapingError(
                .discoveryFailed, "the Docker engine at \(settings.host) answered \(response.status)",
                hint: "Its socket must be readable by the user that Jaga runs as.")
        }
        do {
            return try JSONValue(parsing: response.body)
        } catch {
            throw ScrapingError(.discoveryFailed, "the Docker engine at \(settings.host): \(describe(error))")
        }
    }

    /// - Parameters:
    ///   - containers: those that become targets.
    ///   - all: those whose networks may be shared.
    static func targets(
        containers: [JSONValue], all: [JSONValue], networks: [JSONValue], _ settings: DiscoverySettings.DockerSettings
    ) -> [[String: String]] {
        let networkLabels = labelsByNetwork(networks)
        let byID = Dictionary(
            all.compactMap { container in container["Id"]?.stringValue.map { ($0, container) } },
            uniquingKeysWith: { first, _ in first })
        return containers.flatMap { container -> [[String: String]] in
            guard let name = container["Names"]?.arrayValue?.first?.stringValue else { return [] }
            let mode = networkMode(container)
            var common = [
                "__meta_docker_container_id": container["Id"]?.stringValue ?? "",
                "__meta_docker_container_name": name, "__meta_docker_container_network_mode": mode,
            ]
            for (label, value) in container["Labels"]?.objectValue ?? [:] {
                common["__meta_docker_container_label_\(sanitised(label))"] = value.stringValue ?? ""
            }
            var (joined, joinedMode) = (attachments(container), mode)
            var seen: Set<String> = []
            while joined.isEmpty, joinedMode.hasPrefix("container:") {
                let other = String(joinedMode.dropFirst("container:".count))
                guard seen.insert(other).inserted, let owner = byID[other] else { break }
                joined = attachments(owner)
                joinedMode = networkMode(owner)
            }
            if settings.takesFirstNetwork, joined.count > 1 { joined = [first(of: joined, mode: joinedMode)] }
            return joined.flatMap { network in
                targets(container, at: network.value, common, networkLabels, isHost: mode == "host", settings)
            }
        }
    }

    private static func targets(
        _ container: JSONValue, at network: JSONValue, _ common: [String: String],
        _ networkLabels: [String: [String: String]], isHost: Bool, _ settings: DiscoverySettings.DockerSettings
    ) -> [[String: String]] {
        let address = network["IPAddress"]?.stringValue ?? ""
        var base = common
        base["__meta_docker_network_ip"] = address
        base.merge(networkLabels[network["NetworkID"]?.stringValue ?? ""] ?? [:]) { _, new in new }
        let ports = (container["Ports"]?.arrayValue ?? []).filter { $0["Type"]?.stringValue == "tcp" }
        let exposed = ports.map { port -> [String: String] in
            var labels = base
            let inside = port["PrivatePort"]?.intValue ?? 0
            labels["__meta_docker_port_private"] = String(inside)
            if let outside = port["PublicPort"]?.intValue, outside > 0 {
                labels["__meta_docker_port_public"] = String(outside)
                labels["__meta_docker_port_public_ip"] = port["IP"]?.stringValue ?? ""
            }
            labels[TargetLabel.address] = "\(bracketed(address)):\(inside)"
            return labels
        }
        guard exposed.isEmpty else { return exposed }
        // Containers on the host's network have no ports of their own, so they all come this way.
        base[TargetLabel.address] = isHost ? settings.hostNetworkingHost : "\(bracketed(address)):\(settings.port)"
        return [base]
    }

    private static func networkMode(_ container: JSONValue) -> String {
        container["HostConfig"]?["NetworkMode"]?.stringValue ?? ""
    }

    private static func attachments(_ container: JSONValue) -> [(key: String, value: JSONValue)] {
        (container["NetworkSettings"]?["Networks"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
    }

    /// The network that the container was started with, where that was one made by a user; else the first by name.
    private static func first(
        of networks: [(key: String, value: JSONValue)], mode: String
    ) -> (key: String, value: JSONValue) {
        let isUserDefined =
            !["default", "bridge", "host", "none", ""].contains(mode) && !mode.hasPrefix("container:")
        return networks.first { isUserDefined && $0.key == mode } ?? networks[0]
    }

    private static func labelsByNetwork(_ networks: [JSONValue]) -> [String: [String: String]] {
        var byID: [String: [String: String]] = [:]
        for network in networks {
            guard let identifier = network["Id"]?.stringValue else { continue }
            var labels = [
                "__meta_docker_network_id": identifier,
                "__meta_docker_network_name": network["Name"]?.stringValue ?? "",
                "__meta_docker_network_scope": network["Scope"]?.stringValue ?? "",
                "__meta_docker_network_internal": network["Internal"] == .bool(true) ? "true" : "false",
                "__meta_docker_network_ingress": network["Ingress"] == .bool(true) ? "true" : "false",
            ]
            for (label, value) in network["Labels"]?.objectValue ?? [:] {
                labels["__meta_docker_network_label_\(sanitised(label))"] = value.stringValue ?? ""
            }
            byID[identifier] = labels
        }
        return byID
    }

    private static func bracketed(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }

    /// A text as a part of a label's name: everything but letters, digits and underscores becomes an underscore.
    static func sanitised(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
