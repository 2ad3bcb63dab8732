import Glibc

/// A real nginx with a configuration, prefix and logs of its own, run by an unprivileged user, workers and all.
///
/// The access log is in the combined format with the request's time in seconds behind it:
/// `127.0.0.1 - - [21/Nov/2026:03:18:18 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1" 0.004`.
public final class NginxServer: StackServer {
    public struct Options: Sendable {
        /// The port on 127.0.0.1 that requests are passed on to; nil serves a page of its own.
        public var upstreamPort: Int?
        /// The port; a free one when nil.
        public var port: Int?
        /// Directives that are added to the server block, each with its `;`.
        public var serverDirectives: String
        /// PEM files of a certificate and its key, for a second port that speaks TLS.
        public var certificate: (chain: String, key: String)?

        public init(
            upstreamPort: Int? = nil, port: Int? = nil, serverDirectives: String = "",
            certificate: (chain: String, key: String)? = nil
        ) {
            self.upstreamPort = upstreamPort
            self.port = port
            self.serverDirectives = serverDirectives
            self.certificate = certificate
        }
    }

    public let process: ServerProcess
    public let port: Int
    /// Nil without a certificate.
    public let tlsPort: Int?
    public let configurationPath: String
    public let accessLogPath: String
    public let errorLogPath: String
    public var url: String { "http://127.0.0.1:\(port)" }
    public var statusURL: String { "\(url)/stub_status" }
    /// A quick end; SIGQUIT would wait for open connections.
    public var stopSignal: Int32 { SIGTERM }

    private init(process: ServerProcess, port: Int, tlsPort: Int?, home: String) {
        self.process = process
        self.port = port
        self.tlsPort = tlsPort
        configurationPath = "\(home)/nginx.conf"
        accessLogPath = "\(home)/logs/access.log"
        errorLogPath = "\(home)/logs/error.log"
    }

    /// Starts a server with its prefix at `<folder>/nginx`.
    public static func start(in folder: String, _ options: Options = Options()) async throws -> NginxServer {
        let account = try Account.unprivileged(preferring: ["www-data"])
        let home = "\(folder)/nginx"
        try Files.makeFolder(home, mode: 0o755, owner: account)
        for name in ["logs", "temporary", "pages"] {
            try Files.makeFolder("\(home)/\(name)", mode: 0o755, owner: account)
        }
        try Files.write("<!doctype html><title>nginx</title><h1>It works</h1>\n", to: "\(home)/pages/index.html")
        let port = try options.port ?? freePort()
        let tlsPort: Int? = try options.certificate == nil ? nil : freePort()
        let text = configuration(options, home: home, port: port, tlsPort: tlsPort)
        try Files.write(text, to: "\(home)/nginx.conf", owner: account)
        var command = Command(
            [
                try Programs.find("nginx", package: "nginx"), "-p", "\(home)/", "-c", "\(home)/nginx.conf", "-e",
                "\(home)/logs/error.log",
            ], as: account)
        command.folder = home
        let process = ServerProcess(name: "nginx", command, logPath: "\(home)/nginx.log")
        let server = NginxServer(process: process, port: port, tlsPort: tlsPort, home: home)
        try await server.start()
        return server
    }

    public func answers() async -> Bool {
        // Whatever the error, it does not answer.
        let answer = try? await Loopback.request(port: port, "GET", "/stub_status", limit: .seconds(1))
        return answer?.status == 200 && answer?.body.hasPrefix("Active connections") == true
    }

    private static func configuration(_ options: Options, home: String, port: Int, tlsPort: Int?) -> String {
        var listening = "        listen 127.0.0.1:\(port);\n"
        if let tlsPort, let certificate = options.certificate {
            listening += "        listen 127.0.0.1:\(tlsPort) ssl;\n"
            listening += "        ssl_certificate \"\(certificate.chain)\";\n"
            listening += "        ssl_certificate_key \"\(certificate.key)\";\n"
        }
        let content =
            options.upstreamPort.map { upstream in
                """
                            proxy_pass http://127.0.0.1:\(upstream);
                            proxy_http_version 1.1;
                            proxy_set_header Host $host;
                            proxy_set_header X-Forwarded-For $remote_addr;
                            proxy_connect_timeout 1s;
                            proxy_read_timeout 10s;
                """
            } ?? "            root \"\(home)/pages\";"
        return """
            daemon off;
            worker_processes 1;
            pid "\(home)/nginx.pid";
            error_log "\(home)/logs/error.log" warn;
            events { worker_connections 256; }
            http {
                log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                                 '"$http_referer" "$http_user_agent" $request_time';
                access_log "\(home)/logs/access.log" timed;
                client_body_temp_path "\(home)/temporary/body";
                proxy_temp_path "\(home)/temporary/proxy";
                fastcgi_temp_path "\(home)/temporary/fastcgi";
                uwsgi_temp_path "\(home)/temporary/uwsgi";
                scgi_temp_path "\(home)/temporary/scgi";
                server {
            \(listening)        location = /stub_status { stub_status; access_log off; }
                    location / {
            \(content)
                    }
                    \(options.serverDirectives)
                }
            }

            """
    }
}
