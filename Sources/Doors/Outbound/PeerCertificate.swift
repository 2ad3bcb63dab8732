public import Units

/// What one certificate of the peer's chain says of itself.
public struct PeerCertificate: Sendable, Hashable {
    /// As in `CN = shop.example`.
    public var subject: String
    public var issuer: String
    /// `DNS:shop.example`, `IP Address:10.0.0.1` …, in the certificate's order.
    public var alternativeNames: [String]
    public var notBefore: Timestamp?
    public var notAfter: Timestamp?
    public var serialNumber: String

    public init(
        subject: String, issuer: String, alternativeNames: [String] = [], notBefore: Timestamp?, notAfter: Timestamp?,
        serialNumber: String = ""
    ) {
        self.subject = subject
        self.issuer = issuer
        self.alternativeNames = alternativeNames
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serialNumber = serialNumber
    }

    /// - Parameter fields: lines `name:value` as libcurl's CERTINFO gives them.
    init(fields: [String]) {
        var byName: [Substring: Substring] = [:]
        for field in fields {
            guard let colon = field.firstIndex(of: ":") else { continue }
            byName[field[..<colon]] = field[field.index(after: colon)...]
        }
        func text(_ name: Substring) -> String { String(byName[name] ?? "") }
        self.init(
            subject: text("Subject"), issuer: text("Issuer"),
            alternativeNames: text("X509v3 Subject Alternative Name").split(separator: ",").map {
                String($0.drop { $0 == " " })
            },
            notBefore: Self.time(text("Start date")), notAfter: Self.time(text("Expire date")),
            serialNumber: text("Serial Number"))
    }

    /// Reads OpenSSL's `Nov  1 03:18:20 2026 GMT`.
    static func time(_ text: String) -> Timestamp? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count >= 4, let month = months.firstIndex(of: String(words[0])), let day = Int(words[1]),
            let year = Int(words[3])
        else { return nil }
        let clock = words[2].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3 else { return nil }
        return CivilTime(
            year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2]
        ).utcTimestamp
    }
}
