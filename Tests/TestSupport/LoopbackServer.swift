import Diagnostics
public import Foundation
import SampleStack

/// A Python program that listens on a free loopback port and prints the port and its process id as its first line. It ends with the object,
/// or with this process, however that ends.
public final class LoopbackServer: @unchecked Sendable {
    // Every field is set in `init` and only read afterwards.
    public let port: Int
    private let processID: pid_t
    private let output: UnsafeMutablePointer<FILE>
    private let folder: StackFolder

    public init(_ program: String, _ arguments: [String] = [], python: String = "python3") throws {
        folder = try StackFolder(prefix: "jaga-server-")
        let script = URL(filePath: "\(folder.path)/server.py")
        try program.write(to: script, atomically: true, encoding: .utf8)
        let quoted = ([script.path(percentEncoded: false)] + arguments).map { "'\($0)'" }.joined(separator: " ")
        // `Process` waits on a run loop, which the threads of tests do not have.
        guard let pipe = popen("exec '\(python)' -u \(quoted) 2>/dev/null", "re") else {
            throw CocoaError(.fileReadUnknown)
        }
        output = pipe
        var line = [CChar](repeating: 0, count: 100)
        guard fgets(&line, 100, pipe) != nil else {
            throw PlainFailure(
                "no-server", "\(python) printed no port", hint: "JAGA_TEST_PYTHON names a Python that has aiosmtpd.")
        }
        let numbers = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard numbers.count == 2 else { throw CocoaError(.fileReadUnknown) }
        port = numbers[0]
        processID = pid_t(numbers[1])
        Caretaker.shared.adopt(process: processID)
    }

    deinit {
        kill(processID, SIGKILL)
        pclose(output)
        Caretaker.shared.release(process: processID)
        folder.remove()
    }

    /// Asks the process to end and waits until it has, five seconds at most.
    public func terminate() {
        kill(processID, SIGTERM)
        for _ in 0..<100 {
            // The child is ours, so it stays a zombie until it is waited for.
            if waitpid(processID, nil, WNOHANG) != 0 { return }
            usleep(50_000)
        }
    }

    /// Answers by path: `/status/503`, `/bytes/1000`, `/redirect/3`, `/slow/5` (seconds before the head), `/echo` (the request as
    /// lines), `/events` (three server-sent events, then silence).
    public static func http(arguments: [String] = []) throws -> LoopbackServer {
        try LoopbackServer(httpScript, arguments)
    }

    /// A port on which nothing listens.
    public static func closedPort() throws -> Int {
        try LoopbackServer(
            "import socket, os; s=socket.socket(); s.bind(('127.0.0.1',0)); print(s.getsockname()[1], os.getpid())"
        ).port
    }
}

/// A folder with an authority and certificates for `localhost`, made by the openssl program.
public struct TestCertificates {
    public let folder: URL

    public init() throws {
        folder = try LastingFolder.make("jaga certs ")
        let script = """
            cd "$1" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
              -days 10 -subj "/CN=Test Authority" 2>/dev/null
            make() {
              openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj "/CN=$2" 2>/dev/null
              printf 'subjectAltName=DNS:%s' "$2" > $1.ext
              openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $3 -extfile $1.ext -out $1.pem 2>/dev/null
            }
            make good localhost 5 && make other other.example 5
            # Before OpenSSL 3.4 "x509" cannot set an end in the past; "ca" can.
            mkdir -p db && : > db/index && echo 01 > db/serial
            printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db/index\\nserial=db/serial\\nnew_certs_dir=db\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > ca.cnf
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout old.key -out old.csr -subj "/CN=localhost" 2>/dev/null
            openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in old.csr -out old.pem -extfile good.ext \
              -startdate 20240101000000Z -enddate 20240201000000Z -notext 2>/dev/null
            """
        // `system` because `Process` waits on a run loop, which the threads of tests do not have.
        let file = folder.appending(path: "make.sh").path(percentEncoded: false)
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let code = system("sh '\(file)' '\(folder.path(percentEncoded: false))'")
        guard code == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    public func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

    public func remove() { LastingFolder.remove(folder) }
}

private let httpScript = #"""
    import os, http.server, socketserver, ssl, sys, time, threading
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        def log_message(self, *a): pass
        def reply(self, status, body=b'', headers=()):
            self.send_response(status)
            for name, value in headers: self.send_header(name, value)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            if self.command != 'HEAD': self.wfile.write(body)
        def answer(self):
            length = int(self.headers.get('Content-Length') or 0)
            sent = self.rfile.read(length)
            kind, _, rest = self.path.lstrip('/').partition('/')
            if kind == 'status': self.reply(int(rest), b'told to')
            elif kind == 'bytes': self.reply(200, b'x' * int(rest))
            elif kind == 'redirect':
                n = int(rest)
                self.reply(302, b'moved', [('Location', f'/redirect/{n-1}' if n > 1 else '/echo')])
            elif kind == 'slow':
                time.sleep(float(rest)); self.reply(200, b'late')
            elif kind == 'hangup': self.connection.shutdown(2)
            elif kind == 'events':
                self.send_response(200); self.end_headers()
                for n in range(3):
                    self.wfile.write(f'data: {n}\r\n\r\n'.encode()); self.wfile.flush()
                time.sleep(30)
            else:
                lines = [f'{self.command} {self.path}'] + [f'{k}: {v}' for k, v in self.headers.items()]
                self.reply(200, '\n'.join(lines).encode() + b'\n\n' + sent, [('X-Two', 'a'), ('X-Two', 'b')])
        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer
    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        def handle_error(self, *a): pass
    if len(sys.argv) > 1 and sys.argv[1] == 'unix':
        import socket
        class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            def get_request(self):
                connection, _ = super().get_request()
                return connection, ('local', 0)
        server = Unix(sys.argv[2], Handler); print(0, os.getpid())
    else:
        server = Server(('127.0.0.1', 0), Handler)
        if len(sys.argv) > 1:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[1], sys.argv[2])
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        print(server.server_port, os.getpid())
    server.serve_forever()
    """#
