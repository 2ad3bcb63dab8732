// Go's text/template as Prometheus' annotations and labels use it: the template is parsed once, when the rule file is read,
// so that a fault is found then and with its place, and rendered for each alert.
//
// The grammar and the functions are the reference's. Where numbers of different kinds are compared (`gt $value 100`, where
// Go wants `100.0`) the comparison is made, since refusing it helps nobody.

/// A parsed template.
public struct Template: Sendable {
    public let name: String
    public let source: String
    let nodes: [TemplateNode]
    let definitions: [String: [TemplateNode]]

    /// Reads a template.
    /// - Parameters:
    ///   - name: stands in messages.
    ///   - variables: names that the renderer will give beside `$labels`, `$externalLabels`, `$externalURL` and `$value`,
    ///     each with its `$`.
    /// - Throws: `TemplateFault` with line and column.
    public init(_ source: String, name: String = "template", variables: [String] = []) throws(TemplateFault) {
        self.name = name
        self.source = source
        var parser = TemplateParser(
            tokens: try TemplateLexer.tokens(of: source, name: name), functions: TemplateFunctions.names,
            variables: ["$", "$labels", "$externalLabels", "$externalURL", "$value"] + variables)
        nodes = try parser.document()
        definitions = parser.definitions
    }

    /// Renders the template.
    /// - Throws: `TemplateFault`; `CancellationError` out of a query.
    public func render(_ data: TemplateData, limits: TemplateLimits = TemplateLimits()) async throws -> String {
        var renderer = TemplateRenderer(template: self, data: data, limits: limits)
        return try await renderer.run()
    }
}

/// What a template speaks of, and what it may ask.
public struct TemplateData: Sendable {
    /// `$labels` and `.Labels`.
    public var labels: [String: String]
    /// `$value` and `.Value`.
    public var value: Double
    /// `$externalLabels` and `.ExternalLabels`.
    public var externalLabels: [String: String]
    /// `$externalURL`, `.ExternalURL` and `externalURL`.
    public var externalURL: String
    /// When the rule is evaluated, in seconds since 1970: `now`.
    public var time: Double
    /// More variables, by name with `$`.
    public var variables: [String: TemplateValue]
    /// Answers `query "expr"`; without it the function fails.
    public var query: (@Sendable (String) async throws -> [TemplateSample])?
    /// Answers `match "pattern" "text"`: whether the pattern is found anywhere in the text.
    public var match: (@Sendable (_ pattern: String, _ text: String) throws -> Bool)?
    /// Answers `reReplaceAll "pattern" "replacement" "text"`.
    public var replaceAll: (@Sendable (_ pattern: String, _ replacement: String, _ text: String) throws -> String)?

    public init(
        labels: [String: String] = [:], value: Double = 0, externalLabels: [String: String] = [:],
        externalURL: String = "", time: Double = 0, variables: [String: TemplateValue] = [:],
        query: (@Sendable (String) async throws -> [TemplateSample])? = nil,
        match: (@Sendable (_ pattern: String, _ text: String) throws -> Bool)? = nil,
        replaceAll: (@Sendable (_ pattern: String, _ replacement: String, _ text: String) throws -> String)? = nil
    ) {
        self.labels = labels
        self.value = value
        self.externalLabels = externalLabels
        self.externalURL = externalURL
        self.time = time
        self.variables = variables
        self.query = query
        self.match = match
        self.replaceAll = replaceAll
    }
}

/// How much one rendering may do: a template comes from a file that anybody on the team edits.
public struct TemplateLimits: Sendable {
    /// Bytes of output. 64 KiB is more than any channel takes.
    public var outputBytesMax: Int
    /// Actions and function calls.
    public var stepCountMax: Int
    /// Calls of `query`. Each may read as much as any other query, and an alert's texts are made again at every evaluation.
    public var queryCountMax: Int

    public init(outputBytesMax: Int = 65_536, stepCountMax: Int = 100_000, queryCountMax: Int = 100) {
        self.outputBytesMax = outputBytesMax
        self.stepCountMax = stepCountMax
        self.queryCountMax = queryCountMax
    }
}
