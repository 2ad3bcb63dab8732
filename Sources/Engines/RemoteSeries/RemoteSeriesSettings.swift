public import ClientSettings
public import Diagnostics
public import Settings

/// The part of the section `series` that says where samples are read: here, or from a store that is reached over HTTP.
public struct RemoteSeriesSettings: SettingsSection, Sendable, Hashable {
    public enum Engine: String, Sendable, Hashable, CaseIterable {
        case local, remote
    }

    public var engine: Engine
    /// Empty for the local store.
    public var url: String
    public var writeURL: String
    public var headers: [String: Secret]
    public var timeout: Duration
    public var client: HTTPClientSettings

    public init(_ s: SettingsReader) {
        engine = s.choice(
            "engine", default: Engine.local,
            "Where rules, pages and the API read: the store of this machine, or a Prometheus-compatible one.")
        let address = s.address("url", "For 'remote': what comes before /api/v1/, as in http://victoria:8428.") ?? ""
        url = address.hasSuffix("/") ? String(address.dropLast()) : address
        writeURL =
            s.address("write_url", "For 'remote': where samples are sent; without it, 'url' and /api/v1/write.")
            ?? "\(url)/api/v1/write"
        headers = s.secretMap("headers", "For 'remote': further header fields, such as X-Scope-OrgID.")
        timeout = s.duration(
            "timeout", default: .seconds(30), atLeast: .milliseconds(100),
            "For 'remote': after this long a question has failed.")
        client = HTTPClientSettings(s)
        if engine == .remote, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            s.fault(s.isPresent("url") ? "url" : "engine", "'remote' needs a 'url' with http:// or https://")
        }
        if engine == .local, !url.isEmpty { s.fault("url", "means nothing without 'engine: remote'") }
    }

    /// - Parameter folder: what paths of files are counted from.
    public func options(in folder: String) -> RemoteSeries.Options {
        RemoteSeries.Options(url: url, client: client.resolved(in: folder), headers: headers, timeout: timeout)
    }
}
