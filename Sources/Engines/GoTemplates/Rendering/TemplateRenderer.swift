import Diagnostics

/// Walks the tree of a template. One is made for each rendering.
struct TemplateRenderer {
    private enum Flow {
        case onwards, leaveLoop, nextTurn
    }

    /// `{{template}}` may call itself; this is where that ends.
    private static let callDepthMax = 50

    let template: Template
    let data: TemplateData
    let limits: TemplateLimits
    private var output = ""
    private var stepCount = 0
    private var callDepth = 0
    private var queryCount = 0
    private var variables: [(name: String, value: TemplateValue)] = []

    init(template: Template, data: TemplateData, limits: TemplateLimits) {
        self.template = template
        self.data = data
        self.limits = limits
    }

    mutating func run() async throws -> String {
        let labels = TemplateValue.map(data.labels.mapValues { .string($0) })
        let externalLabels = TemplateValue.map(data.externalLabels.mapValues { .string($0) })
        let root = TemplateValue.record([
            .init("Labels", labels), .init("ExternalLabels", externalLabels),
            .init("ExternalURL", .string(data.externalURL)), .init("Value", .number(data.value)),
        ])
        variables = [
            ("$", root), ("$labels", labels), ("$externalLabels", externalLabels),
            ("$externalURL", .string(data.externalURL)), ("$value", .number(data.value)),
        ]
        for (name, value) in data.variables { variables.append((name, value)) }
        _ = try await render(template.nodes, dot: root)
        return output
    }

    private func fault(_ reason: String, at position: SourcePosition, cause: (any Error)? = nil) -> TemplateFault {
        TemplateFault(.rendering, at: position, reason, cause: cause)
    }

    private mutating func step(at position: SourcePosition) throws {
        stepCount += 1
        guard stepCount <= limits.stepCountMax else {
            throw fault("it takes more than \(limits.stepCountMax) steps", at: position)
        }
    }

    private mutating func write(_ text: String, at position: SourcePosition) throws {
        guard output.utf8.count + text.utf8.count <= limits.outputBytesMax else {
            throw fault("its output is longer than \(limits.outputBytesMax) bytes", at: position)
        }
        output += text
    }

    private var start: SourcePosition { SourcePosition(file: template.name, line: 1, column: 1) }

    private mutating func render(_ nodes: [TemplateNode], dot: TemplateValue) async throws -> Flow {
        for node in nodes {
            switch node {
            case .text(let text): try write(text, at: start)
            case .output(let pipeline):
                let value = try await evaluate(pipeline, dot: dot)
                if pipeline.variables.isEmpty {
                    try write(value == .nothing ? "<no value>" : value.printed, at: pipeline.position)
                }
            case .condition(let head, let body, let otherwise):
                let flow = try await scoped { this in
                    let isTrue = try await this.evaluate(head, dot: dot).isTrue
                    return try await this.render(isTrue ? body : otherwise, dot: dot)
                }
                if flow != .onwards { return flow }
            case .with(let head, let body, let otherwise):
                let flow = try await scoped { this in
                    let value = try await this.evaluate(head, dot: dot)
                    return value.isTrue
                        ? try await this.render(body, dot: value) : try await this.render(otherwise, dot: dot)
                }
                if flow != .onwards { return flow }
            case .range(let head, let body, let otherwise):
                let flow = try await scoped { this in try await this.loop(head, body, otherwise, dot: dot) }
                if flow != .onwards { return flow }
            case .call(let name, let argument, let position):
                try await call(name, argument, dot: dot, at: position)
            case .breakLoop: return .leaveLoop
            case .continueLoop: return .nextTurn
            }
        }
        return .onwards
    }

    private mutating func scoped(_ body: (inout Self) async throws -> Flow) async throws -> Flow {
        let count = variables.count
        let flow = try await body(&self)
        variables.removeLast(variables.count - count)
        return flow
    }

