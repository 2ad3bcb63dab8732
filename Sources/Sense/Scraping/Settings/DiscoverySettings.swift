public import ClientSettings
import Diagnostics
import Settings

/// One way to find the targets of a job.
public enum DiscoverySettings: Sendable, Hashable {
    case fixed(targets: [String], labels: [String: String])
    case files(patterns: [String], refresh: Duration)
    case http(url: String, refresh: Duration, client: HTTPClientSettings)
    case dns(names: [String], type: DNSType, port: Int?, refresh: Duration)
    case docker(DockerSettings)

    public enum DNSType: String, Sendable, Hashable, CaseIterable {
        case srv = "SRV"
        case a = "A"
        case aaaa = "AAAA"
        case mx = "MX"
        case ns = "NS"
    }

    public struct DockerSettings: Sendable, Hashable {
        public var host: String
        public var port: Int
        public var hostNetworkingHost: String
        public var takesFirstNetwork: Bool
        public var filters: [String: [String]]
        public var refresh: Duration
        public var client: HTTPClientSettings
    }

    /// All that a job lists.
    static func all(_ s: SettingsReader) -> [DiscoverySettings] {
        var found: [DiscoverySettings] = []
        found += s.list("static_configs", of: Static.self, "Targets written down here.").map(\.settings)
        found += s.list("file_sd_configs", of: Files.self, "Targets from files, read again when they change.")
            .map(\.settings)
        found += s.list("http_sd_configs", of: HTTP.self, "Targets from a web address.").map(\.settings)
        found += s.list("dns_sd_configs", of: DNS.self, "Targets from the domain name system.").map(\.settings)
        found += s.list("docker_sd_configs", of: Docker.self, "Containers of a Docker engine.").map(\.settings)
        for name in unsupportedMechanisms {
            s.unsupported(
                ["\(name)_sd_configs"],
                "this kind of discovery is not supported; write the targets to a file for 'file_sd_configs', or serve them "
                    + "for 'http_sd_configs'")
        }
        return found
    }

    static let unsupportedMechanisms = [
        "aws", "azure", "consul", "digitalocean", "dockerswarm", "ec2", "eureka", "gce", "hetzner", "ionos",
        "kubernetes",
        "kuma", "lightsail", "linode", "marathon", "nerve", "nomad", "openstack", "ovhcloud", "puppetdb", "scaleway",
        "serverset", "stackit", "triton", "uyuni", "vultr",
    ]

    private struct Static: SettingsSection {
        var settings: DiscoverySettings

        init(_ s: SettingsReader) {
            let targets = s.texts("targets", "Addresses, as in 127.0.0.1:9100.")
            settings = .fixed(targets: targets, labels: s.textMap("labels", "Labels for these targets."))
            for target in targets where target.contains("/") {
                s.fault(
                    "targets",
                    "'\(withoutUser(target))' is not an address; write host:port, and the path in 'metrics_path'")
            }
        }
    }

    private struct Files: SettingsSection {
        var settings: DiscoverySettings

        init(_ s: SettingsReader) {
            let files = s.texts(
                "files", "Paths of .json, .yml or .yaml files; '*' stands for any text in the last part.")
            settings = .files(
                patterns: files,
                refresh: s.duration(
                    "refresh_interval", default: .seconds(300), atLeast: .seconds(1),
                    "How often they are read even without a change."))
            if files.isEmpty { s.fault(nil, "'files' is missing or empty") }
            for file in files
            where ![".json", ".yml", ".yaml", "*"].contains(where: { file.lowercased().hasSuffix($0) }) {
                s.fault("files", "'\(file)' ends neither in .json nor in .yml or .yaml")
            }
        }
    }

    private struct HTTP: SettingsSection {
        var settings: DiscoverySettings

        init(_ s: SettingsReader) {
            let url = s.address("url", "The address that gives the list of targets as JSON.") ?? ""
            if !url.hasPrefix("http://") && !url.hasPrefix("https://") {
                s.fault(s.isPresent("url") ? "url" : nil, "'url' must be an address with http:// or https://")
            }
            settings = .http(
                url: url,
                refresh: s.duration(
                    "refresh_interval", default: .seconds(60), atLeast: .seconds(1), "How often it is asked."),
                client: HTTPClientSettings(s))
        }
    }

    private struct DNS: SettingsSection {
        var settings: DiscoverySettings

        init(_ s: SettingsReader) {
            let names = s.texts("names", "Names to look up.")
            if names.isEmpty { s.fault(nil, "'names' is missing or empty") }
            let type = s.choice("type", default: DNSType.srv, "The kind of record.")
            let port = s.optionalInteger("port", in: 1...65535, "The port of the targets; SRV records bring their own.")
            if type != .srv, port == nil {
                s.fault(nil, "'port' is missing, which records of type \(type.rawValue) do not give")
            }
            settings = .dns(
                names: names, type: type, port: port,
                refresh: s.duration(
                    "refresh_interval", default: .seconds(30), atLeast: .seconds(1), "How often they are looked up."))
        }
    }

    private struct Docker: SettingsSection {
        var settings: DiscoverySettings

        init(_ s: SettingsReader) {
            let host = s.requiredText("host", "The engine: unix:///var/run/docker.sock or tcp://host:2375.")
            let known = ["unix://", "tcp://", "http://", "https://"]
            if !host.isEmpty, !known.contains(where: { host.hasPrefix($0) }) {
                s.fault("host", "'\(withoutUser(host))' does not begin with one of \(known.joined(separator: ", "))")
            }
            let filters = s.list("filters", of: Filter.self, "Which containers, as 'docker ps --filter' takes them.")
            settings = .docker(
                DockerSettings(
                    host: host,
                    port: s.integer(
                        "port", default: 80, in: 1...65535, "The port of containers that expose none."),
                    hostNetworkingHost: s.text(
                        "host_networking_host", default: "localhost", "The address of containers on the host's network."
                    ),
                    takesFirstNetwork: s.boolean(
                        "match_first_network", default: true, "Whether a container in many networks is one target."),
                    filters: Dictionary(filters.map { ($0.name, $0.values) }, uniquingKeysWith: { $0 + $1 }),
                    refresh: s.duration(
                        "refresh_interval", default: .seconds(60), atLeast: .seconds(1), "How often it is asked."),
                    client: HTTPClientSettings(s)))
        }
    }

    private struct Filter: SettingsSection {
        var name: String
        var values: [String]

        init(_ s: SettingsReader) {
            name = s.requiredText("name", "The filter's name.")
            values = s.texts("values", "Its values, any of which will do.")
        }
    }
}
