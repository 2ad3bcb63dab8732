import Glibc

// Asks the name servers of the host for records that `getaddrinfo` does not give (SRV, MX, NS), and for addresses as the servers
// know them, without `/etc/hosts`. As every resolver does: UDP first, TCP when the answer was cut; the servers in their order, each
// tried twice; a name with few dots is also tried below the search domains (resolv.conf(5)).

/// Looks up records of the domain name system.
public struct DNSResolver: Sendable {
    /// Who is asked, and how.
    public struct Configuration: Sendable, Hashable {
        /// `address` or `[address]:port`; port 53 where none is given.
        public var servers: [String] = []
        public var searchDomains: [String] = []
        /// A name with at least so many dots is tried as it is before the search domains.
        public var dotCountMin = 1
        /// For one answer.
        public var timeout: Duration = .seconds(5)
        public var attempts = 2

        public init() {}

        /// Reads the text of a `resolv.conf`.
        public init(text: String) {
            for line in text.split(separator: "\n") {
                let words = line.prefix { $0 != "#" && $0 != ";" }.split { $0 == " " || $0 == "\t" }
                guard words.count >= 2 else { continue }
                switch words[0] {
                case "nameserver": servers.append(String(words[1]))
                case "search", "domain": searchDomains = words.dropFirst().map { String($0) }
                case "options":
                    for option in words.dropFirst() {
                        let parts = option.split(separator: ":")
                        guard parts.count == 2, let number = Int(parts[1]), (0...30).contains(number) else { continue }
                        if parts[0] == "ndots" { dotCountMin = number }
                        if parts[0] == "timeout" { timeout = .seconds(max(1, number)) }
                        if parts[0] == "attempts" { attempts = max(1, min(5, number)) }
                    }
                default: break
                }
            }
        }

        /// Of this host, as it is now; a server on this machine where the file is missing or names none.
        static func ofHost() -> Configuration {
            var bytes = [UInt8](repeating: 0, count: 64 * 1024)
            var configuration = Configuration()
            let descriptor = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC)
            if descriptor >= 0 {
                defer { close(descriptor) }
                let count = read(descriptor, &bytes, bytes.count)
                configuration = Configuration(text: String(decoding: bytes[..<max(0, count)], as: UTF8.self))
            }
            if configuration.servers.isEmpty { configuration.servers = ["127.0.0.1"] }
            return configuration
        }

        /// The names to try, in their order, each with a dot at its end.
        func candidates(for name: String) -> [String] {
            if name.hasSuffix(".") { return [name] }
            let searched = searchDomains.map { "\(name).\($0.hasSuffix(".") ? $0 : "\($0).")" }
            let own = "\(name)."
            return name.count(where: { $0 == "." }) >= dotCountMin ? [own] + searched : searched + [own]
        }
    }

    private let configuration: Configuration?

    /// - Parameter configuration: nil: `/etc/resolv.conf` as it is at each call.
    public init(_ configuration: Configuration? = nil) { self.configuration = configuration }

    /// All records of `name`. A name that exists nowhere gives none.
    /// - Throws: `OutboundError` when no server gave a usable answer.
    public func records(of name: String, _ type: DNSRecordType) async throws -> [DNSRecord] {
        try await blocking { [configuration] stop in
            let asked = configuration ?? .ofHost()
            var failure: OutboundError?
            var wasAnswered = false
            for candidate in asked.candidates(for: name) {
                do throws(OutboundError) {
                    let records = try ask(candidate, type, asked, stop)
                    wasAnswered = true
                    if !records.isEmpty { return records }
                } catch {
                    failure = error
                }
                if stop.isRaised { throw CancellationError() }
            }
            if let failure, !wasAnswered { throw failure }
            return []
        }
    }
}

private func ask(
    _ name: String, _ type: DNSRecordType, _ configuration: DNSResolver.Configuration, _ stop: StopFlag
) throws(OutboundError) -> [DNSRecord] {
    let target = "dns:\(name)"
    let id = UInt16.random(in: 1 ... .max)
    let query: [UInt8]
    do throws(DNSFault) { query = try DNSMessage.query(name, type, id: id) } catch {
        throw OutboundError(.invalidRequest, target: target, detail: error.reason)
    }
    var reasons: [String] = []
    for _ in 0..<configuration.attempts {
        for server in configuration.servers {
            guard !stop.isRaised else { break }
            do throws(DNSFault) {
                var answer = try exchange(query, id, type, with: server, configuration.timeout, isStream: false)
                if answer.isTruncated {
                    answer = try exchange(query, id, type, with: server, configuration.timeout, isStream: true)
                }
                switch answer.code {
                case 0, 3: return answer.records
                default: throw DNSFault(reason: "it answered with the error code \(answer.code)")
                }
            } catch {
                reasons.append("\(server): \(error.reason)")
            }
        }
    }
    throw OutboundError(.nameNotFound, target: target, detail: reasons.first ?? "there is no name server")
}

