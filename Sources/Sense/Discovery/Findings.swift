/// What runs on a host, with how it was found.
public struct Findings: Sendable {
    /// One found thing. `evidence` completes "found: …" in a comment.
    public struct Postgres: Sendable, Hashable {
        /// A host name, an address, or the folder of a unix socket.
        public var host: String
        public var port: Int
        public var evidence: String
        public var isGuess: Bool
    }

    public struct Redis: Sendable, Hashable {
        /// Nil when it is reached by its unix socket.
        public var host: String?
        public var port: Int
        public var socket: String?
        public var evidence: String
        public var isGuess: Bool
    }

    public struct Nginx: Sendable, Hashable {
        public var statusURL: String?
        public var accessLogs: [String]
        public var evidence: String
    }

    public struct Page: Sendable, Hashable {
        public var name: String
        public var url: String
        /// The name to ask for where it differs from the address.
        public var hostHeader: String?
        public var evidence: String
        public var isGuess: Bool
    }

    public struct Certificate: Sendable, Hashable {
        public var file: String
        public var evidence: String
    }

    public struct Service: Sendable, Hashable {
        public var name: String
        public var evidence: String
    }

    public var hostName = ""
    public var postgres: [Postgres] = []
    public var redis: [Redis] = []
    public var nginx: [Nginx] = []
    public var pages: [Page] = []
    public var certificates: [Certificate] = []
    /// systemd units that run.
    public var units: [Service] = []
    /// Compose services as `project/service`.
    public var composeServices: [Service] = []
    /// Mount points of real file systems.
    public var mounts: [String] = []
    /// Listening programs that nothing else explains.
    public var otherListeners: [Service] = []
    /// What could not be looked at and why, in sentences.
    public var notes: [String] = []
}
