public import Diagnostics

/// Why a message was not delivered.
public struct NotificationError: Failure {
    public enum Code: Sendable, Hashable {
        /// The settings have no such receiver or channel any more.
        case unknownReceiver(String)
        case unknownChannel(String)
        /// An e-mail channel without the section `smtp`.
        case noMailServer
        /// The web address answered with this status.
        case refused(status: Int)
        /// A row of the outbox that cannot be read.
        case unreadable(id: String)
    }

    public let code: Code
    /// Scheme, host and port of the receiving side; empty where there is none.
    public let target: String
    /// When the other side asked to be asked again.
    public let retryAfter: Duration?

    public init(_ code: Code, target: String = "", retryAfter: Duration? = nil) {
        self.code = code
        self.target = target
        self.retryAfter = retryAfter
    }

    public var codeName: String {
        switch code {
        case .unknownReceiver: "unknown-receiver"
        case .unknownChannel: "unknown-channel"
        case .noMailServer: "no-mail-server"
        case .refused: "webhook-refused"
        case .unreadable: "unreadable-message"
        }
    }

    public var summary: String {
        switch code {
        case .unknownReceiver(let name): "there is no receiver '\(name)'"
        case .unknownChannel(let name): "the receiver has no channel '\(name)' any more"
        case .noMailServer: "there is no mail server to send through"
        case .refused(let status): "\(target) answered \(status)"
        case .unreadable(let id): "the waiting message \(id) cannot be read"
        }
    }

    public var hint: String? {
        switch code {
        case .unknownReceiver, .unknownChannel: "Compare the routes with 'receivers' in the settings."
        case .noMailServer: "Add the section 'smtp' to the settings."
        case .refused(let status) where status == 401 || status == 403: "Check the webhook's token or password."
        case .refused(let status) where status == 404 || status == 410: "Check the webhook's address."
        case .refused: "Look into the receiving service's log."
        case .unreadable: "Run 'jaga ledger verify'."
        }
    }

    /// Whether the same message may be taken later.
    var isTransient: Bool {
        switch code {
        case .refused(let status): !(400..<500).contains(status) || status == 408 || status == 429
        // A person can put the section back; the message waits for it.
        case .noMailServer: true
        case .unknownReceiver, .unknownChannel, .unreadable: false
        }
    }
}
