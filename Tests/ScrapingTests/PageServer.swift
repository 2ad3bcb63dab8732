import Foundation
import TestSupport

/// A target whose pages a test writes: `write("metrics", …)` is what `/metrics` answers from then on.
final class PageServer: Sendable {
    let folder: URL
    private let server: LoopbackServer

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "jaga-pages-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        server = try LoopbackServer(script, [folder.path(percentEncoded: false)])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var address: String { "127.0.0.1:\(server.port)" }

    func write(_ name: String, _ text: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    func write(_ name: String, bytes: [UInt8]) throws {
        try Data(bytes).write(to: folder.appending(path: name), options: .atomic)
    }

    func remove(_ name: String) { try? FileManager.default.removeItem(at: folder.appending(path: name)) }

    /// Path and header fields of the last request, one a line.
    func lastRequest() throws -> String {
        try String(contentsOf: folder.appending(path: "request.txt"), encoding: .utf8)
    }
}

private let script = #"""
    import os, http.server, socketserver, sys, time, gzip, zlib
    folder = sys.argv[1]
    def text(name, default):
        try: return open(os.path.join(folder, name)).read()
        except FileNotFoundError: return default
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        def log_message(self, *a): pass
        def do_GET(self):
            with open(os.path.join(folder, 'request.tmp'), 'w') as f:
                f.write(self.path + '\n' + ''.join(f'{k.lower()}: {v}\n' for k, v in self.headers.items()))
            os.rename(os.path.join(folder, 'request.tmp'), os.path.join(folder, 'request.txt'))
            time.sleep(float(text('slow', '0')))
            try: body = open(os.path.join(folder, self.path.lstrip('/').split('?')[0]), 'rb').read()
            except FileNotFoundError: body = b''
            self.send_response(int(text('status', '200')))
            kind = text('type', 'text/plain; version=0.0.4')
            if kind: self.send_header('Content-Type', kind)
            if 'gzip' in self.headers.get('Accept-Encoding', ''):
                whole = gzip.compress(body)
                body = {
                    'whole': whole, 'two': gzip.compress(body[:20]) + gzip.compress(body[20:]), 'cut': whole[:-12], 'no-sum': whole[:-8],
                    'empty': b'', 'zlib': zlib.compress(body), 'wrong-sum': whole[:-8] + b'1234' + whole[-4:],
                }[text('gzip', 'whole')]
                self.send_header('Content-Encoding', 'gzip')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        def handle_error(self, *a): pass
    server = Server(('127.0.0.1', 0), Handler)
    print(server.server_port, os.getpid())
    server.serve_forever()
    """#
