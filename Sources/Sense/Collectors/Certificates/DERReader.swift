import BinaryCoding
import Units

// Just enough of DER (ITU-T X.690) to walk to two fields of a certificate (RFC 5280, section 4.1):
//
//     Certificate  ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
//     tbsCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer,
//                                   validity SEQUENCE { notBefore, notAfter }, subject, … }

/// One element: a tag and the bytes of its value.
struct DERElement {
    var tag: UInt8
    var value: ArraySlice<UInt8>

    /// The elements inside, or nil when they are not well-formed.
    var children: [DERElement]? {
        var rest = value
        var elements: [DERElement] = []
        while !rest.isEmpty {
            guard let element = DERElement(reading: &rest) else { return nil }
            elements.append(element)
        }
        return elements
    }

    /// Takes one element off the front of `bytes`.
    init?(reading bytes: inout ArraySlice<UInt8>) {
        guard let tag = bytes.popFirst(), tag & 0x1F != 0x1F, let first = bytes.popFirst() else { return nil }
        var length = Int(first)
        if first & 0x80 != 0 {
            let count = Int(first & 0x7F)
            guard (1...4).contains(count), bytes.count >= count else { return nil }
            length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(count)
        }
        guard bytes.count >= length else { return nil }
        self.tag = tag
        value = bytes.prefix(length)
        bytes = bytes.dropFirst(length)
    }
}

/// What is read of a certificate.
struct CertificateFacts: Equatable {
    /// The common name, or else the organisation, or else empty.
    var subject: String
    var expiry: Timestamp

    init?(der: [UInt8]) {
        var rest = der[...]
        guard let certificate = DERElement(reading: &rest), certificate.tag == 0x30,
            let signed = certificate.children?.first, var fields = signed.children
        else { return nil }
        // Version 1 has no version field.
        if fields.first?.tag == 0xA0 { fields.removeFirst() }
        guard fields.count >= 5, let validity = fields[3].children, validity.count == 2,
            let expiry = Self.time(validity[1])
        else { return nil }
        self.expiry = expiry
        subject = Self.name(fields[4]) ?? ""
    }

    /// UTCTime has two digits for the year, 50 and later meaning 19xx; GeneralizedTime has four (RFC 5280, 4.1.2.5).
    private static func time(_ element: DERElement) -> Timestamp? {
        guard element.value.last == UInt8(ascii: "Z") else { return nil }
        let digits = element.value.dropLast().map { Int($0) - 48 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        func pair(_ index: Int) -> Int { digits[index] * 10 + digits[index + 1] }
        let year: Int
        let rest: Int
        switch (element.tag, digits.count) {
        case (0x17, 12): (year, rest) = (pair(0) >= 50 ? 1900 + pair(0) : 2000 + pair(0), 2)
        case (0x18, 14): (year, rest) = (pair(0) * 100 + pair(2), 4)
        default: return nil
        }
        let (month, day) = (pair(rest), pair(rest + 2))
        let (hour, minute, second) = (pair(rest + 4), pair(rest + 6), pair(rest + 8))
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61 else { return nil }
        return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second).utcTimestamp
    }

    private static func name(_ element: DERElement) -> String? {
        var byKind: [UInt8: String] = [:]
        for set in element.children ?? [] {
            for pair in set.children ?? [] {
                guard let parts = pair.children, parts.count == 2, parts[0].tag == 0x06 else { continue }
                // 2.5.4.x is 55 04 x; 3 is the common name, 10 the organisation.
                let id = Array(parts[0].value)
                if id.count == 3, id[0] == 0x55, id[1] == 0x04 {
                    byKind[id[2]] = String(decoding: parts[1].value, as: UTF8.self)
                }
            }
        }
        return byKind[3] ?? byKind[10]
    }
}

/// The DER bytes of every `CERTIFICATE` block of a PEM file (RFC 7468). Nil stands for a block that is no base64.
func certificatesInPEM(_ text: String) -> [[UInt8]?] {
    var found: [[UInt8]?] = []
    var inside: String?
    for line in text.split(whereSeparator: \.isNewline) {
        if line.hasPrefix("-----BEGIN CERTIFICATE-----") || line.hasPrefix("-----BEGIN TRUSTED CERTIFICATE-----") {
            inside = ""
        } else if line.hasPrefix("-----END"), let block = inside {
            found.append(Base64.bytes(block.filter { !$0.isWhitespace }))
            inside = nil
        } else if inside != nil {
            inside? += line
        }
    }
    return found
}
