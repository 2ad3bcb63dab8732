import Glibc
import Synchronization

private let given = Mutex<Set<Int>>([])

/// A TCP port of the loopback address that nothing listens on.
///
/// Below 32768, where Linux takes the ports of outgoing connections from, so that a server which is down for a while
/// finds its port free when it comes back. No port is given out twice by one process, so that two servers which start at the same
/// time do not get the same.
func freePort() throws(StackError) -> Int {
    for _ in 0..<200 {
        let port = Int.random(in: 18_000..<32_000)
        guard given.withLock({ $0.insert(port).inserted }) else { continue }
        if isFree(port) { return port }
    }
    throw StackError(.spawnFailed, "no free port between 18000 and 32000 on 127.0.0.1")
}

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = loopbackAddress(port)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

func loopbackAddress(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return address
}
