import Glibc
import Processes
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: whoever holds connections keeps the daemon neither busy nor from ending. Method: connections from outside, and what the
    /// system says of the process.
    struct ConnectionTests {
        private static let configuration = "site: connections\nhost: {enabled: false}\nrules: {shipped: false}\n"

        @Test func `without descriptors the daemon rests, says so once, and answers when there are some again`()
            async throws
        {
            let jaga = try await JagaServer.start(Self.configuration)
            let pid = try #require(jaga.server.process.pid)
            // As few as it has, and some more.
            func highest() throws -> Int { try #require(namesIn("/proc/\(pid)/fd").compactMap { Int($0) }.max()) }
            let limit = try highest() + 16
            let set = try await Command(
                "/usr/bin/prlimit", ["--pid", "\(pid)", "--nofile=\(limit):"], timeLimit: .seconds(60)
            ).run()
            #expect(set.exitCode == 0, "\(set.errors.text)")
            let held = try (0..<40).map { _ in try connected(to: jaga.server.port) }
            let line = "no connection can be accepted at 127.0.0.1:\(jaga.server.port): Too many open files; "
            try await waitUntil("it is said") { jaga.log.contains(line + "this program may have \(limit) open") }
            try await waitUntilAtRest(pid)
            #expect(jaga.log.ranges(of: line).count == 1)
            // Not the last ones: libdispatch ends a process in which it can open none.
            #expect(try highest() < limit - 4)
            #expect(jaga.server.isRunning)
            for socket in held { close(socket) }
            #expect(try await jaga.text("/healthz").isEmpty == false)
            #expect(try await Loopback.request(port: jaga.server.port, "GET", "/healthz").status == 200)
            try await waitUntil("it is said") {
                jaga.log.contains("connections at 127.0.0.1:\(jaga.server.port) are accepted again")
            }
            await jaga.remove()
        }

        /// The store and the scrapes need descriptors as well.
        @Test func `who holds connections leaves descriptors to the others`() async throws {
            let jaga = try await JagaServer.start(Self.configuration, descriptorCountMax: 64)
            let pid = try #require(jaga.server.process.pid)
            let half = "GET / HTTP/1.1\r\nHost: loc"
            let held = try (0..<100).map { _ in try connected(to: jaga.server.port) }
            for socket in held { send(socket, half, half.utf8.count, Int32(MSG_NOSIGNAL)) }
            #expect(try await Loopback.request(port: jaga.server.port, "GET", "/healthz").status == 200)
            #expect(namesIn("/proc/\(pid)/fd").count < 56)
            #expect(!jaga.log.contains("cannot") && !jaga.log.contains("can be accepted"), "\(jaga.log)")
            for socket in held { close(socket) }
            await jaga.remove()
        }

        /// The limits of the program itself: those on a body and on an answer that nobody takes are 30 s.
        @Test func `clients that send half a request or read nothing hold the end up for some seconds at most`()
            async throws
        {
            let jaga = try await JagaServer.start(Self.configuration)
            let half = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname="
            let page = "GET /assets/app.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let slow = try connected(to: jaga.server.port)
            #expect(send(slow, half, half.utf8.count, Int32(MSG_NOSIGNAL)) == half.utf8.count)
            // As many requests as the buffers of both sides take while nothing is read.
            let deaf = try connected(to: jaga.server.port)
            let many = String(repeating: page, count: 2000)
            while send(deaf, many, many.utf8.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) > 0 {}
            #expect(try await Loopback.request(port: jaga.server.port, "GET", "/healthz").status == 200)
            #expect(kill(try #require(jaga.server.process.pid), SIGTERM) == 0)
            // Nearly as long as those limits: a machine that stands still for a while must not fail.
            try await waitUntil("it ends", timeout: .seconds(25)) { jaga.server.process.pid == nil }
            for socket in [slow, deaf] { close(socket) }
            await jaga.remove()
        }
    }
}
