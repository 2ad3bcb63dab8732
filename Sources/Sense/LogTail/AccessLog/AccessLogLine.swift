// nginx's format `combined` (https://nginx.org/en/docs/http/ngx_http_log_module.html):
//
//   $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"
//
// and, where the format goes on, the time that the request took: as a bare or quoted number of seconds, or as
// `rt=0.123`, `request_time=0.123`. nginx writes quotation marks inside a field as \x22, so that a field ends at the next
// one. The line is taken apart field by field: the status of a line is its ninth word only as long as no user name, request or
// user agent has spaces, which a visitor decides.

/// One line of an access log.
struct AccessLogLine: Equatable {
    var address: String
    /// `-` where nobody logged in.
    var user: String
    /// As written: `21/Nov/2026:03:50:12 +0000`.
    var time: String
    var method: String
    var target: String
    /// `HTTP/1.1`; empty where the request was no HTTP.
    var httpVersion: String
    var status: Int
    var sentByteCount: Int64
    var referrer: String
    var userAgent: String
    /// Seconds.
    var requestTime: Double?

    init?(_ line: UnsafeRawBufferPointer) {
        var reader = FieldReader(line)
        guard let address = reader.word(), !address.isEmpty, reader.word() == "-",
            // A user's name may hold spaces; it ends where the time begins.
            let user = reader.text(before: " ["), let time = reader.text(before: "] "),
            let request = reader.quoted(), reader.skipSpace(),
            let statusText = reader.word(), statusText.utf8.count == 3, let status = Int(statusText), status >= 0,
            let sizeText = reader.word(), let size = sizeText == "-" ? 0 : Int64(sizeText), size >= 0,
            let referrer = reader.quoted(), reader.skipSpace(), let userAgent = reader.quoted()
        else { return nil }
        self.address = address
        self.user = user
        self.time = time
        self.status = status
        sentByteCount = size
        self.referrer = referrer
        self.userAgent = userAgent
        // A request that is no HTTP (a port scan, TLS on the wrong port) is logged as it came, with status 400.
        let parts = request.split(separator: " ", omittingEmptySubsequences: false)
        if parts.count >= 3, let version = parts.last, version.hasPrefix("HTTP/") {
            method = String(parts[0])
            target = parts[1..<(parts.count - 1)].joined(separator: " ")
            httpVersion = String(version)
        } else {
            method = ""
            target = request
            httpVersion = ""
        }
        requestTime = Self.requestTime(in: &reader)
    }

    private static func requestTime(in reader: inout FieldReader) -> Double? {
        var bare: Double?
        while true {
            // A word takes the space behind it along, a quoted field does not.
            _ = reader.skipSpace()
            guard let field = reader.isAtQuote ? reader.quoted() : reader.word() else { break }
            if let equals = field.firstIndex(of: "=") {
                let key = field[..<equals]
                if key == "rt" || key == "request_time" || key == "req_time" {
                    return seconds(field[field.index(after: equals)...].filter { $0 != "\"" })
                }
            } else if bare == nil, field.contains("."), let value = seconds(field) {
                // The first bare number with a decimal point: nginx writes seconds with three of them.
                bare = value
            }
        }
        return bare
    }

    private static func seconds(_ text: some StringProtocol) -> Double? {
        guard let value = Double(String(text)), value >= 0, value.isFinite else { return nil }
        return value
    }
}

/// Takes fields off the front of a line.
private struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        // Windows line ends, as from a log that was edited.
        self.bytes = bytes.last == 13 ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes
    }

    var isAtQuote: Bool { place < bytes.count && bytes[place] == UInt8(ascii: "\"") }

    /// Text up to the next space, which is skipped. Nil at the end.
    mutating func word() -> String? {
        guard place < bytes.count else { return nil }
        let start = place
        while place < bytes.count, bytes[place] != 32 { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if place < bytes.count { place += 1 }
        return text
    }

    /// Text up to `mark`, which is skipped.
    mutating func text(before mark: StaticString) -> String? {
        let markCount = mark.utf8CodeUnitCount
        return mark.withUTF8Buffer { mark in
            var end = place
            while end + markCount <= bytes.count {
                if bytes[end] == mark[0], (1..<markCount).allSatisfy({ bytes[end + $0] == mark[$0] }) {
                    defer { place = end + markCount }
                    return String(decoding: bytes[place..<end], as: UTF8.self)
                }
                end += 1
            }
            return nil
        }
    }

    /// Text between quotation marks.
    mutating func quoted() -> String? {
        guard isAtQuote else { return nil }
        var end = place + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            // A backslash before a mark, as formats with `escape=json` write it.
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < bytes.count else { return nil }
        defer { place = end + 1 }
        return String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
    }

    /// - Returns: false when no space is next.
    mutating func skipSpace() -> Bool {
        guard place < bytes.count, bytes[place] == 32 else { return false }
        place += 1
        return true
    }
}
