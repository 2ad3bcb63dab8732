import Foundation
import JSONCoding

/// A web server that takes remote write and keeps each request as it came. Its answers are given beforehand; when they are used up it
/// answers 204.
public final class RemoteWriteReceiver: Sendable {
    public struct Request: Sendable {
        /// Names in lower case.
        public let headers: [String: String]
        /// As sent, packed.
        public let body: [UInt8]
        public let status: Int
        /// What stood in the first line: a path, or an address where the receiver plays a proxy.
        public let target: String
        /// The common name of the client's certificate.
        public let client: String?
        /// Seconds since the epoch.
        public let at: Double
    }

    /// The server's certificate with its key, and who may have signed those of clients.
    public struct TLS: Sendable {
        public var certificate: String
        public var key: String
        public var clientAuthority: String?

        public init(certificate: String, key: String, clientAuthority: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthority = clientAuthority
        }
    }

    private let server: LoopbackServer
    private let folder: TemporaryFolder
    public let isSecure: Bool

    /// - Parameter answers: status and header fields of each, in order.
    public init(answers: [(status: Int, headers: [String: String])] = [], tls: TLS? = nil) throws {
        folder = try TemporaryFolder("receiver")
        isSecure = tls != nil
        let settings: JSONValue = [
            "messages": .string(folder.file("messages")),
            "answers": .array(
                answers.map { [.integer(Int64($0.status)), .object($0.headers.mapValues { .string($0) })] }),
            "certificate": tls.map { .string($0.certificate) } ?? .null, "key": tls.map { .string($0.key) } ?? .null,
            "down": .string(folder.file("down")), "authority": tls?.clientAuthority.map { .string($0) } ?? .null,
        ]
        try writeText(settings.canonicalText, to: folder.file("settings"))
        server = try LoopbackServer(script, [folder.file("settings")])
    }

    public var port: Int { server.port }
    public var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(server.port)/api/v1/write" }

    /// All so far, oldest first.
    public func requests() throws -> [Request] {
        guard let text = try? readText(folder.file("messages")) else { return [] }
        // The last line may be half written.
        return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
            let json = try JSONValue(parsing: String(line))
            return Request(
                headers: json["headers"]?.objectValue?.compactMapValues(\.stringValue) ?? [:],
                body: Array(Data(base64Encoded: json["body"]?.stringValue ?? "") ?? Data()),
                status: json["status"]?.intValue.map(Int.init) ?? 0, target: json["target"]?.stringValue ?? "",
                client: json["client"]?.stringValue, at: json["at"]?.doubleValue ?? 0)
        }
    }

    /// Whether every request is answered with 503, as while the store behind a balancer is away.
    public func setDown(_ isDown: Bool) throws {
        let mark = folder.file("down")
        if isDown { try writeText("", to: mark) } else { try FileManager.default.removeItem(atPath: mark) }
    }

    public func waitForTaken(_ count: Int, timeout: Duration = .seconds(60)) async throws -> [Request] {
        try await waitFor("\(count) requests at the receiver", timeout: timeout) {
            let taken = try requests().filter { (200..<300).contains($0.status) }
            return taken.count >= count ? taken : nil
        }
    }
}

private let script = #"""
    import base64, http.server, json, os, ssl, sys, threading, time
    settings = json.load(open(sys.argv[1]))
    lock = threading.Lock()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        def log_message(self, *rest): pass
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get('Content-Length', '0')))
            with lock:
                status, headers = settings['answers'].pop(0) if settings['answers'] else (204, {})
                if os.path.exists(settings['down']): status, headers = 503, {}
                client = None
                if settings['certificate'] and self.connection.getpeercert():
                    client = dict(pair[0] for pair in self.connection.getpeercert()['subject']).get('commonName')
                if status == 204 and 'v2' in self.headers.get('Content-Type', ''):
                    headers = dict({'X-Prometheus-Remote-Write-Samples-Written': '1'}, **headers)
                with open(settings['messages'], 'a') as out:
                    out.write(json.dumps({'headers': {k.lower(): v for k, v in self.headers.items()}, 'target': self.path,
                        'body': base64.b64encode(body).decode(), 'status': status, 'client': client,
                        'at': time.time()}) + '\n')
            text = b'' if status == 204 else b'not now'
            self.send_response(status)
            for name, value in headers.items(): self.send_header(name, value)
            if status != 204: self.send_header('Content-Length', str(len(text)))
            self.end_headers()
            self.wfile.write(text)
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    if settings['certificate']:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings['certificate'], settings['key'])
        if settings['authority']:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(settings['authority'])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], os.getpid(), flush=True)
    server.serve_forever()
    """#
