import BinaryCoding
public import Units

// A message in the Internet Message Format (RFC 5322) with MIME (RFC 2045–2047): 7-bit lines of at most 76 characters with
// CR LF, whatever the text holds, so that no server on the way has a reason to change or refuse it.
//
//     From, To, Subject, Date, Message-ID, extra fields
//     multipart/alternative          or, without HTML, a single text/plain
//       text/plain; quoted-printable
//       text/html;  quoted-printable
//
// The boundary holds "=_", which cannot stand in quoted-printable text, so it needs no search and no chance.

/// A message to be sent by mail.
public struct MailMessage: Sendable, Hashable {
    /// `Name <user@host>` or `user@host`.
    public var from: String
    public var to: [String]
    public var subject: String
    public var text: String
    public var html: String?
    public var date: Timestamp
    /// Without angle brackets, as in `01J8…@shop.example`. The same message sent twice keeps its ID.
    public var messageID: String
    /// Further header fields; ASCII.
    public var extraFields: [HTTPHeaders.Field]

    public init(
        from: String, to: [String], subject: String, text: String, html: String? = nil, date: Timestamp,
        messageID: String, extraFields: [HTTPHeaders.Field] = []
    ) {
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.html = html
        self.date = date
        self.messageID = messageID
        self.extraFields = extraFields
    }

    /// The bare address inside `Name <user@host>`, for the envelope.
    /// - Returns: nil when there is none, or when it holds a space, a control character or no `@`.
    public static func address(in text: String) -> String? {
        var address = text[...]
        if let open = text.lastIndex(of: "<"), let close = text.lastIndex(of: ">"), open < close {
            address = text[text.index(after: open)..<close]
        }
        let isPlain = address.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0.value != 0x7F && $0 != "<" && $0 != ">"
        }
        guard isPlain, let at = address.lastIndex(of: "@"), at != address.startIndex,
            address.index(after: at) != address.endIndex
        else { return nil }
        return String(address)
    }

    /// The message as it goes over the wire, without the dots that SMTP adds.
    public var wireText: String {
        var lines = [
            "From: \(Self.encodedMailbox(from))",
            "To: \(to.map(Self.encodedMailbox).joined(separator: ",\r\n "))",
            "Subject: \(Self.encodedWords(subject))",
            "Date: \(Self.dateText(date))",
            "Message-ID: <\(Self.oneLine(messageID))>",
            "MIME-Version: 1.0",
            // RFC 3834: keeps holiday replies away.
            "Auto-Submitted: auto-generated",
        ]
        lines += extraFields.map { "\(Self.oneLine($0.name)): \(Self.encodedWords($0.value))" }
        if let html {
            let boundary = "=_jaga_\(messageID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(40))"
            lines += ["Content-Type: multipart/alternative; boundary=\"\(boundary)\"", ""]
            lines += ["--\(boundary)"] + Self.part("text/plain", text)
            lines += ["--\(boundary)"] + Self.part("text/html", html)
            lines += ["--\(boundary)--"]
        } else {
            lines += Self.part("text/plain", text)
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    private static func part(_ type: String, _ content: String) -> [String] {
        [
            "Content-Type: \(type); charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "",
            quotedPrintable(content),
        ]
    }
}

extension MailMessage {
    /// `Sat, 21 Nov 2026 03:18:20 +0000` (RFC 5322, section 3.3).
    static func dateText(_ instant: Timestamp) -> String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = CivilTime(utc: instant)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[time.dayOfWeek]), \(two(time.day)) \(months[time.month - 1]) \(time.year)"
            + " \(two(time.hour)):\(two(time.minute)):\(two(time.second)) +0000"
    }

    /// Line breaks and other control characters would start a header field of their own.
    static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    /// `text` for a header field: as it is when it is ASCII, else in RFC 2047 words of at most 75 characters.
    static func encodedWords(_ text: String) -> String {
        let line = oneLine(text)
        guard line.utf8.contains(where: { $0 >= 0x80 }) || line.utf8.count > 900 else { return line }
        var words: [String] = []
        var piece: [UInt8] = []
        for character in line {
            let bytes = Array(String(character).utf8)
            // 45 bytes are 60 characters of base64; with the frame 72. The first line also holds the field's name. A character is
            // never cut in two.
            if piece.count + bytes.count > (words.isEmpty ? 36 : 45) {
                words.append("=?UTF-8?B?\(Base64.text(piece))?=")
                piece = []
            }
            piece += bytes
        }
        words.append("=?UTF-8?B?\(Base64.text(piece))?=")
        return words.joined(separator: "\r\n ")
    }

    /// `Name <user@host>` with the name encoded where it must be.
    static func encodedMailbox(_ mailbox: String) -> String {
        let line = oneLine(mailbox)
        guard let address = address(in: line), let open = line.lastIndex(of: "<") else { return line }
        let name = line[..<open].split(separator: " ").joined(separator: " ")
        if name.isEmpty { return "<\(address)>" }
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { return "\(encodedWords(name)) <\(address)>" }
        let isQuoted = name.hasPrefix("\"") && name.hasSuffix("\"")
        let isAtoms = name.allSatisfy { $0.isLetter || $0.isNumber || " -_".contains($0) }
        let escaped = String(name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
        return "\(isQuoted || isAtoms ? name : "\"\(escaped)\"") <\(address)>"
    }

    /// RFC 2045, section 6.7.
    static func quotedPrintable(_ text: String) -> String {
        var lines: [String] = []
        let source = Array(text.utf8.filter { $0 != 0x0D }).split(separator: 0x0A, omittingEmptySubsequences: false)
        for content in source {
            var line = ""
            for (index, byte) in zip(content.indices, content) {
                let isLast = index == content.endIndex - 1
                let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=")
                let isInnerSpace = (byte == 0x20 || byte == 0x09) && !isLast
                let unit = isPlain || isInnerSpace ? String(Unicode.Scalar(byte)) : "=" + hex(byte)
                if line.utf8.count + unit.utf8.count > 75 {
                    lines.append(line + "=")
                    line = ""
                }
                line += unit
            }
            lines.append(line)
        }
        return lines.joined(separator: "\r\n")
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}
