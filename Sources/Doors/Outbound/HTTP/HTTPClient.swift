import BlockingCalls
import CLibcurl
import Compression
import Diagnostics
import Glibc

/// Sends HTTP requests. Holds nothing: each request has a connection of its own.
public struct HTTPClient: Sendable {
    public init() {}

    /// Sends `request` and gives the whole reply.
    /// - Throws: `OutboundError` when no complete reply came; `CancellationError` when the task is cancelled, in which case the
    ///   transfer itself ends within a second.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await blocking { stop in try exchange(request, stop) }
    }

    /// Sends `request` and hands on the reply's body line by line as it arrives, without line ends, as for server-sent events.
    /// - Parameter onLine: runs on a thread that may block, one call at a time; false ends the transfer.
    /// - Returns: the reply without its body.
    /// - Throws: as `send`; `bodyTooLarge` when one line is longer than `bodyBytesMax`.
    public func lines(
        of request: HTTPRequest, _ onLine: @escaping @Sendable (String) -> Bool
    ) async throws -> HTTPResponse {
        try await blocking { stop in try stream(request, stop, onLine) }
    }
}

/// Runs `body` on a thread that may block; the flag is raised when the task is cancelled.
/// - Throws: `DeadlineExceeded` when `limit` has passed, else what `body` throws.
func blocking<Result: Sendable>(
    within limit: Duration? = nil, _ body: @escaping @Sendable (StopFlag) throws -> Result
) async throws -> Result {
    let stop = StopFlag()
    return try await withTaskCancellationHandler {
        try await BlockingThreads.shared.run(within: limit, onExpiry: { stop.raise() }) { try body(stop) }
    } onCancel: {
        stop.raise()
    }
}

/// libcurl's own size of its buffer, and the largest that is asked for.
private let standardBufferByteCount = 16 << 10
private let bufferByteCountMax = 32 << 10

func exchange(_ request: HTTPRequest, _ stop: StopFlag, reusing kept: KeptHandle? = nil) throws -> HTTPResponse {
    let transfer = Transfer(stop: stop, reusing: kept)
    let reply = ReplyHead()
    var body: [UInt8] = []
    var isOverLimit = false
    if let expected = kept?.lastByteCount { body.reserveCapacity(min(expected, request.bodyBytesMax)) }
    let bufferByteCount = kept.map { min(max($0.lastByteCount, standardBufferByteCount), bufferByteCountMax) }
    transfer.onHeader = reply.take
    transfer.onBody = { piece in
        // A redirect's own body is thrown away by libcurl, so all bytes here are the last reply's.
        let space = request.bodyBytesMax - body.count
        body.append(contentsOf: piece.prefix(space))
        isOverLimit = piece.count > space
        return !isOverLimit
    }
    try prepare(transfer, for: request)
    // A large reply comes in fewer pieces, each of which is a wait and a call.
    if let bufferByteCount { transfer.set(CURLOPT_BUFFERSIZE, bufferByteCount) }
    let code = transfer.perform()
    if isOverLimit, !request.truncatesBody {
        throw OutboundError(
            .bodyTooLarge, target: origin(of: request.url), detail: "more than \(request.bodyBytesMax) bytes",
            timings: transfer.timings)
    }
    guard code == CURLE_OK || isOverLimit else { throw failure(transfer, code, request) }
    // Who asks the same peer again gets about as much.
    kept?.lastByteCount = body.count + body.count >> 4
    if request.acceptsCompression, !isOverLimit { body = try unpacked(body, reply, request, transfer.timings) }
    return response(transfer, reply, body, isOverLimit)
}

/// The content of a body that came compressed. libcurl, which could unpack it too, takes one that was cut off for a whole one.
/// - Throws: `bodyTooLarge`, `bodyDamaged`.
private func unpacked(
    _ body: [UInt8], _ reply: ReplyHead, _ request: HTTPRequest, _ timings: PhaseTimings
) throws(OutboundError) -> [UInt8] {
    let encoding = reply.headers["Content-Encoding"]?.lowercased()
    guard encoding == "gzip" || encoding == "x-gzip", request.method != "HEAD" else { return body }
    do throws(CompressionFailure) {
        return try Gzip.decompress(body, limit: request.bodyBytesMax)
    } catch {
        let isTooLarge = error.code == .tooLarge
        throw OutboundError(
            isTooLarge ? .bodyTooLarge : .bodyDamaged, target: origin(of: request.url),
            detail: isTooLarge ? "more than \(request.bodyBytesMax) bytes" : error.summary, timings: timings)
    }
}

