import Outbound

/// Targets from records of the domain name system
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#dns_sd_config>).
struct DNSDiscovery: TargetDiscovery {
    let mechanism = "dns"
    let refresh: Duration?
    let names: [String]
    let type: DiscoverySettings.DNSType
    let port: Int?
    var resolver = DNSResolver()

    init(names: [String], type: DiscoverySettings.DNSType, port: Int?, refresh: Duration) {
        self.names = names
        self.type = type
        self.port = port
        self.refresh = refresh
    }

    func read() async throws -> [TargetGroup] {
        try await withThrowingTaskGroup(of: (Int, TargetGroup).self) { group in
            for (index, name) in names.enumerated() {
                group.addTask { (index, try await self.group(of: name)) }
            }
            var groups: [(Int, TargetGroup)] = []
            for try await found in group { groups.append(found) }
            return groups.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func group(of name: String) async throws -> TargetGroup {
        let records = try await resolver.records(of: name, type.recordType)
        var group = TargetGroup(source: name, targets: [])
        for record in records {
            var labels = ["__meta_dns_name": name]
            switch record {
            case .service(let host, let port, _, _):
                let target = withoutDot(host)
                labels["__meta_dns_srv_record_target"] = host
                labels["__meta_dns_srv_record_port"] = String(port)
                labels[TargetLabel.address] = "\(target):\(self.port ?? port)"
            case .address(let address):
                labels[TargetLabel.address] = "\(address.contains(":") ? "[\(address)]" : address):\(port ?? 0)"
            case .mailExchange(let host, _):
                labels["__meta_dns_mx_record_target"] = host
                labels[TargetLabel.address] = "\(withoutDot(host)):\(port ?? 0)"
            case .nameServer(let host):
                labels["__meta_dns_ns_record_target"] = host
                labels[TargetLabel.address] = "\(withoutDot(host)):\(port ?? 0)"
            }
            group.targets.append(labels)
        }
        return group
    }

    private func withoutDot(_ host: String) -> String { host.hasSuffix(".") ? String(host.dropLast()) : host }
}

extension DiscoverySettings.DNSType {
    var recordType: DNSRecordType {
        switch self {
        case .srv: .service
        case .a: .ipv4
        case .aaaa: .ipv6
        case .mx: .mailExchange
        case .ns: .nameServer
        }
    }
}
