public import Diagnostics

/// The rules that come with the program: ordinary Prometheus rule files, to be read, copied and overridden.
public enum RulePack: String, Sendable, CaseIterable {
    case host, postgres, redis, nginx, probes, backups, jaga

    /// The file as it is shipped.
    public var yaml: String {
        let bytes =
            switch self {
            case .host: PackageResources.host_yml
            case .postgres: PackageResources.postgres_yml
            case .redis: PackageResources.redis_yml
            case .nginx: PackageResources.nginx_yml
            case .probes: PackageResources.probes_yml
            case .backups: PackageResources.backups_yml
            case .jaga: PackageResources.jaga_yml
            }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `pack/host.yml`, as messages and groups name the file.
    public var fileName: String { "pack/\(rawValue).yml" }

    /// - Throws: every fault, as for any other rule file.
    public func groups(templates: any TemplateExpanding) throws(InvalidInput) -> [RuleGroup] {
        try RuleFile.read(yaml, file: fileName, templates: templates)
    }
}
