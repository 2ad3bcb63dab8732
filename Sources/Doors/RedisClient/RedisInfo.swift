/// The answer to INFO: sections of `name:value` lines (<https://redis.io/docs/latest/commands/info/>).
public struct RedisInfo: Sendable {
    public struct Section: Sendable {
        public var name: String
        public var fields: [(name: String, value: String)]
    }

    public private(set) var sections: [Section] = []
    private var byName: [String: String] = [:]

    public init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("#") {
                let name = line.dropFirst().drop { $0 == " " }
                sections.append(Section(name: String(name), fields: []))
            } else if let colon = line.firstIndex(of: ":") {
                let name = String(line[..<colon])
                let value = String(line[line.index(after: colon)...])
                if sections.isEmpty { sections.append(Section(name: "", fields: [])) }
                sections[sections.count - 1].fields.append((name, value))
                byName[name] = value
            }
        }
    }

    /// A field's text, whatever its section.
    public subscript(_ field: String) -> String? { byName[field] }

    public func number(_ field: String) -> Double? { byName[field].flatMap(Double.init) }

    /// The section of this name, without regard to case; empty where the server has none.
    public func fields(of section: String) -> [(name: String, value: String)] {
        sections.first { $0.name.lowercased() == section.lowercased() }?.fields ?? []
    }

    /// `keys=5,expires=0,avg_ttl=0` as pairs.
    public static func pairs(_ value: String) -> [String: String] {
        var pairs: [String: String] = [:]
        for part in value.split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            pairs[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        return pairs
    }
}
