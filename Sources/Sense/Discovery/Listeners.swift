import Glibc

/// A socket that waits for connections.
public struct Listener: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        /// `0.0.0.0` and `::` mean every interface.
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public var address: Address
    /// Nil when the owner cannot be seen or guessed.
    public var process: HostProcess?
    /// On what ground `process` is a guess; nil where the kernel says so.
    public var guess: String?
    /// What answered at the port; nil where nobody was asked, or nobody answered.
    public var answer: PortAnswer?
}

/// A running program.
public struct HostProcess: Sendable, Hashable {
    public var pid: Int
    /// The kernel's short name, at most 15 bytes.
    public var name: String
    /// Empty for kernel threads.
    public var arguments: [String]
    /// The user it runs as; nil where that cannot be read.
    public var user: UInt32?
}

extension HostTree {
    /// All processes that can be seen.
    func processes() -> [HostProcess] {
        names(in: "/proc").compactMap { entry in
            guard let pid = Int(entry), let name = text("/proc/\(pid)/comm") else { return nil }
            let commandLine = text("/proc/\(pid)/cmdline") ?? ""
            let arguments = commandLine.split(separator: "\0").map(String.init)
            return HostProcess(
                pid: pid, name: String(name.prefix { !$0.isNewline }), arguments: arguments, user: user(of: pid))
        }
    }

    /// The effective user: the second number behind `Uid:` (proc(5)).
    private func user(of pid: Int) -> UInt32? {
        let status = text("/proc/\(pid)/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }
        let numbers = line?.split { $0 == "\t" || $0 == " " }.dropFirst() ?? []
        return numbers.count > 1 ? UInt32(numbers[numbers.startIndex + 1]) : nil
    }

    /// All listening TCP and unix sockets with their owners (proc(5): /proc/net/tcp, /proc/net/unix), known or guessed.
    /// - Returns: also whether there are processes whose sockets cannot be seen.
    func listeners(among processes: [HostProcess]) -> (listeners: [Listener], hasHidden: Bool) {
        var addressByInode: [String: Listener.Address] = [:]
        var userByInode: [String: UInt32] = [:]
        for (file, isIPv6) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
            for line in (text(file) ?? "").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // Field 3 is the state (0A is LISTEN), field 7 the user, field 9 the inode.
                guard fields.count > 9, fields[3] == "0A", let address = tcpAddress(fields[1], isIPv6: isIPv6) else {
                    continue
                }
                addressByInode[String(fields[9])] = address
                userByInode[String(fields[9])] = UInt32(fields[7])
            }
        }
        for line in (text("/proc/net/unix") ?? "").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            // Flag 0x10000 is __SO_ACCEPTCON: the socket listens. Names that begin with @ have no file.
            guard fields.count == 8, fields[3] == "00010000", fields[7].hasPrefix("/") else { continue }
            addressByInode[String(fields[6])] = .unix(path: String(fields[7]))
            userByInode[String(fields[6])] = owner(of: String(fields[7]))
        }
        var owners: [String: HostProcess] = [:]
        var hasHidden = false
        for process in processes {
            guard let descriptors = namesIfReadable(in: "/proc/\(process.pid)/fd") else {
                hasHidden = true
                continue
            }
            for descriptor in descriptors {
                guard let target = link("/proc/\(process.pid)/fd/\(descriptor)") else {
                    // Root may list the numbers of any process; where they lead needs CAP_SYS_PTRACE.
                    hasHidden = true
                    continue
                }
                guard target.hasPrefix("socket:[") else { continue }
                let inode = String(target.dropFirst("socket:[".count).dropLast())
                // Workers inherit their master's socket; the one that came first opened it.
                if addressByInode[inode] != nil, owners[inode].map({ $0.pid > process.pid }) ?? true {
                    owners[inode] = process
                }
            }
        }
        let listeners = addressByInode.map { inode, address in
            if let owner = owners[inode] { return Listener(address: address, process: owner) }
            let guess = OwnerGuess(address, user: userByInode[inode], among: processes)
            return Listener(address: address, process: guess?.process, guess: guess?.ground)
        }
        return (listeners.sorted { $0.address.sortKey < $1.address.sortKey }, hasHidden)
    }

    /// `0100007F:1F90`: the address as 32-bit words in the host's byte order, in hexadecimal, and the port.
    private func tcpAddress(_ field: Substring, isIPv6: Bool) -> Listener.Address? {
        let parts = field.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1], radix: 16), parts[0].count == (isIPv6 ? 32 : 8) else {
            return nil
        }
        var bytes: [UInt8] = []
        var rest = parts[0]
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .tcp(host: host, port: port)
    }
}

extension Listener.Address {
    fileprivate var sortKey: String {
        switch self {
        case .tcp(let host, let port): "0 \(String(repeating: "0", count: 5 - String(port).count))\(port) \(host)"
        case .unix(let path): "1 \(path)"
        }
    }

    /// Where a client on this host connects: an address that means every interface becomes the loopback.
    var localHost: String? {
        guard case .tcp(let host, _) = self else { return nil }
        switch host {
        case "0.0.0.0": return "127.0.0.1"
        case "::": return "127.0.0.1"
        default: return host
        }
    }

    var port: Int? {
        if case .tcp(_, let port) = self { port } else { nil }
    }
}

extension Listener.Address: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}
