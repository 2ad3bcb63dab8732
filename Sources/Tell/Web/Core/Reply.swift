public import Series
import WebAPI

/// An answer, without the server's machinery.
public struct Reply: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        case text(String)
        /// Bytes in their order. `memory` is given back as they go.
        case parts([[UInt8]], memory: MemoryShare?)
        /// Pieces of text, asked for one at a time as fast as the caller takes them; nil is the end. An error cuts the answer
        /// off, which every client sees as such.
        case pieces(@Sendable () async throws -> String?)
        /// Server-sent events until the caller goes away.
        case changes(LiveFeed)
    }

    public var status: Int
    /// In order; `set-cookie` may stand more than once.
    public var headers: [Header]
    public var body: Body

    public struct Header: Sendable, Hashable {
        public var name: String
        public var value: String
    }

    init(_ status: Int, type: String, _ body: Body) {
        self.status = status
        headers = [Header(name: "content-type", value: type)]
        self.body = body
    }

    static func html(_ page: Markup, status: Int = 200) -> Reply {
        Reply(status, type: "text/html; charset=utf-8", .text(page.html))
    }

    static func json(_ value: some Encodable, status: Int = 200) throws -> Reply {
        Reply(status, type: "application/json", .bytes(Array(try APIJSON.encode(value))))
    }

    static func json(text: String, status: Int = 200) -> Reply {
        Reply(status, type: "application/json", .text(text))
    }

    static func empty(_ status: Int) -> Reply { Reply(status, type: "text/plain; charset=utf-8", .bytes([])) }

    static func problem(_ problem: Problem) -> Reply {
        // A problem is three texts; encoding it cannot fail.
        (try? .json(problem, status: problem.httpStatus)) ?? .json(text: "{}", status: problem.httpStatus)
    }

    /// After a form: the browser asks for `path` with GET, so that a reload does not send the form again.
    static func seeOther(_ path: String) -> Reply {
        var reply = Reply(303, type: "text/plain; charset=utf-8", .text(""))
        reply.set("location", path)
        return reply
    }

    /// - Returns: the value of the first header of this lower-case name.
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The body as text; empty for pieces and events.
    public var text: String {
        switch body {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .text(let text): text
        case .parts(let parts, memory: _): String(decoding: parts.joined(), as: UTF8.self)
        case .pieces, .changes: ""
        }
    }

    mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name == name }
        headers.append(Header(name: name, value: value))
    }

    mutating func setIfAbsent(_ name: String, _ value: String) {
        if header(name) == nil { set(name, value) }
    }

    /// - Parameter maxAge: nil ends with the browser's session; zero removes the cookie.
    mutating func setCookie(_ name: String, _ value: String, maxAge: Duration?, isSecure: Bool) {
        var text = "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax"
        if let maxAge { text += "; Max-Age=\(maxAge.components.seconds)" }
        if isSecure { text += "; Secure" }
        headers.append(Header(name: "set-cookie", value: text))
    }
}
