import BlockingCalls
import Diagnostics
import Synchronization

/// Sends requests to one peer, one at a time, and keeps the connection open between them: for who asks the same address all day, a
/// handshake for each question would cost more than the answer.
///
/// A request that comes while another is under way gets a connection of its own. An idle connection costs some 20 KB.
public final class HTTPConnection: Sendable {
    private let kept = Mutex<KeptHandle?>(nil)

    public init() {}

    /// As `HTTPClient.send`. A connection that the peer has closed meanwhile is made anew.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await send { request }
    }

    /// - Parameters:
    ///   - limit: for all of it. The request's own limit counts from when a thread takes it up; this one also ends the wait before that, and
    ///     a file that cannot be read.
    ///   - makeRequest: runs on the thread that sends, so that it may read files.
    /// - Throws: `DeadlineExceeded` when `limit` has passed, else as above.
    public func send(
        within limit: Duration? = nil, _ makeRequest: @escaping @Sendable () throws -> HTTPRequest
    ) async throws -> HTTPResponse {
        try await blocking(within: limit) { [self] stop in try exchange(stop, makeRequest) }
    }

    /// As `send`, on the calling thread, which must be one that may block (`BlockingThreads.mayBlockHere`). A task that is cancelled
    /// meanwhile comes back within a second.
    public func sendHere(_ request: HTTPRequest) async throws -> HTTPResponse {
        let stop = StopFlag()
        return try await withTaskCancellationHandler {
            try exchange(stop) { request }
        } onCancel: {
            stop.raise()
        }
    }

    private func exchange(_ stop: StopFlag, _ makeRequest: () throws -> HTTPRequest) throws -> HTTPResponse {
        let handle = kept.withLock { kept in
            defer { kept = nil }
            return kept
        }
        // A cancelled call comes back before its transfer has ended, so the handle is given back here and not by the caller.
        let own = handle ?? KeptHandle()
        defer { kept.withLock { $0 = own } }
        return try Outbound.exchange(try makeRequest(), stop, reusing: own)
    }
}
