import Units
import WebAPI

// What stands after the question mark of an address is checked here against what its route declares, before any handler sees
// it. A mistyped `?stat=firing` would otherwise be answered as if nothing had been asked for, with everything. The addresses
// under /api/v1 are let through: Prometheus ignores what it does not know, and its clients send what other servers understand.

extension Route {
    /// - Throws: `Problem` of code `invalid` that names the parameter at fault.
    func check(_ query: FormFields) throws {
        guard family != .prometheus else { return }
        let known = parameters.filter { $0.place == .query }
        for pair in query.pairs where !(takesGraphLinks && GraphLink.isParameter(pair.name)) {
            guard let parameter = known.first(where: { $0.name == pair.name }) else {
                throw unknown(pair.name, known)
            }
            guard query.all(pair.name).count == 1 else {
                throw Problem(.invalid, "\(pair.name): stands more than once", hint: "Give it once.")
            }
            // A form sends the fields that were left empty too.
            if !pair.value.isEmpty { try parameter.check(pair.value) }
        }
        for parameter in known where parameter.isRequired && query[parameter.name] == nil {
            throw Problem(.invalid, "\(parameter.name): is missing", hint: parameter.documentation)
        }
    }

    private func unknown(_ name: String, _ known: [Parameter]) -> Problem {
        let names = known.map(\.name).joined(separator: ", ")
        return Problem(
            .invalid, "\(name.prefix(40)): there is no such parameter",
            hint: known.isEmpty ? "This address takes none." : "This address takes \(names).")
    }
}

extension Route.Parameter {
    fileprivate func check(_ value: String) throws {
        switch kind {
        case .text(let lengthMax):
            guard value.count <= lengthMax else { throw fault("is longer than \(lengthMax) characters") }
            guard !value.utf8.contains(0) else { throw fault("holds a zero byte") }
        case .choice(let words):
            guard words.contains(value) else {
                throw fault("'\(value.prefix(40))' is none of \(words.joined(separator: ", "))")
            }
        case .number(let range):
            guard let number = Int64(value) else { throw fault("'\(value.prefix(40))' is not a whole number") }
            guard range.contains(number) else {
                throw fault(
                    range.upperBound == .max
                        ? "\(number) is less than \(range.lowerBound)"
                        : "\(number) is not between \(range.lowerBound) and \(range.upperBound)")
            }
        case .instant:
            guard Self.instant(value, endOfDay: false) != nil else {
                throw Problem(
                    .invalid, "\(name): '\(value.prefix(40))' is not a time",
                    hint: "Write it like 2026-03-01 or 2026-03-01T07:05:00Z.")
            }
        }
    }

    private func fault(_ text: String) -> Problem { Problem(.invalid, "\(name): \(text)", hint: documentation) }

    /// - Parameter endOfDay: whether a day alone means its last millisecond rather than its first.
    static func instant(_ text: String, endOfDay: Bool) -> Timestamp? {
        if let ms = Int64(text) {
            // Beyond the year 9999 a time can be neither written nor meant.
            return (-62_135_596_800_000...253_402_300_799_999).contains(ms)
                ? Timestamp(millisecondsSinceEpoch: ms) : nil
        }
        return Timestamp(rfc3339: text.count == 10 ? text + (endOfDay ? "T23:59:59.999Z" : "T00:00:00Z") : text)
    }
}
