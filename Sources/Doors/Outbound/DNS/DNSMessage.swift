// Messages of the domain name system (RFC 1035, section 4; SRV records RFC 2782, IPv6 addresses RFC 3596).
//
//     0      2      4      6      8      10     12
//     │ id   │ flags│ qd   │ an   │ ns   │ ar   │ question … │ answers … │
//
// A name is a row of labels, each a byte of length and its bytes, ended by a length of 0. A length of 0xC0 and more is a pointer to an
// earlier place of the message, where the rest of the name stands; a limit on jumps keeps a hostile answer from going in circles.

/// The kinds of record that can be asked for.
public enum DNSRecordType: UInt16, Sendable, Hashable {
    case ipv4 = 1
    case nameServer = 2
    case mailExchange = 15
    case ipv6 = 28
    case service = 33
}

/// What a record says.
public enum DNSRecord: Sendable, Hashable {
    /// IPv4 or IPv6 as text.
    case address(String)
    /// Host names end with a dot.
    case service(host: String, port: Int, priority: Int, weight: Int)
    case mailExchange(host: String, preference: Int)
    case nameServer(String)
}

/// Why an answer is none.
struct DNSFault: Error, Hashable {
    var reason: String
}

/// What an answer says.
struct DNSAnswer: Hashable {
    var id: UInt16
    var isTruncated: Bool
    /// 0: no error; 3: no such name.
    var code: UInt8
    var records: [DNSRecord]
}

enum DNSMessage {
    /// The question for one kind of record.
    /// - Throws: `DNSFault` for a name that cannot be asked for.
    static func query(_ name: String, _ type: DNSRecordType, id: UInt16) throws(DNSFault) -> [UInt8] {
        var bytes: [UInt8] = []
        func put(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(value & 0xFF)] }
        put(id)
        // A standard query, recursion desired.
        put(0x0100)
        put(1)
        put(0)
        put(0)
        put(0)
        for label in name.split(separator: ".", omittingEmptySubsequences: true) {
            guard label.utf8.count <= 63 else { throw DNSFault(reason: "a part of the name is longer than 63 bytes") }
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        bytes.append(0)
        guard bytes.count - 12 <= 255 else { throw DNSFault(reason: "the name is longer than 255 bytes") }
        put(type.rawValue)
        // The class of the Internet.
        put(1)
        return bytes
    }

    static func answer(_ bytes: [UInt8], to type: DNSRecordType) throws(DNSFault) -> DNSAnswer {
        var reader = Reader(bytes: bytes)
        let id = try reader.number16()
        let flags = try reader.number16()
        guard flags & 0x8000 != 0 else { throw DNSFault(reason: "it is a question") }
        let questionCount = try reader.number16()
        let answerCount = try reader.number16()
        reader.place = 12
        for _ in 0..<questionCount {
            _ = try reader.name()
            try reader.skip(4)
        }
        var answer = DNSAnswer(id: id, isTruncated: flags & 0x0200 != 0, code: UInt8(flags & 0x0F), records: [])
        // What is cut off is asked for again over TCP.
        if answer.isTruncated { return answer }
        for _ in 0..<answerCount {
            _ = try reader.name()
            let kind = try reader.number16()
            try reader.skip(6)
            let length = Int(try reader.number16())
            let end = reader.place + length
            guard end <= bytes.count else { throw DNSFault(reason: "a record ends behind the answer") }
            // Aliases come along with the addresses they lead to.
            if kind == type.rawValue { answer.records.append(try reader.record(type, length: length)) }
            reader.place = end
        }
        return answer
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func byte() throws(DNSFault) -> UInt8 {
            guard place < bytes.count else { throw DNSFault(reason: "it ends too early") }
            defer { place += 1 }
            return bytes[place]
        }

        mutating func number16() throws(DNSFault) -> UInt16 { UInt16(try byte()) << 8 | UInt16(try byte()) }

        mutating func skip(_ count: Int) throws(DNSFault) {
            guard place + count <= bytes.count else { throw DNSFault(reason: "it ends too early") }
            place += count
        }

        /// With a dot at its end.
        mutating func name() throws(DNSFault) -> String {
            var text = ""
            var after: Int?
            var jumpCount = 0
            while true {
                let length = try byte()
                if length == 0 { break }
                if length & 0xC0 == 0xC0 {
                    let target = Int(length & 0x3F) << 8 | Int(try byte())
                    after = after ?? place
                    jumpCount += 1
                    guard jumpCount <= 32, target < bytes.count else {
                        throw DNSFault(reason: "a name leads in circles")
                    }
                    place = target
                } else {
                    guard length & 0xC0 == 0, place + Int(length) <= bytes.count, text.utf8.count <= 255 else {
                        throw DNSFault(reason: "a name makes no sense")
                    }
                    text += String(decoding: bytes[place..<(place + Int(length))], as: UTF8.self) + "."
                    place += Int(length)
                }
            }
            if let after { place = after }
            return text.isEmpty ? "." : text
        }

        mutating func record(_ type: DNSRecordType, length: Int) throws(DNSFault) -> DNSRecord {
            switch type {
            case .ipv4:
                guard length == 4 else { throw DNSFault(reason: "an IPv4 address of \(length) bytes") }
                return .address(bytes[place..<(place + 4)].map { String($0) }.joined(separator: "."))
            case .ipv6:
                guard length == 16 else { throw DNSFault(reason: "an IPv6 address of \(length) bytes") }
                return .address(ipv6Text(bytes[place..<(place + 16)]))
            case .service:
                let (priority, weight, port) = (try number16(), try number16(), try number16())
                return .service(host: try name(), port: Int(port), priority: Int(priority), weight: Int(weight))
            case .mailExchange:
                let preference = try number16()
                return .mailExchange(host: try name(), preference: Int(preference))
            case .nameServer: return .nameServer(try name())
            }
        }
    }

    /// The short form of RFC 5952: the longest row of zeros becomes `::`.
    static func ipv6Text(_ bytes: some Collection<UInt8>) -> String {
        let flat = Array(bytes)
        let groups = (0..<8).map { UInt16(flat[2 * $0]) << 8 | UInt16(flat[2 * $0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        return best.isEmpty
            ? text(groups[...]) : "\(text(groups[..<best.lowerBound]))::\(text(groups[best.upperBound...]))"
    }
}
