/// The name in a `Host` header, without its port. <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>
///
/// A hostile page can let its own name lead to 127.0.0.1 ("DNS rebinding") and then talk to what listens there as if it were its
/// own server. It never learns a session that way, since cookies belong to a name; but nothing of ours should answer to a
/// name that is not ours. Addresses pass: a page cannot have one as its name without being served from there.
struct HostName: Hashable {
    let name: String

    init(_ header: String) {
        var text = Substring(header)
        if text.hasPrefix("[") {
            text = text.prefix { $0 != "]" } + "]"
        } else if let colon = text.firstIndex(of: ":") {
            text = text[..<colon]
        }
        if text.hasSuffix(".") { text = text.dropLast() }
        name = text.lowercased()
    }

    /// Of an address such as `https://jaga.example.org/`; nil when there is no host in it.
    init?(url: String) {
        guard let start = url.firstRange(of: "://") else { return nil }
        let authority = url[start.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.split(separator: "@").last.map(String.init) ?? ""
        guard !host.isEmpty else { return nil }
        self.init(host)
    }

    func isAmong(_ names: Set<String>) -> Bool {
        isAddress || name == "localhost" || name.hasSuffix(".localhost") || names.contains(name)
    }

    private var isAddress: Bool {
        if name.hasPrefix("["), name.hasSuffix("]") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
