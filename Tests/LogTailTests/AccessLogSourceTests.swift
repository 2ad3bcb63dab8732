import Glibc
import Outbound
import Series
import TestSupport
import Testing
import Units

@testable import LogTail

/// Goal: the counts say what the log says. Method: a written log, and one that a real nginx writes and reopens.
@Suite struct AccessLogSourceTests {
    private let now = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

    private func value(_ batch: SampleBatch, _ metric: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double?
    {
        batch.rows.first { $0.labels == Labels(metric, labels) }?.value
    }

    @Test func `responses, bytes, times and unreadable lines are counted`() async throws {
        let folder = try TemporaryFolder()
        let log = folder.path + "/access.log"
        func line(_ request: String, _ status: Int, _ tail: String = "") -> String {
            "10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] \"\(request)\" \(status) 100 \"-\" \"curl\"\(tail)\n"
        }
        let text =
            line("GET / HTTP/1.1", 200, " 0.004") + line("GET /a HTTP/1.1", 200, " 0.3")
            + line("GET /b HTTP/1.1", 200, " 20.0")
            + line("BREW /pot HTTP/1.1", 418) + "nonsense\n" + line("POST / HTTP/1.1", 502)
        let file = try #require(fopen(log, "w"))
        fputs(text, file)
        fclose(file)
        let source = AccessLogSource(
            name: "nginx/log", labels: Labels(), path: log, positionFile: PositionFile(path: folder.path + "/position"),
            startsAtBeginning: true)
        let batch = try await source.read(at: now)
        #expect(value(batch, "nginx_http_response_count_total", ["method": "GET", "status": "200"]) == 3)
        #expect(value(batch, "nginx_http_response_count_total", ["method": "OTHER", "status": "418"]) == 1)
        #expect(value(batch, "nginx_http_response_count_total", ["method": "POST", "status": "502"]) == 1)
        #expect(value(batch, "nginx_http_response_size_bytes_total", ["method": "GET", "status": "200"]) == 300)
        #expect(value(batch, "nginx_access_log_parse_errors_total") == 1)
        #expect(value(batch, "nginx_access_log_lines_total") == 6)
        func bucket(_ bound: String) -> Double? {
            value(
                batch, "nginx_http_response_time_seconds_bucket", ["method": "GET", "status": "200", "le": bound])
        }
        #expect(bucket("0.005") == 1)
        #expect(bucket("0.25") == 1)
        #expect(bucket("0.5") == 2)
        #expect(bucket("10") == 2)
        #expect(bucket("+Inf") == 3)
        #expect(value(batch, "nginx_http_response_time_seconds_count", ["method": "GET", "status": "200"]) == 3)
        // A second process counts from zero and from where the first one stopped.
        let again = AccessLogSource(
            name: "nginx/log", labels: Labels(), path: log, positionFile: PositionFile(path: folder.path + "/position"))
        #expect(value(try await again.read(at: now), "nginx_access_log_lines_total") == 0)
    }

    @Test func `a real nginx's log is understood, also after it was rotated`() async throws {
        let folder = try StackFolder()
        let nginx = try await NginxServer.start(in: folder.path)
        let source = AccessLogSource(
            name: "nginx/log", labels: Labels(), path: nginx.accessLogPath, positionFile: nil)
        let before = value(try await source.read(at: now), "nginx_access_log_lines_total")
        #expect(before == 0)
        func request(_ path: String) async throws {
            _ = try await HTTPClient().send(HTTPRequest(url: nginx.url + path))
        }
        try await request("/")
        try await waitUntil("the request is logged") {
            (try? await self.value(source.read(at: self.now), "nginx_access_log_lines_total")) ?? 0 > 0
        }
        rename(nginx.accessLogPath, nginx.accessLogPath + ".1")
        if let pid = nginx.pid { kill(pid, SIGUSR1) }
        try await waitUntil("the log is reopened") { access(nginx.accessLogPath, F_OK) == 0 }
        let counted = value(try await source.read(at: now), "nginx_access_log_lines_total") ?? 0
        try await request("/")
        try await waitUntil("the request is logged in the new file") {
            (try? await self.value(source.read(at: self.now), "nginx_access_log_lines_total")) ?? 0 > counted
        }
        #expect(value(try await source.read(at: now), "nginx_access_log_parse_errors_total") == 0)
        await nginx.stop()
    }
}
