import Compression
import Series

// Answers of the Prometheus API and pages of metrics are compressed for who asks for it, as the reference does: JSON of samples shrinks to
// a tenth. It is done before the answer goes out, on the thread that made it, so that its length is known, and what waits for a slow
// client is the small form. Pages for people are not compressed: they hold secrets of forms beside what an address puts into them, and
// the length of such a page would give them away (BREACH).

extension WebSite {
    /// Below this little is gained.
    static let compressedBytesMin = 1024
    /// The quickest: it takes most of what can be had of such text.
    private static let compressionLevel: Int32 = 1

    /// - Throws: `CancellationError` when nobody waits for the answer any more; `CompressionFailure` where there is no memory.
    static func compress(_ reply: inout Reply, for request: WebRequest) throws {
        guard request.path == "/metrics" || family(ofPath: request.path) == .prometheus, isText(reply),
            reply.header("content-encoding") == nil
        else { return }
        reply.set("vary", "accept-encoding")
        // Over the socket of the same machine bytes cost less than their compression.
        guard request.trust == .network, byteCount(of: reply.body) >= compressedBytesMin,
            AcceptedEncodings(request.headers["accept-encoding"] ?? "").prefersGzip
        else { return }
        var (parts, memory) = taken(from: &reply.body)
        let compressed = try Gzip.compress(parts: &parts, level: compressionLevel) { Task.isCancelled }
        guard let compressed else { throw CancellationError() }
        memory?.keep(compressed.reduce(0) { $0 + $1.count })
        reply.body = .parts(compressed, memory: memory)
        reply.set("content-encoding", "gzip")
    }

    private static func isText(_ reply: Reply) -> Bool {
        let types = ["application/json", "text/", "application/openmetrics-text", "application/vnd.google.protobuf"]
        return reply.header("content-type").map { type in types.contains { type.hasPrefix($0) } } ?? false
    }

    private static func byteCount(of body: Reply.Body) -> Int {
        switch body {
        case .bytes(let bytes): bytes.count
        case .text(let text): text.utf8.count
        case .parts(let parts, memory: _): parts.reduce(0) { $0 + $1.count }
        // Nobody knows before their end.
        case .pieces, .changes: 0
        }
    }

    /// Takes the bytes out of a body, so that each part is freed as soon as it is compressed.
    private static func taken(from body: inout Reply.Body) -> (parts: [[UInt8]], memory: MemoryShare?) {
        defer { body = .bytes([]) }
        switch body {
        case .bytes(let bytes): return ([bytes], nil)
        case .text(let text): return ([Array(text.utf8)], nil)
        case .parts(let parts, let memory): return (parts, memory)
        case .pieces, .changes: return ([], nil)
        }
    }
}

/// What the header `Accept-Encoding` says of gzip (RFC 9110, section 12.5.3).
struct AcceptedEncodings: Hashable {
    /// Whether gzip is taken, and as gladly as the plain form where that is named.
    let prefersGzip: Bool

    init(_ header: String) {
        var weights: [String: Double] = [:]
        for entry in header.lowercased().split(separator: ",") {
            let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }
            // What cannot be read is not wanted: the plain form is never wrong.
            weights[name] = weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
        }
        let gzip = weights["gzip"] ?? weights["x-gzip"] ?? weights["*"] ?? 0
        prefersGzip = gzip > 0 && gzip >= weights["identity"] ?? 0
    }
}
