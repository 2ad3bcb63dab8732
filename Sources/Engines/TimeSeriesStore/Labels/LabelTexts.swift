import Series

/// An inverted index with the labels of its series.
protocol LabelIndex: Postings {
    var pairCount: Int { get }
    func pairs(of series: Int) -> ArraySlice<UInt32>
    func name(of pair: UInt32) -> String
}

extension Head: LabelIndex {
    var pairCount: Int { table.count }
    func name(of pair: UInt32) -> String { table.name(of: pair) }
}

extension BlockIndex: LabelIndex {}

/// The names of labels, or the values of one of them. Each series is looked at once: a name may have as many values as there are series, and
/// to ask for each value which series have it would take the square of their number.
struct LabelTexts: Sendable {
    /// Nil where names are wanted.
    var valuesOf: String?

    private static let seriesBetweenChecks = 1 << 16

    /// What series of `index` have, each once, in no order.
    /// - Throws: `CancellationError` when `stop` is set.
    func texts(of set: SeriesSet, in index: some LabelIndex, _ stop: StopFlag) throws -> [String] {
        var pairs = SeriesSet(capacity: index.pairCount)
        var seen = 0
        try set.forEach { series in
            for pair in index.pairs(of: series) { pairs.insert(Int(pair)) }
            seen += 1
            if seen % Self.seriesBetweenChecks == 0, stop.isSet { throw CancellationError() }
        }
        guard let valuesOf else {
            var names: Set<ByteText> = []
            pairs.forEach { names.insert(ByteText(index.name(of: UInt32($0)))) }
            return names.map(\.text)
        }
        return index.pairs(named: valuesOf).filter { pairs.contains(Int($0)) }.map(index.value)
    }
}
