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
        var headers = HTTPHeaders([("Accept", "application/json")])
        if let body, !body.isEmpty { headers.add("Content-Type", "application/json") }
        // The socket path's length limit (107 bytes) is curl's to report.
        let request = HTTPRequest(
            url: (options.url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 } ?? "http://localhost") + path,
            method: method, headers: headers, body: body ?? [],
            credentials: options.url == nil ? nil : options.token.map { .bearer($0) },
            // A verification reads the whole ledger.
            timeout: .seconds(120), bodyBytesMax: 1 << 30, unixSocketPath: options.url == nil ? options.socketPath : nil
        )
        do {
            let response = try await client.send(request)
            return APIAnswer(status: response.status, body: response.body)
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
