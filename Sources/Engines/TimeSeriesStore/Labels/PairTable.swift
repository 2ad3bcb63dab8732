import Series

/// The labels of the series in memory as numbers: each text is kept once, and so is each pair of name and value.
struct PairTable: Sendable {
    private(set) var texts: [String] = []
    private var textNumbers: [ByteText: UInt32] = [:]
    /// The numbers of name and value, by the number of the pair.
    private(set) var pairTexts: [(name: UInt32, value: UInt32)] = []
    private(set) var identities: [Identity] = []
    private var pairNumbers: [UInt64: UInt32] = [:]
    private var pairsByName: [UInt32: [UInt32]] = [:]

    /// The numbers of the texts `job` and `instance`, which tell the targets apart; no text's where there is none yet.
    private(set) var job = UInt32.max
    private(set) var instance = UInt32.max

    var count: Int { pairTexts.count }

    /// The number of the name's text.
    func nameNumber(of pair: UInt32) -> UInt32 { pairTexts[Int(pair)].name }
    func name(of pair: UInt32) -> String { texts[Int(pairTexts[Int(pair)].name)] }
    func value(of pair: UInt32) -> String { texts[Int(pairTexts[Int(pair)].value)] }

    func pairs(named name: String) -> [UInt32] { textNumbers[ByteText(name)].flatMap { pairsByName[$0] } ?? [] }

    func pair(_ name: String, _ value: String) -> UInt32? {
        guard let name = textNumbers[ByteText(name)], let value = textNumbers[ByteText(value)] else { return nil }
        return pairNumbers[UInt64(name) << 32 | UInt64(value)]
    }

    /// The number of the pair, made if missing.
    mutating func number(_ name: String, _ value: String) -> UInt32 {
        let nameNumber = number(of: name)
        let key = UInt64(nameNumber) << 32 | UInt64(number(of: value))
        if let known = pairNumbers[key] { return known }
        let pair = UInt32(pairTexts.count)
        pairTexts.append((nameNumber, UInt32(truncatingIfNeeded: key)))
        var identity = Identity(name)
        identity.add(Identity(value))
        identities.append(identity)
        pairNumbers[key] = pair
        pairsByName[nameNumber, default: []].append(pair)
        return pair
    }

    private mutating func number(of text: String) -> UInt32 {
        if let known = textNumbers[ByteText(text)] { return known }
        let number = UInt32(texts.count)
        texts.append(text)
        if text == "job" { job = number }
        if text == "instance" { instance = number }
        textNumbers[ByteText(text)] = number
        return number
    }

    func labels(_ pairs: ArraySlice<UInt32>) -> Labels {
        Labels(sorted: pairs.map { Labels.Label(name(of: $0), value(of: $0)) })
    }

    func identity(_ pairs: ArraySlice<UInt32>) -> Identity {
        var identity = Identity.empty
        for pair in pairs { identity.add(identities[Int(pair)]) }
        return identity
    }

    /// As `Labels` are ordered.
    func precedes(_ left: ArraySlice<UInt32>, _ right: ArraySlice<UInt32>) -> Bool {
        var mine = left.startIndex
        var other = right.startIndex
        while mine < left.endIndex, other < right.endIndex {
            if left[mine] != right[other] {
                let first = pairTexts[Int(left[mine])]
                let second = pairTexts[Int(right[other])]
                if first.name != second.name {
                    return order(texts[Int(first.name)], texts[Int(second.name)]) < 0
                }
                return order(texts[Int(first.value)], texts[Int(second.value)]) < 0
            }
            mine += 1
            other += 1
        }
        return left.count < right.count
    }
}
