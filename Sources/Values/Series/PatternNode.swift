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

/// A set of Unicode scalars: ranges, named classes, and whether all of it is turned round.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    /// Each with whether it is meant negated.
    var classes: [(named: UnicodeClass, negated: Bool)] = []
    var negated = false

    static let any = ScalarSet(ranges: [0...0x10FFFF])
    static let anyButLineFeed = ScalarSet(ranges: [0...9, 11...0x10FFFF])

    static func single(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(ranges: [scalar.value...scalar.value]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        var inside = ranges.contains { $0.contains(value) }
        if !inside && !classes.isEmpty { inside = classes.contains { $0.named.contains(scalar) != $0.negated } }
        return inside != negated
    }

    var isAny: Bool { !negated && ranges.count == 1 && ranges[0] == 0...0x10FFFF }

    /// The members, where the set is small and listed.
    func members(atMost limit: Int) -> [Unicode.Scalar]? {
        guard !negated, classes.isEmpty else { return nil }
        guard ranges.reduce(0, { $0 + $1.count }) <= limit else { return nil }
        return ranges.flatMap { $0.compactMap(Unicode.Scalar.init) }
    }

    /// Adds the other letter cases of every member that is listed, and sorts the ranges.
    mutating func foldCase() {
        for range in ranges {
            if range.count <= 1024 {
                for value in range { addOtherCases(of: Unicode.Scalar(value)) }
            } else {
                for member in CaseOrbits.all.members where range.contains(member.value) {
                    addOtherCases(of: member, outside: range)
                }
            }
        }
        sortRanges()
    }

    private mutating func addOtherCases(of scalar: Unicode.Scalar?, outside range: ClosedRange<UInt32>? = nil) {
        guard let scalar else { return }
        for other in otherCases(of: scalar) where range?.contains(other.value) != true {
            ranges.append(other.value...other.value)
        }
    }

    /// Puts the ranges in order and joins those that touch.
    mutating func sortRanges() {
        guard ranges.count > 1 else { return }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var joined = [ranges[0]]
        for range in ranges.dropFirst() {
            let last = joined[joined.count - 1]
            if range.lowerBound <= last.upperBound + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
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
