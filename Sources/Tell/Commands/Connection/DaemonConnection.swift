import Diagnostics
import Glibc
import Outbound

/// Speaks to the daemon by its admin socket or, with an address, over the network with a token.
public struct DaemonConnection: APIConnection {
    /// What `sockaddr_un.sun_path` holds beside its final zero (unix(7)).
    public static let socketPathBytesMax = 107

    private let options: ConnectionOptions
    private let client = HTTPClient()

    /// - Throws: `PlainFailure` (`usage`) when the path of the socket is longer than the kernel takes.
    public init(_ options: ConnectionOptions) throws {
        self.options = options
        if options.url == nil { try Self.check(socketPath: options.socketPath) }
    }

    /// - Throws: `PlainFailure` (`path-too-long`) when no socket can have this path.
    public static func check(socketPath path: String) throws {
        guard path.utf8.count > socketPathBytesMax else { return }
        throw PlainFailure(
            "path-too-long",
            "the socket's path \(path) has \(path.utf8.count) bytes, and the kernel takes \(socketPathBytesMax)",
            hint: "Choose a data folder with a shorter path, or reach this one by a symbolic link.")
    }

    /// Why the admin socket cannot be opened, as far as the system says.
    private var unreachable: DaemonUnreachable {
        guard access(options.socketPath, R_OK | W_OK) != 0 else {
            return DaemonUnreachable(address: address, cause: nil)
        }
        let code = errno
        let reason: DaemonUnreachable.Reason =
            switch code {
            case EACCES, EPERM: .notAllowed
            case ENOTDIR: .notAFolder
            default: .notRunning
            }
        return DaemonUnreachable(
            address: address, reason: reason, cause: PlainFailure("socket", String(cString: strerror(code))))
    }

    /// For messages: an address over the network may hold a user and a password.
    private var address: String { options.url.map { displayedOrigin(of: Secret($0)) } ?? options.socketPath }

    public func send(_ method: String, _ path: String, body: APIBody?) async throws -> APIAnswer {
        try await answered {
            let response = try await client.send(request(method, path, body: body, timeout: .seconds(120)))
            return APIAnswer(status: response.status, body: response.body)
        }
    }

    public func lines(of path: String, _ onLine: @escaping @Sendable (String) -> Void) async throws -> APIAnswer {
        try await answered {
            // As long as the ledger and whoever takes its lines need.
            let response = try await client.lines(of: request("GET", path, body: nil, timeout: .seconds(24 * 3600))) {
                onLine($0)
                return true
            }
            return APIAnswer(status: response.status, body: [])
        }
    }

    private func request(_ method: String, _ path: String, body: APIBody?, timeout: Duration) -> HTTPRequest {
        var headers = HTTPHeaders([("Accept", "application/json")])
        if let body, !body.bytes.isEmpty { headers.add("Content-Type", body.contentType) }
        return HTTPRequest(
            url: (options.url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 } ?? "http://localhost") + path,
            method: method, headers: headers, body: body?.bytes ?? [],
            credentials: options.url == nil ? nil : options.token.map { .bearer($0) },
            // A verification reads the whole ledger.
            timeout: timeout, bodyBytesMax: 1 << 30, unixSocketPath: options.url == nil ? options.socketPath : nil)
    }

    private func answered(_ body: () async throws -> APIAnswer) async throws -> APIAnswer {
        do {
            return try await body()
        } catch let error as OutboundError {
            switch error.code {
            case .connectionRefused, .unreachable, .nameNotFound, .timedOut, .connectionLost:
                // The library speaks of a port where there is a socket, which helps nobody.
                throw options.url == nil ? unreachable : DaemonUnreachable(address: address, cause: error)
            default: throw error
            }
        }
    }
}
