import Glibc
import TestSupport
import Testing

/// A connection to a port of this machine. The caller closes it.
func connected(to port: Int) throws -> Int32 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let status = withUnsafeBytes(of: &address) {
        connect(socket, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
    }
    try #require(status == 0)
    return socket
}

/// Waits until a process uses hardly any processor time within a second of real time.
func waitUntilAtRest(_ pid: Int32) async throws {
    let clock = ContinuousClock()
    try await waitUntil("process \(pid) is at rest") {
        let (before, start) = (try processorSeconds(pid), clock.now)
        try await waitUntil("a second") { clock.now - start >= .seconds(1) }
        return try processorSeconds(pid) - before < 0.3
    }
}

/// User and system time of a process (proc(5)), at 100 ticks a second.
func processorSeconds(_ pid: Int32) throws -> Double {
    let fields = try readText("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    return (Double(fields[11]) ?? 0) / 100 + (Double(fields[12]) ?? 0) / 100
}