private func stream(
    _ request: HTTPRequest, _ stop: StopFlag, _ onLine: @escaping @Sendable (String) -> Bool
) throws -> HTTPResponse {
    let transfer = Transfer(stop: stop)
    let reply = ReplyHead()
    var lines = LineSplitter(bytesMax: request.bodyBytesMax)
    var wasEnded = false
    transfer.onHeader = reply.take
    transfer.onBody = { piece in
        let goesOn = lines.take(piece, onLine)
        wasEnded = !goesOn
        return goesOn
    }
    try prepare(transfer, for: request)
    let code = transfer.perform()
    if lines.isOverLimit {
        throw OutboundError(
            .bodyTooLarge, target: origin(of: request.url), detail: "a line of more than \(request.bodyBytesMax) bytes",
            timings: transfer.timings)
    }
    guard code == CURLE_OK || wasEnded else { throw failure(transfer, code, request) }
    if !wasEnded { lines.finish(onLine) }
    return response(transfer, reply, [], false)
}

private func failure(_ transfer: Transfer, _ code: CURLcode, _ request: HTTPRequest) -> any Error {
    var secrets: [Secret] = []
    switch request.credentials {
    case .basic(_, let secret), .bearer(let secret): secrets = [secret]
    case nil: break
    }
    if let path = request.unixSocketPath { return transfer.failure(code, target: path, secrets: secrets) }
    let (proxy, exceptions) = proxy(of: request)
    return transfer.failure(
        code, target: origin(of: request.url), secrets: secrets, proxy: proxy, exceptions: exceptions)
}

/// The proxy that counts for the request's scheme, and which hosts go without; nil for none.
private func proxy(of request: HTTPRequest) -> (url: String?, exceptions: String?) {
    switch request.proxy {
    case .none: return (nil, nil)
    case .url(let url): return (url, request.proxyExceptions)
    case .fromEnvironment:
        // As the library looks for them: HTTP_PROXY does not count, since CGI puts a header of the caller there.
        let names =
            request.url.lowercased().hasPrefix("https:") ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        let found = (names + ["all_proxy", "ALL_PROXY"]).lazy.compactMap { getenv($0) }.map { String(cString: $0) }
        return (found.first { !$0.isEmpty }, getenv("no_proxy").map { String(cString: $0) } ?? "")
    }
}

private func response(_ transfer: Transfer, _ reply: ReplyHead, _ body: [UInt8], _ isTruncated: Bool) -> HTTPResponse {
    HTTPResponse(
        status: transfer.long(CURLINFO_RESPONSE_CODE), headers: reply.headers, body: body,
        isBodyTruncated: isTruncated, timings: transfer.timings, certificates: transfer.certificates,
        effectiveURL: transfer.text(CURLINFO_EFFECTIVE_URL), redirectCount: transfer.long(CURLINFO_REDIRECT_COUNT),
        version: reply.version)
}

private func prepare(_ transfer: Transfer, for request: HTTPRequest) throws {
    guard !request.url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
        throw OutboundError(
            .invalidRequest, target: origin(of: request.url), detail: "the URL has a space or a control character")
    }
    for field in request.headers.fields {
        guard (field.name + field.value).utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }), !field.name.isEmpty else {
            throw OutboundError(
                .invalidRequest, target: origin(of: request.url),
                detail: "header \(field.name) has a control character")
        }
    }
    let (url, detour) = try address(of: request)
    transfer.set(CURLOPT_URL, url)
    transfer.set(CURLOPT_PROTOCOLS_STR, "http,https")
    transfer.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    transfer.set(CURLOPT_FOLLOWLOCATION, request.redirectsMax > 0 ? 1 : 0)
    transfer.set(CURLOPT_MAXREDIRS, request.redirectsMax)
    transfer.limit(total: request.timeout, connect: request.connectTimeout)
    transfer.judgePeer(by: request.tls)
    transfer.go(through: request.proxy)
    if let path = request.unixSocketPath { transfer.set(CURLOPT_UNIX_SOCKET_PATH, path) }
    if let list = request.proxyExceptions { transfer.set(CURLOPT_NOPROXY, list) }
    if !request.proxyHeaders.fields.isEmpty {
        transfer.set(CURLOPT_PROXYHEADER, list: request.proxyHeaders.fields.map { "\($0.name): \($0.value)" })
    }
    if !request.allowsHTTP2 { transfer.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) }
    if let detour { transfer.set(CURLOPT_CONNECT_TO, list: [detour.connectTo]) }
    prepareBody(transfer, for: request, host: detour?.host)
    switch request.credentials {
    case .basic(let user, let password):
        transfer.set(CURLOPT_HTTPAUTH, Int(CURLAUTH_BASIC_BITS))
        transfer.set(CURLOPT_USERNAME, user)
        transfer.set(CURLOPT_PASSWORD, password.reveal())
    case .bearer(let token):
        transfer.set(CURLOPT_HTTPAUTH, Int(CURLAUTH_BEARER_BITS))
        transfer.set(CURLOPT_XOAUTH2_BEARER, token.reveal())
    case nil: break
    }
}

/// Where the connection goes when not to the URL's host.
private struct Detour {
    var connectTo: String
    /// What the `Host` header says instead of the URL's host; nil: the URL's.
    var host: String?
}

