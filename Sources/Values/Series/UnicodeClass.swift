/// A named set of Unicode scalars, as patterns have them: a general category (`\p{Lu}`) or a script (`\p{Greek}`).
struct UnicodeClass: Sendable {
    private enum Kind: Sendable {
        /// `L` or `Lu`.
        case category(String)
        case script(ScalarRuns)
    }

    private let kind: Kind
    /// Whether also those are in it that differ from a member in case alone.
    private let foldsCase: Bool

    /// - Returns: nil where there is no category or script of that name.
    init?(_ name: String, foldsCase: Bool) {
        self.foldsCase = foldsCase
        if categoryNames.contains(name) {
            kind = .category(name)
        } else if let runs = ScalarRuns.scripts[name] {
            kind = .script(runs)
        } else {
            return nil
        }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        holds(scalar) || (foldsCase && otherCases(of: scalar).contains { holds($0) })
    }

    private func holds(_ scalar: Unicode.Scalar) -> Bool {
        switch kind {
        case .category(let name):
            let own = categoryName(scalar.properties.generalCategory)
            // As in Go, what is not assigned is of no category.
            return own != "Cn" && own.hasPrefix(name)
        case .script(let runs): return runs.contains(scalar.value)
        }
    }
}

/// Scalars by where runs of them begin and end.
struct ScalarRuns: Sendable {
    /// By turns the first scalar of a run and the one behind its last; rising.
    private let bounds: [UInt32]

    /// - Parameter distances: of each bound from the one before.
    private init(distances: [Substring]) {
        var place: UInt32 = 0
        bounds = distances.map { text in
            place += UInt32(text, radix: 16) ?? 0
            return place
        }
    }

    /// All scripts by name; decoded when a pattern first asks for one.
    static let scripts: [String: ScalarRuns] = Dictionary(
        uniqueKeysWithValues: unicodeScriptTable.split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            return (String(words[0]), ScalarRuns(distances: Array(words.dropFirst())))
        })

    func contains(_ value: UInt32) -> Bool {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] <= value { low = middle + 1 } else { high = middle }
        }
        // As many bounds are not above the value as make it stand within a run, when they are odd in number.
        return !low.isMultiple(of: 2)
    }
}

// MARK: Case

/// The scalars that simple case folding holds for the same as `scalar`, without itself: `K` and the sign of the kelvin for `k`.
func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    switch scalar {
    case "k", "K", "s", "S": break
    case "a"..."z": return [Unicode.Scalar(UInt8(scalar.value) - 32)]
    case "A"..."Z": return [Unicode.Scalar(UInt8(scalar.value) + 32)]
    case "\u{0}"..."\u{7F}": return []
    default: break
    }
    return CaseOrbits.all.others[scalar] ?? []
}

/// Which scalars differ in case alone.
struct CaseOrbits: Sendable {
    let others: [Unicode.Scalar: [Unicode.Scalar]]
    /// All that have another case, rising.
    let members: [Unicode.Scalar]

    /// Decoded when a pattern first asks for it.
    static let all = CaseOrbits()

    private init() {
        var byFolded: [UInt32: [Unicode.Scalar]] = [:]
        for entry in unicodeFoldingTable.split(separator: ",") {
            let numbers = entry.split(separator: " ").map { Int($0, radix: 16) ?? 0 }
            for index in 0..<numbers[1] {
                let value = numbers[0] + index * numbers[2]
                guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
                byFolded[UInt32(value + numbers[3]), default: []].append(scalar)
            }
        }
        var others: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for (folded, variants) in byFolded {
            let orbit = variants + [Unicode.Scalar(folded)].compactMap { $0 }
            for scalar in orbit { others[scalar] = orbit.filter { $0 != scalar } }
        }
        self.others = others
        members = others.keys.sorted()
    }
}

// MARK: Categories

private let categoryNames: Set<String> = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co",
]

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
