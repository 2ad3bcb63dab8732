import Diagnostics
import Glibc
import Outbound

/// Speaks to the daemon by its admin socket or, with an address, over the network with a token.
public struct DaemonConnection: APIConnection {
    private let options: ConnectionOptions
    private let client = HTTPClient()

    public init(_ options: ConnectionOptions) {
        self.options = options
    }

    /// Why the admin socket cannot be opened, as far as the system says; nil when it is there and nobody listens.
    private var socketFailure: PlainFailure? {
        guard access(options.socketPath, R_OK | W_OK) != 0 else { return nil }
        return PlainFailure("socket", String(cString: strerror(errno)))
    }

    private var address: String { options.url ?? options.socketPath }

    public func send(_ method: String, _ path: String, body: [UInt8]?) async throws -> APIAnswer {
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

    private func request(_ method: String, _ path: String, body: [UInt8]?, timeout: Duration) -> HTTPRequest {
        var headers = HTTPHeaders([("Accept", "application/json")])
        if let body, !body.isEmpty { headers.add("Content-Type", "application/json") }
        // The socket path's length limit (107 bytes) is curl's to report.
        return HTTPRequest(
            url: (options.url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 } ?? "http://localhost") + path,
            method: method, headers: headers, body: body ?? [],
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
                throw DaemonUnreachable(address: address, cause: options.url == nil ? socketFailure : error)
            default: throw error
            }
        }
    }
}
