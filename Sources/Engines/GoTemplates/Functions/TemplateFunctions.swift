/// Why a function refused its arguments; the renderer adds its name and place.
struct CallFault: Error {
    let reason: String
}

/// The functions that a template may call.
enum TemplateFunctions {
    static let names: Set<String> = Set(simple.keys).union([
        "and", "or", "query", "match", "reReplaceAll", "externalURL", "pathPrefix", "now",
    ])

    typealias Body = @Sendable ([TemplateValue]) throws(CallFault) -> TemplateValue

    private static let simple: [String: Body] = basic.merging(prometheus) { _, last in last }

    static func call(_ name: String, _ arguments: [TemplateValue], data: TemplateData) async throws -> TemplateValue {
        switch name {
        case "externalURL", "pathPrefix", "now":
            guard arguments.isEmpty else {
                throw CallFault(reason: "wrong number of args: want 0 got \(arguments.count)")
            }
            if name == "now" { return .number(data.time) }
            return .string(name == "externalURL" ? data.externalURL : path(of: data.externalURL))
        case "query":
            guard let query = data.query else { throw CallFault(reason: "queries are not available here") }
            return .list(try await query(try text(arguments, 0, of: 1)).map(TemplateValue.sample))
        case "match":
            guard let match = data.match else { throw CallFault(reason: "patterns are not available here") }
            return .bool(try match(try text(arguments, 0, of: 2), try text(arguments, 1, of: 2)))
        case "reReplaceAll":
            guard let replaceAll = data.replaceAll else { throw CallFault(reason: "patterns are not available here") }
            return .string(
                try replaceAll(
                    try text(arguments, 0, of: 3), try text(arguments, 1, of: 3), try text(arguments, 2, of: 3)))
        default:
            guard let function = simple[name] else { throw CallFault(reason: "there is no such function") }
            return try function(arguments)
        }
    }

    /// The path of a URL: `https://host/prefix` has `/prefix`.
    private static func path(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://"), let slash = url[scheme.upperBound...].firstIndex(of: "/") else {
            return ""
        }
        return String(url[slash...].prefix { $0 != "?" && $0 != "#" })
    }

    static func argument(_ arguments: [TemplateValue], _ index: Int, of count: Int) throws(CallFault) -> TemplateValue {
        guard arguments.count == count else {
            throw CallFault(reason: "wrong number of args: want \(count) got \(arguments.count)")
        }
        return arguments[index]
    }

    static func text(_ arguments: [TemplateValue], _ index: Int, of count: Int) throws(CallFault) -> String {
        let value = try argument(arguments, index, of: count)
        guard case .string(let text) = value else {
            throw CallFault(reason: "expected string; found \(value.printed)")
        }
        return text
    }

    /// A number, also out of a text, as Prometheus reads the argument of `humanize`.
    static func number(_ arguments: [TemplateValue], _ index: Int, of count: Int) throws(CallFault) -> Double {
        switch try argument(arguments, index, of: count) {
        case .integer(let value): return Double(value)
        case .number(let value): return value
        case .string(let text):
            guard let value = GoNumber.parsed(text) else {
                throw CallFault(reason: "parsing \"\(text)\": invalid syntax")
            }
            return value
        case .time(let seconds): return seconds
        case let other: throw CallFault(reason: "can't convert \(other.kindName) to float")
        }
    }
}
