import Outbound

/// A browser without scripts: keeps cookies and sends forms, over the network.
final class Visitor {
    private let client = HTTPClient()
    private let base: String
    private(set) var cookies: [String: String] = [:]

    /// - Parameter base: `http://127.0.0.1:PORT`.
    init(_ base: String) { self.base = base }

    func get(_ path: String) async throws -> HTTPResponse { try await send("GET", path) }

    func send(_ method: String, _ path: String, form: [String: String]? = nil, limit: Duration = .seconds(60))
        async throws -> HTTPResponse
    {
        var headers = HTTPHeaders()
        if !cookies.isEmpty {
            headers.add("Cookie", cookies.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: "; "))
        }
        var body: [UInt8] = []
        if let form {
            headers.add("Content-Type", "application/x-www-form-urlencoded")
            let pairs = form.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }
            body = Array(pairs.sorted().joined(separator: "&").utf8)
        }
        let response = try await client.send(
            HTTPRequest(
                url: base + path, method: method, headers: headers, body: body, timeout: limit,
                bodyBytesMax: 1 << 20, truncatesBody: true))
        for header in response.headers.values("set-cookie") {
            let pair = header.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            cookies[String(pair[0])] = String(pair[1])
        }
        return response
    }

    /// Follows the one-time link, sets a password and logs in with it, as the first administrator does.
    /// - Parameter link: what the program printed: `http://127.0.0.1:PORT/setup-link?secret=…`.
    func setUp(link: String, password: String) async throws {
        let path = String(link.dropFirst(base.count))
        let page = try await get(path)
        let name = try field("username", of: page.text)
        _ = try await send(
            "POST", "/setup-link",
            form: [
                "form_token": try field("form_token", of: page.text), "secret": try field("secret", of: page.text),
                "password": password, "again": password,
            ])
        let login = try await get("/login")
        let answer = try await send(
            "POST", "/login",
            form: ["form_token": try field("form_token", of: login.text), "name": name, "password": password])
        guard answer.status == 303, cookies["jaga_session"] != nil else {
            throw TestProgramAnswered(status: answer.status, text: answer.text)
        }
    }

    private func field(_ name: String, of page: String) throws -> String {
        guard let start = page.range(of: "name=\"\(name)\" value=\"") else {
            throw TestProgramAnswered(status: 200, text: "no field \(name) in \(page.prefix(2000))")
        }
        return String(page[start.upperBound...].prefix { $0 != "\"" })
    }
}

extension String {
    /// Where `other` stands first.
    func range(of other: String) -> Range<String.Index>? { ranges(of: other).first }
}
