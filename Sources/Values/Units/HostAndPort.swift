/// `shop.example:8080`, `10.0.0.5:443`, `[::1]:9797`: where something listens.
public struct HostAndPort: Sendable, Hashable {
    /// A name or an address, without brackets.
    public var host: String
    public var port: Int

    /// - Parameter ports: those that are taken; 0 stands for any free port, where one listens.
    /// - Returns: nil when the host or the port is missing, the port is none, or an address with colons has no brackets.
    public init?(_ text: some StringProtocol, ports: ClosedRange<Int> = 1...65_535) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        // `Int` alone would also take a sign.
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(digits), ports.contains(port) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// As it is read again: an address with colons in brackets.
    public var text: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
