import Series

// Aggregations that can take one series after the other: a column is read once from its first step to its last, and every step of
// the group has its own running state. Nothing is allocated for a step, and the order in which values are added is that of the
// series, so that sums come out as the reference's.

struct GroupAccumulation {
    private let op: Aggregator
    private(set) var values: [Double]
    private var corrections: [Double] = []
    private var means: [Mean?] = []

    static func takes(_ op: Aggregator) -> Bool {
        switch op {
        case .sum, .avg, .min, .max, .count, .group: true
        default: false
        }
    }

    init(_ op: Aggregator, stepCount: Int) {
        self.op = op
        values = [Double](repeating: absent, count: stepCount)
        switch op {
        case .sum: corrections = [Double](repeating: 0, count: stepCount)
        case .avg: means = Array(repeating: nil, count: stepCount)
        default: break
        }
    }

    mutating func add(_ column: [Double]) {
        switch op {
        case .sum: addSums(column)
        case .avg:
            for step in column.indices where !column[step].isStaleMarker {
                if means[step] == nil {
                    means[step] = Mean(column[step])
                } else {
                    means[step]!.add(column[step])
                }
            }
        case .count:
            for step in column.indices where !column[step].isStaleMarker {
                values[step] = values[step].isStaleMarker ? 1 : values[step] + 1
            }
        case .group:
            for step in column.indices where !column[step].isStaleMarker { values[step] = 1 }
        default:
            let wantsSmallest = op == .min
            for step in column.indices where !column[step].isStaleMarker {
                let (old, new) = (values[step], column[step])
                // What is absent is a NaN, too, and gives way likewise.
                if old.isNaN || (wantsSmallest ? new < old : new > old) { values[step] = new }
            }
        }
    }

    private mutating func addSums(_ column: [Double]) {
        for step in column.indices where !column[step].isStaleMarker {
            if values[step].isStaleMarker {
                values[step] = column[step]
                continue
            }
            var sum = CompensatedSum(values[step])
            sum.correction = corrections[step]
            sum.add(column[step])
            values[step] = sum.sum
            corrections[step] = sum.correction
        }
    }

    /// One value for each step; `absent` where no series had one.
    var result: [Double] {
        switch op {
        case .sum:
            return values.indices.map { step in
                values[step].isStaleMarker || values[step].isInfinite ? values[step] : values[step] + corrections[step]
            }
        case .avg: return means.map { $0?.value ?? absent }
        default: return values
        }
    }
}
