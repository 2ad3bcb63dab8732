public import JSONCoding
public import SampleStack

/// A web server that takes messages and keeps them.
public final class WebhookReceiver: Sendable {
    public struct Request: Sendable {
        public let path: String
        /// Names in lower case.
        public let headers: [String: String]
        public let body: String
        /// What it was answered with.
        public let status: Int

        /// The body as JSON; null when it is something else.
        public var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    }

    private let receiver: Receiver
    /// For pausing and killing.
    public var server: ProgramServer { receiver.server }
    public var url: String { "http://127.0.0.1:\(receiver.server.port)/hook" }

    private init(_ receiver: Receiver) {
        self.receiver = receiver
    }

    public static func start(port: Int? = nil) async throws -> WebhookReceiver {
        WebhookReceiver(
            try await Receiver("webhook", python: findPython(), script: ReceiverScripts.webhook, port: port))
    }

    public func behave(_ behaviour: ReceiverBehaviour) throws { try receiver.behave(behaviour) }

    /// All requests so far, refused ones too, oldest first.
    public func requests() throws -> [Request] {
        try receiver.received().map { json in
            Request(
                path: json["path"]?.stringValue ?? "",
                headers: json["headers"]?.objectValue?.compactMapValues(\.stringValue) ?? [:],
                body: json["body"]?.stringValue ?? "", status: json["status"]?.intValue.map(Int.init) ?? 0)
        }
    }

    /// Waits until at least `count` requests were taken with 200, and returns these.
    public func waitForAccepted(_ count: Int = 1, timeout: Duration = .seconds(60)) async throws -> [Request] {
        try await waitFor("\(count) messages at the webhook", timeout: timeout) {
            let accepted = try requests().filter { $0.status == 200 }
            return accepted.count >= count ? accepted : nil
        }
    }

    public func stop() async {
        await receiver.server.stop()
        receiver.folder.remove()
    }
}
