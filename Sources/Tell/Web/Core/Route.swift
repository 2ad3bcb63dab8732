import Access
import Diagnostics

/// One address with what answers there. The table of them drives the server, the access test and the OpenAPI page.
struct Route: Sendable {
    /// What kind of answer refusals and failures get.
    enum Family: Sendable, Hashable {
        case page, api, prometheus
    }

    enum Entrance: Sendable, Hashable {
        /// Answers without a login.
        case open
        case needs(Permission)
    }

    /// A parameter, for the documentation and for the check that every request goes through.
    struct Parameter: Sendable, Hashable {
        enum Place: String, Sendable { case query, path }

        enum Kind: Sendable, Hashable {
            /// Any text up to `lengthMax` characters.
            case text(lengthMax: Int)
            /// One of these words.
            case choice([String])
            /// A whole number within the range.
            case number(ClosedRange<Int64>)
            /// RFC 3339, a day, or milliseconds since 1970.
            case instant
        }

        var name: String
        var place: Place
        var isRequired: Bool
        var kind: Kind = .text(lengthMax: 1000)
        var documentation: String
    }

    typealias Handler = @Sendable (WebSite, WebRequest) async throws -> Reply

    let method: WebRequest.Method
    /// Segments in braces take any text: `/api/jaga/v1/jobs/{name}`.
    let pattern: String
    let family: Family
    let entrance: Entrance
    /// What it does, in a sentence, for the OpenAPI page.
    let summary: String
    let parameters: [Parameter]
    /// The name of the request body's type in the OpenAPI document; nil when there is none.
    let requestType: String?
    let responseType: String?
    /// The largest body it takes, in bytes; nil for what every other address takes.
    let bodyBytesMax: Int?
    /// Whether it understands the addresses of Prometheus' expression browser, `?g0.expr=…`, with what else stands in them.
    let takesGraphLinks: Bool
    let handler: Handler

    private let segments: [String]

    init(
        _ method: WebRequest.Method, _ pattern: String, _ family: Family, _ entrance: Entrance, _ summary: String,
        query parameters: [Parameter] = [], request: String? = nil, response: String? = nil,
        bodyBytesMax: Int? = nil, takesGraphLinks: Bool = false,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.family = family
        self.entrance = entrance
        self.summary = summary
        requestType = request
        responseType = response
        self.bodyBytesMax = bodyBytesMax
        self.takesGraphLinks = takesGraphLinks
        self.handler = handler
        segments = Self.segments(of: pattern)
        let inPath = segments.filter { $0.hasPrefix("{") }.map { segment in
            Parameter(
                name: String(segment.dropFirst().dropLast()), place: .path, isRequired: true, documentation: "")
        }
        self.parameters = inPath + parameters
    }

    /// - Returns: the values of the pattern's segments in braces; nil when the path is another one.
    func match(_ pathSegments: [String]) -> [String: String]? {
        guard pathSegments.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, given) in zip(segments, pathSegments) {
            if segment.hasPrefix("{") {
                guard !given.isEmpty else { return nil }
                values[String(segment.dropFirst().dropLast())] = percentDecoded(given)
            } else if segment != given {
                return nil
            }
        }
        return values
    }

    static func segments(of path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    }
}

extension Route.Parameter {
    static func optional(_ name: String, _ documentation: String, _ kind: Kind = .text(lengthMax: 1000)) -> Self {
        Self(name: name, place: .query, isRequired: false, kind: kind, documentation: documentation)
    }

    static func required(_ name: String, _ documentation: String, _ kind: Kind = .text(lengthMax: 1000)) -> Self {
        Self(name: name, place: .query, isRequired: true, kind: kind, documentation: documentation)
    }

    /// How much of the past the charts of a page show.
    static let range = Self.optional(
        "range", "How much of the past: 1h when left out.", .choice(PageContext.Range.allCases.map(\.rawValue)))
}

/// Finds the route of a request.
struct RouteTable: Sendable {
    let routes: [Route]

    enum Match {
        case found(Route, [String: String])
        /// The path exists, with other methods.
        case otherMethods([WebRequest.Method])
        case none
    }

    func match(_ method: WebRequest.Method, path: String) -> Match {
        let segments = Route.segments(of: path)
        var others: [WebRequest.Method] = []
        for route in routes {
            guard let values = route.match(segments) else { continue }
            if route.method == method { return .found(route, values) }
            others.append(route.method)
        }
        return others.isEmpty ? .none : .otherMethods(others)
    }

    /// What the `Allow` header lists for a path; HEAD is answered wherever GET is.
    func allowedMethods(path: String) -> String {
        let segments = Route.segments(of: path)
        let names = routes.filter { $0.match(segments) != nil }.flatMap { route in
            route.method == .get ? ["GET", "HEAD"] : [route.method.rawValue]
        }
        return names.joined(separator: ", ")
    }
}
