import Outbound
public import Series
public import Settings

public struct NginxTargetSettings: SettingsSection, Sendable, Hashable {
    public var name: String
    public var statusURL: String?
    /// A unix socket that serves the status page; the URL then only gives host and path.
    public var socket: String?
    /// Followed by `LogTail`, not here.
    public var accessLog: String?
    public var rhythm: Rhythm

    public init(
        name: String, statusURL: String? = nil, socket: String? = nil, accessLog: String? = nil,
        rhythm: Rhythm = Rhythm(timeout: .seconds(5))
    ) {
        self.name = name
        self.statusURL = statusURL
        self.socket = socket
        self.accessLog = accessLog
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "What the server is called here, the label 'instance'.")
        statusURL = s.optionalText("status_url", "Address of the stub_status page.")
        socket = s.optionalText("socket", "Unix socket to ask instead of the address's host.")
        accessLog = s.optionalText("access_log", "The access log to count responses in, in the combined format.")
        rhythm = Rhythm(s, timeout: .seconds(5))
        if statusURL == nil && accessLog == nil {
            s.fault(nil, "says nothing to read; add 'status_url' or 'access_log'")
        }
    }

    /// What the samples of this server carry, those from its access log too.
    public func labels(onHost host: String) -> Labels { targetLabels(job: "nginx", instance: name, host: host) }

    func plan(onHost host: String) -> SourcePlan? {
        guard let statusURL else { return nil }
        return SourcePlan(
            NginxSource(
                name: "nginx/\(name)", labels: labels(onHost: host),
                HTTPRequest(url: statusURL, unixSocketPath: socket), interval: rhythm.interval,
                deadline: rhythm.timeout), identity: PlanIdentity(settings: self, host: host))
    }
}
