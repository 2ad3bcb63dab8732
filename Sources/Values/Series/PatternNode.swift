/// The structure of a regular expression.
indirect enum PatternNode {
    case empty
    case set(ScalarSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    /// `maximum` nil: without bound.
    case repetition(PatternNode, minimum: Int, maximum: Int?, greedy: Bool)
    case group(PatternNode, index: Int)
    case assertion(Assertion)

    enum Assertion: Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
    }
}

/// A set of Unicode scalars: ranges, general categories, and whether all of it is turned round.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    /// Names of general categories (`L`, `Lu`), each with whether it is meant negated.
    var categories: [(name: String, negated: Bool)] = []
    var negated = false

    static let any = ScalarSet(ranges: [0...0x10FFFF])
    static let anyButLineFeed = ScalarSet(ranges: [0...9, 11...0x10FFFF])

    static func single(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(ranges: [scalar.value...scalar.value]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        var inside = ranges.contains { $0.contains(value) }
        if !inside && !categories.isEmpty {
            let own = categoryName(scalar.properties.generalCategory)
            inside = categories.contains { own.hasPrefix($0.name) != $0.negated }
        }
        return inside != negated
    }

    var isAny: Bool { !negated && ranges.count == 1 && ranges[0] == 0...0x10FFFF }

    /// The members, where the set is small and listed.
    func members(atMost limit: Int) -> [Unicode.Scalar]? {
        guard !negated, categories.isEmpty else { return nil }
        guard ranges.reduce(0, { $0 + $1.count }) <= limit else { return nil }
        return ranges.flatMap { $0.compactMap(Unicode.Scalar.init) }
    }

    /// Adds the other letter cases of every member. Ranges of more than 1024 scalars hold both cases already wherever
    /// people write them (`[^a]`, `[\x{80}-\x{10FFFF}]`), so that only their ASCII part is folded.
    mutating func foldCase() {
        for range in ranges {
            for value in range.count <= 1024
                ? range : (range.lowerBound...max(range.lowerBound, min(range.upperBound, 127)))
            {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for other in otherCases(of: scalar) { ranges.append(other.value...other.value) }
            }
        }
    }
}

/// Simple case folding of one scalar, including the two ASCII letters that have a third form.
func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    var others: Set<Unicode.Scalar> = []
    for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
        let scalars = mapping.unicodeScalars
        if scalars.count == 1, let only = scalars.first { others.insert(only) }
    }
    switch scalar {
    case "k", "K": others.insert("\u{212A}")
    case "s", "S": others.insert("\u{17F}")
    case "\u{17F}": others.insert("s")
    default: break
    }
    others.remove(scalar)
    return Array(others)
}

private func categoryName(_ category: Unicode.GeneralCategory) -> String {
    switch category {
    case .uppercaseLetter: "Lu"
    case .lowercaseLetter: "Ll"
    case .titlecaseLetter: "Lt"
    case .modifierLetter: "Lm"
    case .otherLetter: "Lo"
    case .nonspacingMark: "Mn"
    case .spacingMark: "Mc"
    case .enclosingMark: "Me"
    case .decimalNumber: "Nd"
    case .letterNumber: "Nl"
    case .otherNumber: "No"
    case .connectorPunctuation: "Pc"
    case .dashPunctuation: "Pd"
    case .openPunctuation: "Ps"
    case .closePunctuation: "Pe"
    case .initialPunctuation: "Pi"
    case .finalPunctuation: "Pf"
    case .otherPunctuation: "Po"
    case .mathSymbol: "Sm"
    case .currencySymbol: "Sc"
    case .modifierSymbol: "Sk"
    case .otherSymbol: "So"
    case .spaceSeparator: "Zs"
    case .lineSeparator: "Zl"
    case .paragraphSeparator: "Zp"
    case .control: "Cc"
    case .format: "Cf"
    case .surrogate: "Cs"
    case .privateUse: "Co"
    case .unassigned: "Cn"
    @unknown default: "Cn"
    }
}

extension PatternNode {
    /// The parts of a sequence, with sequences and groups inside it laid flat.
    var pieces: [PatternNode] {
        switch self {
        case .sequence(let parts): parts.flatMap(\.pieces)
        case .group(let inner, _): inner.pieces
        case .empty: []
        default: [self]
        }
    }

    var singleScalar: Unicode.Scalar? {
        guard case .set(let set) = self, let members = set.members(atMost: 1) else { return nil }
        return members.first
    }

    /// 0 for `.*`, 1 for `.+` (where the dot stands for every scalar), nil for anything else.
    var anyRunMinimum: Int? {
        guard case .repetition(.set(let set), let minimum, nil, _) = self, set.isAny, minimum <= 1 else { return nil }
        return minimum
    }

    /// All texts that match, where they are few.
    func finiteTexts(atMost limit: Int) -> [String]? {
        switch self {
        case .empty:
            return [""]
        case .set(let set):
            return set.members(atMost: 32)?.map { String(Character($0)) }
        case .group(let inner, _):
            return inner.finiteTexts(atMost: limit)
        case .sequence(let parts):
            var texts = [""]
            for part in parts {
                guard let next = part.finiteTexts(atMost: limit), texts.count * next.count <= limit else { return nil }
                texts = texts.flatMap { head in next.map { head + $0 } }
            }
            return texts
        case .alternatives(let options):
            var texts: [String] = []
            for option in options {
                guard let more = option.finiteTexts(atMost: limit), texts.count + more.count <= limit else {
                    return nil
                }
                texts += more
            }
            return texts
        case .repetition(let inner, 0, 1, _):
            guard let texts = inner.finiteTexts(atMost: limit - 1) else { return nil }
            return texts + [""]
        case .repetition, .assertion:
            return nil
        }
    }
}
