import Series
public import Settings

public struct HostSettings: SettingsSection, Sendable, Hashable {
    public var isEnabled: Bool
    public var rhythm: Rhythm

    public init(isEnabled: Bool = true, rhythm: Rhythm = Rhythm()) {
        self.isEnabled = isEnabled
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        isEnabled = s.boolean("enabled", default: true, "Whether to read processors, memory, disks and network.")
        rhythm = Rhythm(s)
    }

    func plan(onHost host: String) -> SourcePlan {
        SourcePlan(
            HostSource(
                name: "host/\(host)", labels: targetLabels(job: "node", instance: host, host: host),
                interval: rhythm.interval, deadline: rhythm.timeout), identity: PlanIdentity(settings: self, host: host)
        )
    }
}

/// A group of processes to count. At least one condition must be given.
public struct ProcessGroupSettings: SettingsSection, Sendable, Hashable {
    public var group: ProcessGroup

    public init(group: ProcessGroup) {
        self.group = group
    }

    public init(_ s: SettingsReader) {
        group = ProcessGroup(
            name: s.requiredText("name", "The group's name, the label 'groupname'."),
            program: s.optionalText("program", "The program's name, as in 'nginx' or 'python3'."),
            contains: s.texts("contains", "Texts that all stand in the command line."),
            pattern: s.optionalText("pattern", "A regular expression that the whole command line matches."))
        if group.program == nil && group.contains.isEmpty && group.pattern == nil {
            s.fault(nil, "says nothing about which processes belong to it; add 'program', 'contains' or 'pattern'")
        }
        if let pattern = group.pattern {
            do { _ = try AnchoredPattern(pattern) } catch {
                s.fault("pattern", "is no regular expression: \(error.reason)")
            }
        }
    }

    static func plan(_ groups: [ProcessGroupSettings], onHost host: String) throws -> SourcePlan {
        SourcePlan(
            try ProcessGroupsSource(
                name: "processes/\(host)", labels: targetLabels(job: "processes", instance: host, host: host),
                groups: groups.map(\.group)), identity: PlanIdentity(settings: groups, host: host))
    }
}

public struct CertificateSettings: SettingsSection, Sendable, Hashable {
    public var files: [String]
    public var rhythm: Rhythm

    public init(files: [String] = [], rhythm: Rhythm = Rhythm(interval: .seconds(60))) {
        self.files = files
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        files = s.texts("files", "Paths of PEM files.")
        rhythm = Rhythm(s, interval: .seconds(60))
    }

    func plan(onHost host: String) -> SourcePlan {
        SourcePlan(
            CertificateSource(
                name: "certificates/\(host)", labels: targetLabels(job: "certificates", instance: host, host: host),
                files: files, interval: rhythm.interval, deadline: rhythm.timeout),
            identity: PlanIdentity(settings: self, host: host))
    }
}
