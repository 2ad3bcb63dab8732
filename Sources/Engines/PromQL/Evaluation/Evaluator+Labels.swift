import Series

extension Evaluator {
    private static let groupsMax = 100

    func labelReplace(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let texts = call.arguments.dropFirst().map { string($0) }
        let (destination, replacement, source, expression) = (texts[0], texts[1].value, texts[2].value, texts[3].value)
        let pattern: AnchoredPattern
        do throws(PatternFault) {
            pattern = try AnchoredPattern(expression)
        } catch {
            throw QueryFault(
                .execution, "invalid regular expression in label_replace(): \(expression): \(error.reason)",
                span: call.arguments[4].span)
        }
        // Every place in the pattern that the text may be at remembers all groups.
        guard pattern.groupNames.count <= Self.groupsMax else {
            throw QueryFault(
                .execution,
                "regular expression in label_replace() has \(pattern.groupNames.count) groups, at most \(Self.groupsMax) are allowed",
                span: call.arguments[4].span)
        }
        guard destination.isUTF8, !destination.bytes.isEmpty else {
            throw QueryFault(
                .execution,
                "invalid destination label name in label_replace(): \(String(decoding: destination.bytes, as: UTF8.self))",
                span: call.arguments[1].span)
        }
        let columns = try vector(call.arguments[0], over: grid).map { column in
            // A search that is given up finds nothing.
            let groups = pattern.captures(column.labels[source] ?? "", while: { goesOn })
            try checkTime()
            guard let groups else { return column }
            var column = column
            if destination.value == Labels.metricName { column.dropsName = false }
            let value = expanded(replacement, groups, pattern.groupNames, bytesMax: limits.labelBytesMax)
            try count(text: value)
            column.labels[destination.value] = value
            return column
        }
        return try merged(columns, over: grid)
    }

    func labelJoin(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let texts = call.arguments.dropFirst().map { string($0) }
        let (destination, separator, sources) = (texts[0], texts[1].value, texts.dropFirst(2))
        guard destination.isUTF8, !destination.bytes.isEmpty else {
            throw QueryFault(
                .execution, "invalid destination label name in label_join(): \(destination.value)",
                span: call.arguments[1].span)
        }
        if let bad = sources.first(where: { !$0.isUTF8 || $0.bytes.isEmpty }) {
            throw QueryFault(
                .execution, "invalid source label name in label_join(): \(bad.value)", span: bad.span)
        }
        let columns = try vector(call.arguments[0], over: grid).map { column in
            var column = column
            if destination.value == Labels.metricName { column.dropsName = false }
            var value = ""
            var isFirst = true
            for source in sources where value.utf8.count <= limits.labelBytesMax {
                if !isFirst { value += separator }
                isFirst = false
                value += column.labels[source.value] ?? ""
            }
            try count(text: value)
            column.labels[destination.value] = value
            return column
        }
        return try merged(columns, over: grid)
    }
}

/// `$1`, `${1}`, `$name` and `${name}` replaced by what the groups matched; `$$` is a dollar sign. A name is as long as it
/// can be, so that `$1x` asks for the group "1x", which no pattern has and which is empty.
///
/// Stops where the text has grown beyond `bytesMax`.
private func expanded(_ template: String, _ groups: [String?], _ names: [String], bytesMax: Int) -> String {
    func group(_ name: Substring) -> String {
        if let number = Int(name) { return number < groups.count ? groups[number] ?? "" : "" }
        guard let index = names.firstIndex(of: String(name)) else { return "" }
        return groups[index + 1] ?? ""
    }
    func isNamePart(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
    var result = ""
    var rest = template[...]
    while result.utf8.count <= bytesMax, let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        rest = rest[rest.index(after: dollar)...]
        if rest.first == "$" {
            result += "$"
            rest = rest.dropFirst()
        } else if rest.first == "{", let close = rest.firstIndex(of: "}") {
            let name = rest[rest.index(after: rest.startIndex)..<close]
            if !name.isEmpty, name.allSatisfy(isNamePart) {
                result += group(name)
                rest = rest[rest.index(after: close)...]
            } else {
                result += "$"
            }
        } else {
            let name = rest.prefix(while: isNamePart)
            if name.isEmpty { result += "$" } else { result += group(name) }
            rest = rest.dropFirst(name.count)
        }
    }
    return result.utf8.count > bytesMax ? result : result + rest
}
