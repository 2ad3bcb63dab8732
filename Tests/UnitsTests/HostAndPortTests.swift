import Testing
import Units

/// Goal: an address is read the same everywhere. Method: each form once, and what is none.
@Suite struct HostAndPortTests {
    @Test(arguments: [
        ("shop.example:8080", "shop.example", 8080), ("10.0.0.5:1", "10.0.0.5", 1), ("[::1]:65535", "::1", 65_535),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
    ])
    func `a host and a port are taken apart`(text: String, host: String, port: Int) {
        let read = HostAndPort(text)
        #expect(read?.host == host)
        #expect(read?.port == port)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":80", "[]:80", "::1:80", "host:0", "host:65536", "host:+80", "host:-1", "host:8o",
        "host:99999999999999999999",
    ])
    func `what has no host or no port is refused`(text: String) {
        #expect(HostAndPort(text) == nil)
    }

    @Test func `port 0 counts where the caller takes it`() {
        #expect(HostAndPort("127.0.0.1:0", ports: 0...65_535)?.port == 0)
    }
}
