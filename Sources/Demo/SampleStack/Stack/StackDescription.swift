public import Diagnostics

/// Where everything of a running stack is: what a configuration for it is made from.
public struct StackDescription: Sendable {
    public var folder: String
    public var postgresPort: Int
    public var postgresUser: String
    public var postgresPassword: Secret
    public var postgresSocketFolder: String
    public var postgresLogPath: String
    public var database: String
    public var redisPort: Int
    public var redisPassword: Secret
    /// nginx, in front of the shop.
    public var webURL: String
    public var statusURL: String
    public var accessLogPath: String
    /// The shop itself.
    public var shopURL: String
    public var metricsURL: String
    /// Behind nginx, as a visitor sees it.
    public var healthURL: String
    public var detailedHealthURL: String
    public var healthToken: Secret
    public var applicationLogPath: String
    /// Where the shop's uploads lie; a small file system of its own where one could be mounted.
    public var storageFolder: String
    public var storageIsMounted: Bool
}
