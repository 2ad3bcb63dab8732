import Series

// In which order the series of a vector stand decides which of two that tie `topk` takes, and the last digit of a sum. An instant query
// has one order: the store's, until `sort` or `topk` set another, and that of a group is its first member's. A range query computes all
// its steps at once, and there the order may change from step to step: `sort` puts another series first, a group's first member comes
// later than that of another group, two series take turns under one name. A column then carries its rank at each step. Few do: ranks are
// only computed below an aggregation, and only where the order of the columns is not that of every step.

/// Who sees in which order the series stand at a step.
enum OrderUse {
    /// The reader of an instant answer. The rows of a range answer go by their labels.
    case answer
    /// An aggregation further up.
    case aggregation
    /// Nobody: what a subquery gives is series, which go by their labels.
    case nobody
}

extension [Column] {
    /// Whether the columns carry ranks; all do or none.
    var areRanked: Bool { first.map { !$0.ranks.isEmpty } ?? false }

    /// Where the column at `index` stands at `step`. Of two that are present the smaller one comes first.
    func rank(_ index: Int, _ step: Int) -> Int32 {
        self[index].ranks.isEmpty ? Int32(truncatingIfNeeded: index) : self[index].ranks[step]
    }

    /// A number that is larger than all ranks.
    var rankEnd: Int32 {
        areRanked ? reduce(0) { Swift.max($0, ($1.ranks.max() ?? -1) + 1) } : Int32(truncatingIfNeeded: count)
    }

    /// The columns in the order that `ranks` say: as they stand where that is the order of every step, else with their ranks.
    /// - Parameter ranks: for each column one number for each step.
    func arranged(by ranks: [[Int32]]) -> [Column] {
        let stepCount = ranks.first?.count ?? 0
        let isInOrder = (0..<stepCount).allSatisfy { step in
            var last = Int32.min
            for index in indices where self[index].isPresent(step) {
                if ranks[index][step] < last { return false }
                last = ranks[index][step]
            }
            return true
        }
        var columns = self
        for index in indices { columns[index].ranks = isInOrder || stepCount == 1 ? [] : ranks[index] }
        guard !isInOrder, stepCount == 1 else { return columns }
        return indices.sorted { (ranks[$0][0], $0) < (ranks[$1][0], $1) }.map { columns[$0] }
    }

    /// `self`, then `others`, with ranks that say so where either has any.
    func followed(by others: [Column]) -> [Column] {
        guard areRanked || others.areRanked else { return self + others }
        let end = rankEnd
        func ranked(_ columns: [Column], from first: Int32) -> [Column] {
            columns.indices.map { index in
                var column = columns[index]
                column.ranks = column.values.indices.map { first + columns.rank(index, $0) }
                return column
            }
        }
        return ranked(self, from: 0) + ranked(others, from: end)
    }
}

extension Evaluator {
    func seesOrder(_ grid: StepGrid) -> Bool {
        switch grid.orderUse {
        case .answer: scope.isInstant
        case .aggregation: true
        case .nobody: false
        }
    }

    /// As `withoutName`; series that take turns from then on stand where the one stands whose turn it is.
    func withoutName(_ columns: [Column], over grid: StepGrid) throws -> [Column] {
        let nameless = try withoutName(columns)
        guard nameless.count < columns.count else { return nameless }
        return taking(turns: columns.map { $0.labels.dropping(reservedLabels) }, of: columns, in: nameless, grid)
    }

    /// As `merged`, likewise.
    func merged(_ columns: [Column], over grid: StepGrid) throws -> [Column] {
        let joined = try merged(columns)
        guard joined.count < columns.count else { return joined }
        return taking(turns: columns.map(\.labels), of: columns, in: joined, grid)
    }

    private func taking(turns labels: [Labels], of columns: [Column], in joined: [Column], _ grid: StepGrid) -> [Column]
    {
        guard seesOrder(grid) else { return joined }
        let places = Dictionary(uniqueKeysWithValues: joined.enumerated().map { ($1.labels, $0) })
        var ranks = joined.map { [Int32](repeating: 0, count: $0.values.count) }
        for (index, column) in columns.enumerated() {
            let place = places[labels[index]]!
            for step in column.values.indices where column.isPresent(step) {
                ranks[place][step] = columns.rank(index, step)
            }
        }
        return joined.arranged(by: ranks)
    }
}
