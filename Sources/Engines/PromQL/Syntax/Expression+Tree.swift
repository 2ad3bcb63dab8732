public import JSONCoding
import Series
import Units

// The tree of a query as JSON, with the member names of the reference's `/api/v1/parse_query`. Durations and times are in
// milliseconds; a computed duration stands as its text beside them.
// <https://prometheus.io/docs/prometheus/latest/querying/api/#parsing-a-promql-expressions-into-a-abstract-syntax-tree-ast>

extension Expression {
    public var tree: JSONValue {
        switch self {
        case .number(let literal):
            return node("numberLiteral", ["val": .string(goNumber(literal.value))])
        case .string(let literal):
            return node("stringLiteral", ["val": .string(literal.value)])
        case .vector(let selector):
            return node("vectorSelector", selector.members)
        case .matrix(let matrix):
            var members = matrix.selector.members
            add(matrix.range, as: "range", to: &members)
            return node("matrixSelector", members)
        case .subquery(let subquery):
            var members = times(subquery.at, subquery.offset)
            members["expr"] = subquery.inner.tree
            add(subquery.range, as: "range", to: &members)
            add(subquery.step ?? .literal(.zero), as: "step", to: &members)
            return node("subquery", members)
        case .parenthesised(let inner, _):
            return node("parenExpr", ["expr": inner.tree])
        case .signed(let signed):
            return node("unaryExpr", ["op": .string(signed.isNegative ? "-" : "+"), "expr": signed.inner.tree])
        case .binary(let binary):
            return node(
                "binaryExpr",
                [
                    "op": .string(binary.op.rawValue), "lhs": binary.left.tree, "rhs": binary.right.tree,
                    "bool": .bool(binary.returnsBool), "matching": binary.matching?.tree ?? .null,
                ])
        case .aggregation(let aggregation):
            return node(
                "aggregation",
                [
                    "op": .string(aggregation.op.rawValue), "expr": aggregation.inner.tree,
                    "param": aggregation.parameter?.tree ?? .null,
                    "grouping": .array(aggregation.labels.map { .string($0) }),
                    "without": .bool(aggregation.isWithout),
                ])
        case .call(let call):
            return node("call", ["func": call.function.tree, "args": .array(call.arguments.map(\.tree))])
        }
    }
}

private func node(_ type: String, _ members: [String: JSONValue]) -> JSONValue {
    .object(members.merging(["type": .string(type)]) { $1 })
}

private func add(_ duration: DurationExpression, as name: String, to members: inout [String: JSONValue]) {
    if case .literal(let span) = duration {
        members[name] = .integer(span.wholeMilliseconds)
    } else {
        members[name] = .integer(0)
        members[name + "Expr"] = .string(duration.description)
    }
}

private func times(_ at: FixedTime?, _ offset: DurationExpression?) -> [String: JSONValue] {
    var members: [String: JSONValue] = ["timestamp": .null, "startOrEnd": .null]
    switch at {
    case .at(let time): members["timestamp"] = .integer(time.millisecondsSinceEpoch)
    case .start: members["startOrEnd"] = .string("start")
    case .end: members["startOrEnd"] = .string("end")
    case nil: break
    }
    add(offset ?? .literal(.zero), as: "offset", to: &members)
    return members
}

extension VectorSelector {
    fileprivate var members: [String: JSONValue] {
        var members = times(at, offset)
        members["name"] = .string(name ?? "")
        members["matchers"] = .array(
            matchers.map { matcher in
                .object([
                    "name": .string(matcher.name), "value": .string(matcher.value),
                    "type": .string(matcher.op.rawValue),
                ])
            })
        members["anchored"] = .bool(edges == .anchored)
        members["smoothed"] = .bool(edges == .smoothed)
        return members
    }
}

extension VectorMatching {
    fileprivate var tree: JSONValue {
        let card =
            switch cardinality {
            case .oneToOne: "one-to-one"
            case .manyToOne: "many-to-one"
            case .oneToMany: "one-to-many"
            case .manyToMany: "many-to-many"
            }
        func fill(_ value: Double?) -> JSONValue { value.map { .string(goNumber($0)) } ?? .null }
        return .object([
            "card": .string(card), "labels": .array(labels.map { .string($0) }), "on": .bool(isOn),
            "include": .array(included.map { .string($0) }),
            "fillValues": .object(["lhs": fill(leftFill), "rhs": fill(rightFill)]),
        ])
    }
}

extension Function {
    fileprivate var tree: JSONValue {
        func name(_ type: ValueType) -> JSONValue {
            switch type {
            case .scalar: "scalar"
            case .instantVector: "vector"
            case .rangeVector: "matrix"
            case .string: "string"
            }
        }
        let signature = signature
        return .object([
            "name": .string(rawValue), "argTypes": .array(signature.parameters.map(name)),
            "variadic": .integer(signature.optional == .max ? -1 : Int64(signature.optional)),
            "returnType": name(signature.result),
        ])
    }
}
