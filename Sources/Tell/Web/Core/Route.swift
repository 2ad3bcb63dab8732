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

    /// A parameter for the documentation.
    struct Parameter: Sendable, Hashable {
        enum Place: String, Sendable { case query, path }

        var name: String
        var place: Place
        var isRequired: Bool
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
    let handler: Handler

    private let segments: [String]

    init(
        _ method: WebRequest.Method, _ pattern: String, _ family: Family, _ entrance: Entrance, _ summary: String,
        query parameters: [Parameter] = [], request: String? = nil, response: String? = nil,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.family = family
        self.entrance = entrance
        self.summary = summary
        requestType = request
        responseType = response
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
    static func optional(_ name: String, _ documentation: String) -> Self {
        Self(name: name, place: .query, isRequired: false, documentation: documentation)
    }

    static func required(_ name: String, _ documentation: String) -> Self {
        Self(name: name, place: .query, isRequired: true, documentation: documentation)
    }
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
}