private func exchange(
    _ query: [UInt8], _ id: UInt16, _ type: DNSRecordType, with server: String, _ timeout: Duration, isStream: Bool
) throws(DNSFault) -> DNSAnswer {
    let deadline = ContinuousClock.now + timeout
    let descriptor = try connect(to: server, isStream: isStream, deadline)
    defer { close(descriptor) }
    let length = [UInt8(query.count >> 8), UInt8(query.count & 0xFF)]
    let message = isStream ? length + query : query
    guard send(descriptor, message, message.count, Int32(MSG_NOSIGNAL)) == message.count else { throw systemFault() }
    while true {
        let bytes = isStream ? try streamReply(descriptor, deadline) : try datagram(descriptor, deadline)
        // An answer to another question may be a late one, or forged.
        guard bytes.count >= 12, UInt16(bytes[0]) << 8 | UInt16(bytes[1]) == id else {
            if isStream { throw DNSFault(reason: "it answered another question") }
            continue
        }
        return try DNSMessage.answer(bytes, to: type)
    }
}

private func connect(to server: String, isStream: Bool, _ deadline: ContinuousClock.Instant) throws(DNSFault) -> Int32 {
    var host = Substring(server)
    var port = "53"
    if server.hasPrefix("["), let end = server.firstIndex(of: "]") {
        host = server[server.index(after: server.startIndex)..<end]
        let rest = server[server.index(after: end)...]
        if rest.hasPrefix(":") { port = String(rest.dropFirst()) }
    } else if server.count(where: { $0 == ":" }) == 1, let colon = server.firstIndex(of: ":") {
        host = server[..<colon]
        port = String(server[server.index(after: colon)...])
    }
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(isStream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(String(host), port, &hints, &found) == 0, let first = found else {
        throw DNSFault(reason: "'\(server)' is not the address of a name server")
    }
    defer { freeaddrinfo(found) }
    let info = first.pointee
    let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw systemFault() }
    do throws(DNSFault) {
        if Glibc.connect(descriptor, info.ai_addr, info.ai_addrlen) != 0 {
            guard errno == EINPROGRESS else { throw systemFault() }
            try wait(descriptor, Int16(POLLOUT), deadline)
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
            guard code == 0 else { throw DNSFault(reason: String(cString: strerror(code))) }
        }
    } catch {
        close(descriptor)
        throw error
    }
    return descriptor
}

private func datagram(_ descriptor: Int32, _ deadline: ContinuousClock.Instant) throws(DNSFault) -> [UInt8] {
    try wait(descriptor, Int16(POLLIN), deadline)
    var bytes = [UInt8](repeating: 0, count: 65_535)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw systemFault() }
    return Array(bytes[..<count])
}

private func streamReply(_ descriptor: Int32, _ deadline: ContinuousClock.Instant) throws(DNSFault) -> [UInt8] {
    func take(_ wanted: Int) throws(DNSFault) -> [UInt8] {
        var taken: [UInt8] = []
        while taken.count < wanted {
            try wait(descriptor, Int16(POLLIN), deadline)
            var bytes = [UInt8](repeating: 0, count: wanted - taken.count)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { throw count == 0 ? DNSFault(reason: "it hung up") : systemFault() }
            taken += bytes[..<count]
        }
        return taken
    }
    let length = try take(2)
    return try take(Int(length[0]) << 8 | Int(length[1]))
}

private func wait(_ descriptor: Int32, _ events: Int16, _ deadline: ContinuousClock.Instant) throws(DNSFault) {
    while true {
        let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { throw DNSFault(reason: "no answer in time") }
        var waiting = pollfd(fd: descriptor, events: events, revents: 0)
        let count = poll(&waiting, 1, Int32(min(milliseconds, 60_000)))
        if count > 0 { return }
        if count < 0, errno != EINTR { throw systemFault() }
    }
}

private func systemFault() -> DNSFault { DNSFault(reason: String(cString: strerror(errno))) }
