import JSONCoding
import WebAPI

/// The OpenAPI 3.1 description, made from the route table, so that it lists what answers and nothing else.
/// <https://spec.openapis.org/oas/v3.1.0>
enum OpenAPI {
    static func document(_ routes: [Route], version: String) -> String {
        var paths: [String: JSONValue] = [:]
        for route in routes where route.family != .page {
            var methods = paths[route.pattern]?.objectValue ?? [:]
            methods[route.method.rawValue.lowercased()] = operation(route)
            paths[route.pattern] = .object(methods)
        }
        let document: JSONValue = [
            "openapi": "3.1.0",
            "info": [
                "title": "Jaga", "version": .string(version),
                "description": """
                Instants are milliseconds since 1970-01-01T00:00:00Z, spans end in Ms, sizes in Bytes. Addresses under \
                /api/v1 are the read side of the Prometheus HTTP API.
                """,
            ],
            "security": [["token": []], ["session": []]], "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer"],
                    "session": ["type": "apiKey", "in": "cookie", "name": .string(WebSite.sessionCookie)],
                ],
                "schemas": [
                    "Problem": [
                        "type": "object", "required": ["code", "summary"],
                        "properties": [
                            "code": [
                                "type": "string", "enum": .array(Problem.Code.allCases.map { .string($0.rawValue) }),
                            ], "summary": ["type": "string"], "hint": ["type": "string"],
                        ],
                    ]
                ],
            ],
        ]
        return document.prettyText
    }

    private static func operation(_ route: Route) -> JSONValue {
        var members: [String: JSONValue] = [
            "summary": .string(route.summary), "x-permission": .string(route.permissionName),
            "responses": .object(responses(route)),
        ]
        if !route.parameters.isEmpty {
            members["parameters"] = .array(
                route.parameters.map { parameter in
                    [
                        "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
                        "required": .bool(parameter.isRequired), "description": .string(parameter.documentation),
                        "schema": schema(parameter.kind),
                    ]
                })
        }
        if let type = route.requestType {
            members["requestBody"] = [
                "required": true,
                "content": ["application/json": ["schema": ["type": "object", "title": .string(type)]]],
            ]
        }
        if route.entrance == .open { members["security"] = [] }
        return .object(members)
    }

    private static func schema(_ kind: Route.Parameter.Kind) -> JSONValue {
        switch kind {
        case .text, .instant: return ["type": "string"]
        case .choice(let words): return ["type": "string", "enum": .array(words.map { .string($0) })]
        case .number(let range):
            var members: [String: JSONValue] = ["type": "integer", "minimum": .integer(range.lowerBound)]
            if range.upperBound != .max { members["maximum"] = .integer(range.upperBound) }
            return .object(members)
        }
    }

    private static func responses(_ route: Route) -> [String: JSONValue] {
        var responses: [String: JSONValue] = ["200": ["description": .string(route.responseType ?? "The answer.")]]
        if route.family == .api, route.entrance != .open {
            responses["default"] = [
                "description": "A refusal or a failure.",
                "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
            ]
        }
        return responses
    }
}