/// libcurl asks for the name of the URL and judges the certificate by it. For another name, that name becomes the URL's host, and
/// the connection and the `Host` header keep the old one.
private func address(of request: HTTPRequest) throws -> (url: String, Detour?) {
    if let address = request.connectAddress { return (request.url, Detour(connectTo: "::\(address)")) }
    guard let name = request.tls.serverName, request.url.lowercased().hasPrefix("https://") else {
        return (request.url, nil)
    }
    let rest = request.url.dropFirst("https://".count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    let hasPort = host.last != "]" && host.contains(":")
    let port = hasPort ? host[host.index(after: host.lastIndex(of: ":")!)...] : "443"
    let plain = hasPort ? host[..<host.lastIndex(of: ":")!] : host
    guard name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != 0x2F && $0 != 0x40 }) else {
        throw OutboundError(
            .invalidRequest, target: origin(of: request.url), detail: "the server name '\(name)' is no host name")
    }
    let user = authority.lastIndex(of: "@").map { authority[...$0] } ?? ""
    return (
        "https://\(user)\(name):\(port)\(rest.dropFirst(authority.count))",
        Detour(connectTo: "\(name):\(port):\(plain):\(port)", host: String(host))
    )
}

private func prepareBody(_ transfer: Transfer, for request: HTTPRequest, host: String?) {
    var lines = request.headers.fields.map { $0.value.isEmpty ? "\($0.name):" : "\($0.name): \($0.value)" }
    if let host, request.headers["Host"] == nil { lines.append("Host: \(host)") }
    if request.acceptsCompression { lines.append("Accept-Encoding: gzip") }
    if request.headers["User-Agent"] == nil { lines.append("User-Agent: jaga") }
    if request.method == "HEAD" {
        transfer.set(CURLOPT_NOBODY, 1)
    } else if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
        transfer.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(request.body.count))
        // libcurl takes a null pointer as "ask the read function", so an empty body still needs an address.
        (request.body.isEmpty ? [0] : request.body).withUnsafeBytes {
            transfer.set(CURLOPT_COPYPOSTFIELDS, pointer: $0.baseAddress)
        }
        // libcurl would call every body a form, and would wait a second for "100 Continue".
        if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        if request.headers["Expect"] == nil { lines.append("Expect:") }
        transfer.set(CURLOPT_CUSTOMREQUEST, request.method)
    } else if request.method != "GET" {
        transfer.set(CURLOPT_CUSTOMREQUEST, request.method)
    }
    transfer.set(CURLOPT_HTTPHEADER, list: lines)
}

/// `CURLAUTH_BASIC` and `CURLAUTH_BEARER` are casts in C, which Swift does not import.
private let CURLAUTH_BASIC_BITS = 1 << 0
private let CURLAUTH_BEARER_BITS = 1 << 6

/// The head of the newest reply: one that follows a redirect or a "100 Continue" replaces the one before.
private final class ReplyHead {
    private(set) var headers = HTTPHeaders()
    private(set) var version = ""

    /// By bytes: five to twenty lines come with every answer.
    func take(_ line: String) {
        let bytes = line.utf8
        if bytes.starts(with: "HTTP/".utf8) {
            headers = HTTPHeaders()
            version = String(decoding: bytes.dropFirst(5).prefix { $0 != 0x20 }, as: UTF8.self)
        } else if let colon = bytes.firstIndex(of: 0x3A) {
            headers.add(
                String(decoding: bytes[..<colon], as: UTF8.self),
                String(decoding: trimmed(bytes[bytes.index(after: colon)...]), as: UTF8.self))
        }
    }

    /// Without blanks and line ends on both sides (RFC 9110, 5.5).
    private func trimmed(_ value: Substring.UTF8View) -> Substring.UTF8View {
        var rest = value
        while let first = rest.first, first <= 0x20 { rest.removeFirst() }
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        return rest
    }
}

/// Cuts a stream of bytes into lines at LF; a CR before it goes too.
struct LineSplitter {
    let bytesMax: Int
    private(set) var isOverLimit = false
    private var pending: [UInt8] = []

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// - Returns: false when the taker has enough or a line is too long.
    mutating func take(_ piece: UnsafeBufferPointer<UInt8>, _ onLine: (String) -> Bool) -> Bool {
        var rest = piece[...]
        while let end = rest.firstIndex(of: 0x0A) {
            pending.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            guard pending.count <= bytesMax else { break }
            guard flush(onLine) else { return false }
        }
        pending.append(contentsOf: rest)
        isOverLimit = pending.count > bytesMax
        return !isOverLimit
    }

    /// The last line may have no end.
    mutating func finish(_ onLine: (String) -> Bool) {
        if !pending.isEmpty { _ = flush(onLine) }
    }

    private mutating func flush(_ onLine: (String) -> Bool) -> Bool {
        if pending.last == 0x0D { pending.removeLast() }
        defer { pending.removeAll(keepingCapacity: true) }
        return onLine(String(decoding: pending, as: UTF8.self))
    }
}
