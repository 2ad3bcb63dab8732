import Series

extension Evaluator {
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
        guard destination.isUTF8, !destination.bytes.isEmpty else {
            throw QueryFault(
                .execution,
                "invalid destination label name in label_replace(): \(String(decoding: destination.bytes, as: UTF8.self))",
                span: call.arguments[1].span)
        }
        let columns = try vector(call.arguments[0], over: grid).map { column in
            guard let groups = pattern.captures(column.labels[source] ?? "") else { return column }
            var column = column
            if destination.value == Labels.metricName { column.dropsName = false }
            column.labels[destination.value] = expanded(replacement, groups, pattern.groupNames)
            return column
        }
        return try merged(columns)
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
            column.labels[destination.value] =
                sources.map { column.labels[$0.value] ?? "" }.joined(separator: separator)
            return column
        }
        return try merged(columns)
    }

    /// Quantiles and fractions of classic histograms, one for each set of series that differ in `le` alone.
    func histogram(_ call: FunctionCall, _ grid: StepGrid) throws -> [Column] {
        let isQuantile = call.function == .histogramQuantile
        let numbers = try call.arguments.dropLast().map { try scalar($0, over: grid) }
        let columns = try vector(call.arguments.last!, over: grid)
        if isQuantile { warnOfQuantiles(numbers[0], call.arguments[0].span) }
        var groups: [Labels: Int] = [:]
        var keys: [Labels] = []
        var members: [[(bound: Double, column: Int)]] = []
        for (index, column) in columns.enumerated() {
            let text = column.labels["le"] ?? ""
            guard let bound = parsedBound(text) else {
                warn(
                    "bucket label \"le\" is missing or has a malformed value of \(goQuoted(text))"
                        + metricNote(column.labels.name), call.arguments.last!.span)
                continue
            }
            let key = column.labels.dropping(["le"])
            let place = groups[key] ?? keys.count
            if place == keys.count {
                groups[key] = place
                keys.append(key)
                members.append([])
            }
            members[place].append((bound, index))
        }
        var results: [Column] = []
        for (key, group) in zip(keys, members) {
            try count(grid.count)
            var values = [Double](repeating: absent, count: grid.count)
            for step in 0..<grid.count {
                let buckets = group.compactMap { member -> Bucket? in
                    guard columns[member.column].isPresent(step) else { return nil }
                    return Bucket(upperBound: member.bound, count: columns[member.column].values[step])
                }
                guard !buckets.isEmpty else { continue }
                if isQuantile {
                    let (value, wasForced) = bucketQuantile(numbers[0][step], buckets)
                    values[step] = value
                    if wasForced { noteForced(key.name, call) }
                } else {
                    values[step] = bucketFraction(numbers[0][step], numbers[1][step], buckets)
                }
            }
            results.append(Column(labels: key, values: values))
        }
        return try withoutName(results)
    }

    private func metricNote(_ name: String) -> String { name.isEmpty ? "" : " for metric name \(goQuoted(name))" }

    private func noteForced(_ name: String, _ call: FunctionCall) {
        inform(
            "input to histogram_quantile needed to be fixed for monotonicity (see "
                + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
                + metricNote(name), call.arguments[1].span)
    }
}

private func parsedBound(_ text: String) -> Double? {
    switch text.lowercased() {
    case "+inf", "inf", "infinity", "+infinity": .infinity
    case "-inf", "-infinity": -.infinity
    case "": nil
    default: Double(text.hasPrefix(".") ? "0" + text : text.hasPrefix("-.") ? "-0" + text.dropFirst() : text)
    }
}

/// `$1`, `${1}`, `$name` and `${name}` replaced by what the groups matched; `$$` is a dollar sign. A name is as long as it
/// can be, so that `$1x` asks for the group "1x", which no pattern has and which is empty.
private func expanded(_ template: String, _ groups: [String?], _ names: [String]) -> String {
    func group(_ name: Substring) -> String {
        if let number = Int(name) { return number < groups.count ? groups[number] ?? "" : "" }
        guard let index = names.firstIndex(of: String(name)) else { return "" }
        return groups[index + 1] ?? ""
    }
    func isNamePart(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
    var result = ""
    var rest = template[...]
    while let dollar = rest.firstIndex(of: "$") {
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
    return result + rest
}
