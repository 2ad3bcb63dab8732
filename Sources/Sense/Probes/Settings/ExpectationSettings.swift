import Series
import Settings

/// The section `expect` of a probe.
struct ExpectationSettings: SettingsSection {
    let expectation: HTTPExpectation

    init(_ s: SettingsReader) {
        var statuses: [ClosedRange<Int>] = []
        for text in s.texts("status", default: ["2xx"], "Statuses that are well: 204, 200-204 or 2xx.") {
            if let range = HTTPExpectation.statuses(text) {
                statuses.append(range)
            } else {
                s.fault("status", "'\(text)' is not a status; write it like 204, 200-204 or 2xx")
            }
        }
        let contains = s.texts("contains", "Texts that the body must contain.")
        let containsNot = s.texts("contains_not", "Texts that the body must not contain.")
        var matches: [(source: String, pattern: AnchoredPattern)] = []
        for source in s.texts("matches", "Regular expressions of which each must match somewhere in the body.") {
            do throws(PatternFault) {
                matches.append((source, try HTTPExpectation.pattern(source)))
            } catch {
                s.fault("matches", "'\(source)' is not a regular expression: \(error.reason)")
            }
        }
        let headers = s.textMap("headers", "Header fields of the reply, with a text that each must contain.")
        let json = s.list("json", of: JSONConditionSettings.self, "Conditions on values inside a JSON reply.")
        let durationMax = s.optionalDuration(
            "max_duration", atLeast: .milliseconds(1), "The longest time that a good reply may take.")
        expectation = HTTPExpectation(
            statuses: statuses, contains: contains, containsNot: containsNot, matches: matches, headers: headers,
            json: json.compactMap(\.condition), durationMax: durationMax)
    }
}

/// One element of `expect.json`.
struct JSONConditionSettings: SettingsSection {
    let condition: JSONCondition?

    init(_ s: SettingsReader) {
        let path = s.requiredText("path", "Keys and indexes with dots between, as in services.database.status.")
        var tests: [JSONCondition.Test] = []
        if let text = s.optionalText("equals", "The value must be this.") { tests.append(.equals(text)) }
        if let text = s.optionalText("not", "The value must be there and must not be this.") {
            tests.append(.not(text))
        }
        if let less = s.optionalNumber("less", "The value must be a number below this.") { tests.append(.less(less)) }
        if let greater = s.optionalNumber("greater", "The value must be a number above this.") {
            tests.append(.greater(greater))
        }
        let exists = s.boolean("exists", default: true, "Whether there must be a value at all.")
        if s.isPresent("exists") { tests.append(.exists(exists)) }
        if tests.count > 1 {
            s.fault(nil, "a condition has one of 'equals', 'not', 'less', 'greater' and 'exists'; write two conditions")
        }
        condition = path.isEmpty ? nil : JSONCondition(path, tests.first ?? .exists(true))
    }
}