    private mutating func loop(
        _ head: Pipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode], dot: TemplateValue
    ) async throws -> Flow {
        // The variables of a range hold the element (and its key), not the value of the pipeline.
        var source = head
        source.variables = []
        let value = try await evaluate(source, dot: dot)
        let elements: [(key: TemplateValue, value: TemplateValue)]
        switch value {
        case .list(let items): elements = items.enumerated().map { (.integer(Int64($0.offset)), $0.element) }
        case .map(let members):
            elements = members.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
        case .integer(let count):
            guard count <= limits.stepCountMax else {
                throw fault("range over \(count) is too long", at: head.position)
            }
            elements = (0..<max(0, count)).map { (.integer($0), .integer($0)) }
        case .nothing: elements = []
        default: throw fault("range can't iterate over \(value.printed)", at: head.position)
        }
        if elements.isEmpty { return try await render(otherwise, dot: dot) }
        for (key, element) in elements {
            try step(at: head.position)
            let flow = try await scoped { this in
                let values = head.variables.count == 2 ? [key, element] : [element]
                for (name, value) in zip(head.variables, values) {
                    try this.set(name, to: value, assigns: head.assigns, at: head.position)
                }
                return try await this.render(body, dot: element)
            }
            if flow == .leaveLoop { break }
        }
        return .onwards
    }

    private mutating func call(
        _ name: String, _ argument: Pipeline?, dot: TemplateValue, at position: SourcePosition
    ) async throws {
        guard let body = template.definitions[name] else {
            throw fault("template \"\(name)\" not defined", at: position)
        }
        guard callDepth < Self.callDepthMax else { throw fault("templates call each other without end", at: position) }
        try step(at: position)
        var value = TemplateValue.nothing
        if let argument { value = try await evaluate(argument, dot: dot) }
        let outer = variables
        variables = [("$", value)]
        callDepth += 1
        _ = try await render(body, dot: value)
        callDepth -= 1
        variables = outer
    }

    private mutating func set(
        _ name: String, to value: TemplateValue, assigns: Bool, at position: SourcePosition
    ) throws {
        if !assigns {
            variables.append((name, value))
        } else if let index = variables.lastIndex(where: { $0.name == name }) {
            variables[index].value = value
        } else {
            throw fault("undefined variable \"\(name)\"", at: position)
        }
    }

    private mutating func evaluate(_ pipeline: Pipeline, dot: TemplateValue) async throws -> TemplateValue {
        var value: TemplateValue?
        for command in pipeline.commands { value = try await evaluate(command, dot: dot, piped: value) }
        for name in pipeline.variables {
            try set(name, to: value ?? .nothing, assigns: pipeline.assigns, at: pipeline.position)
        }
        return value ?? .nothing
    }

    private mutating func evaluate(
        _ command: Command, dot: TemplateValue, piped: TemplateValue?
    ) async throws -> TemplateValue {
        let first = command.operands[0]
        let rest = command.operands.dropFirst()
        guard case .function(let name) = first.base else {
            if rest.isEmpty, piped == nil { return try await evaluate(first, dot: dot) }
            return try await callMethod(first, rest, dot: dot, piped: piped)
        }
        // `and` and `or` look at no argument past the one that decides.
        if name == "and" || name == "or" {
            var value = TemplateValue.nothing
            for operand in rest {
                value = try await evaluate(operand, dot: dot)
                if value.isTrue == (name == "or") { return try follow(first.fields, from: value, at: first.position) }
            }
            guard piped != nil || !rest.isEmpty else {
                throw fault("wrong number of args for \(name)", at: first.position)
            }
            return piped ?? value
        }
        var arguments: [TemplateValue] = []
        for operand in rest { arguments.append(try await evaluate(operand, dot: dot)) }
        if let piped { arguments.append(piped) }
        return try await apply(name, arguments, at: first)
    }

    /// `(toTime 0).Format "2006"`
    private mutating func callMethod(
        _ operand: Operand, _ rest: ArraySlice<Operand>, dot: TemplateValue, piped: TemplateValue?
    ) async throws -> TemplateValue {
        var receiver = operand
        let method = receiver.fields.removeLast()
        var arguments: [TemplateValue] = []
        let value = try await evaluate(receiver, dot: dot)
        for operand in rest { arguments.append(try await evaluate(operand, dot: dot)) }
        if let piped { arguments.append(piped) }
        guard case .time(let seconds) = value else {
            throw fault("\(method) has arguments but cannot be invoked as function", at: operand.position)
        }
        do {
            return try TimeMethods.call(method, arguments, seconds: seconds)
        } catch {
            throw fault("error calling \(method): \(error.reason)", at: operand.position)
        }
    }

    private mutating func apply(
        _ name: String, _ arguments: [TemplateValue], at operand: Operand
    ) async throws -> TemplateValue {
        try step(at: operand.position)
        if name == "query" {
            queryCount += 1
            guard queryCount <= limits.queryCountMax else {
                throw fault("it makes more than \(limits.queryCountMax) queries", at: operand.position)
            }
        }
        do {
            let value = try await TemplateFunctions.call(name, arguments, data: data)
            return try follow(operand.fields, from: value, at: operand.position)
        } catch let error as CallFault {
            throw fault("error calling \(name): \(error.reason)", at: operand.position)
        } catch let error as TemplateFault {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw fault("error calling \(name): \(describe(error))", at: operand.position, cause: error)
        }
    }

    private mutating func evaluate(_ operand: Operand, dot: TemplateValue) async throws -> TemplateValue {
        let base: TemplateValue
        switch operand.base {
        case .dot: base = dot
        case .literal(let value): base = value
        case .variable(let name):
            guard let variable = variables.last(where: { $0.name == name }) else {
                throw fault("undefined variable \"\(name)\"", at: operand.position)
            }
            base = variable.value
        case .function(let name): return try await apply(name, [], at: operand)
        case .pipeline(let pipeline): base = try await evaluate(pipeline, dot: dot)
        }
        return try follow(operand.fields, from: base, at: operand.position)
    }

    private func follow(
        _ fields: [String], from base: TemplateValue, at position: SourcePosition
    ) throws -> TemplateValue {
        var value = base
        for field in fields {
            switch value {
            case .map(let members): value = members[field] ?? .string("")
            case .record(let members):
                guard let member = members.first(where: { $0.name == field })?.value else {
                    throw fault("can't evaluate field \(field)", at: position)
                }
                value = member
            case .sample(let sample) where field == "Labels": value = .map(sample.labelValues)
            case .sample(let sample) where field == "Value": value = .number(sample.value)
            case .time(let seconds):
                do {
                    value = try TimeMethods.call(field, [], seconds: seconds)
                } catch {
                    throw fault("error calling \(field): \(error.reason)", at: position)
                }
            case .nothing: throw fault("nil data; no entry for key \"\(field)\"", at: position)
            default: throw fault("can't evaluate field \(field) in type \(value.kindName)", at: position)
            }
        }
        return value
    }
}
