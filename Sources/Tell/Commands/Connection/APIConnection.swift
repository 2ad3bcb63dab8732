public import Diagnostics
import Synchronization
import WebAPI

/// Speaks to the daemon's HTTP API.
public protocol APIConnection: Sendable {
    /// - Parameters:
    ///   - path: with its query, as in `/api/jaga/v1/jobs?limit=10`.
    ///   - body: nil for none.
    /// - Throws: `DaemonUnreachable` when nobody answers.
    func send(_ method: String, _ path: String, body: APIBody?) async throws -> APIAnswer

    /// Gets `path` and hands on the body of the answer line by line as it comes, without line ends.
    /// - Returns: the answer without its body.
    /// - Throws: as `send`.
    func lines(of path: String, _ onLine: @escaping @Sendable (String) -> Void) async throws -> APIAnswer
}

/// What is sent with a request.
public struct APIBody: Sendable, Hashable {
    public var bytes: [UInt8]
    public var contentType: String

    public init(json: [UInt8]) {
        bytes = json
        contentType = "application/json"
    }

    /// A form, as the Prometheus API takes one: an expression may be longer than an address may be, and an address ends up in
    /// the logs of proxies.
    public init(form fields: [String: String]) {
        bytes = Array(
            fields.sorted { $0.key < $1.key }.map { "\(APIPath.escaped($0.key))=\(APIPath.escaped($0.value))" }.joined(
                separator: "&"
            ).utf8)
        contentType = "application/x-www-form-urlencoded"
    }
}

public struct APIAnswer: Sendable {
    public var status: Int
    public var body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// How a command reaches the daemon.
public struct ConnectionOptions: Sendable {
    /// The admin socket, which needs no password.
    public var socketPath: String
    /// Used instead of the socket when given.
    public var url: String?
    public var token: Secret?

    public init(socketPath: String, url: String? = nil, token: Secret? = nil) {
        self.socketPath = socketPath
        self.url = url
        self.token = token
    }
}

/// Nobody answers where the daemon should be.
public struct DaemonUnreachable: Failure {
    /// Why, as far as the file system says.
    public enum Reason: Sendable, Hashable {
        /// Nobody listens, or there is nothing at all.
        case notRunning
        /// There is a socket, or a folder that may hold one, and this user may not open it.
        case notAllowed
        /// A part of the way to the socket is a file.
        case notAFolder
    }

    public let codeName = "daemon-unreachable"
    public let address: String
    public let reason: Reason
    public let cause: (any Error)?

    public init(address: String, reason: Reason = .notRunning, cause: (any Error)?) {
        self.address = address
        self.reason = reason
        self.cause = cause
    }

    public var summary: String { "the daemon does not answer at \(address)" }
    public var hint: String? {
        switch reason {
        case .notRunning:
            "Start it with 'jaga serve', or say where it keeps its data with --data or where it listens with --url."
        case .notAllowed:
            "Only the user that the daemon runs as, and root, may use its socket: run this with 'sudo -u USER', or over the "
                + "network with --url and a token in JAGA_TOKEN."
        case .notAFolder: "Give the data folder with --data, not a file in it."
        }
    }
}

extension APIConnection {
    func get<Answer: Decodable>(_ path: String, as type: Answer.Type = Answer.self) async throws -> Answer {
        try decode(try await raw("GET", path, body: nil), as: type)
    }

    func post<Answer: Decodable>(
        _ path: String, _ request: some Encodable, as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        try decode(try await raw("POST", path, body: APIBody(json: Array(try APIJSON.encode(request)))), as: type)
    }

    /// The body of a successful answer.
    /// - Throws: the `Problem` that the daemon answered with.
    func raw(_ method: String, _ path: String, body: APIBody?) async throws -> [UInt8] {
        let answer = try await send(method, path, body: body)
        try check(answer, of: method, path)
        return answer.body
    }

    private func check(_ answer: APIAnswer, of method: String, _ path: String) throws {
        guard answer.status >= 400 else { return }
        // Each attempt that fails means that the body has another shape, and the next one is tried: a refusal of a proxy before
        // the daemon has none of ours.
        if let problem = try? APIJSON.decode(Problem.self, from: answer.body) { throw problem }
        if let fault = try? APIJSON.decode(PrometheusReply<String>.self, from: answer.body), let text = fault.error {
            throw refusal(answer.status, text, kind: fault.errorType)
                ?? PlainFailure(fault.errorType ?? "failed", text)
        }
        let text = "the daemon answered \(method) \(path) with status \(answer.status)"
        throw refusal(answer.status, text, kind: nil) ?? PlainFailure("failed", text)
    }

    /// What the status says where the Prometheus API has no kind of its own for it: a login that is refused is called bad data there, as is an
    /// expression that cannot be read.
    private func refusal(_ status: Int, _ text: String, kind: String?) -> Problem? {
        switch status {
        case 400: return nil
        case 401:
            return Problem(
                .unauthenticated, text,
                hint: "Put a valid token into JAGA_TOKEN; an administrator makes one with 'jaga user add-token'.")
        case 403: return Problem(.forbidden, text, hint: "Ask an administrator for another role.")
        default:
            guard kind == "bad_data" else { return nil }
            return Problem(Problem.Code.allCases.first { Problem($0, "").httpStatus == status } ?? .internal, text)
        }
    }

    /// The lines of a successful answer.
    /// - Throws: the `Problem` that the daemon answered with.
    func eachLine(of path: String, _ onLine: @escaping @Sendable (String) -> Void) async throws {
        // A refusal is one line too, and its status is known only at the end: so one line is always held back.
        let held = Mutex<String?>(nil)
        let answer = try await lines(of: path) { line in
            let before = held.withLock { held in
                defer { held = line }
                return held
            }
            if let before { onLine(before) }
        }
        let last = held.withLock { $0 }
        try check(APIAnswer(status: answer.status, body: Array((last ?? "").utf8)), of: "GET", path)
        if let last { onLine(last) }
    }

    func decode<Answer: Decodable>(_ body: [UInt8], as type: Answer.Type) throws -> Answer {
        do {
            return try APIJSON.decode(type, from: body)
        } catch {
            throw PlainFailure(
                "unexpected-answer", "the daemon's answer could not be read",
                hint: "Use the 'jaga' that the daemon runs: 'jaga version' shows both.", cause: error)
        }
    }
}
