import Series

// Aggregations that can take one series after the other: a column is read once from its first step to its last, and every step of
// the group has its own running state. Nothing is allocated for a step, and the order in which values are added is that of the
// series, so that sums come out as the reference's.

struct GroupAccumulation {
    private let op: Aggregator
    private(set) var values: [Double]
    private var corrections: [Double] = []
    private var means: [Mean?] = []
    /// Whether every step has a value.
    private var isWhole = false
    private var isEmpty = true

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
        let columnIsWhole = !hasStaleMarker(column)
        defer {
            isEmpty = false
            isWhole = isWhole || columnIsWhole
        }
        // What is absent looks the same in both.
        if isEmpty {
            values = column
            return
        }
        let needsNoLook = isWhole && columnIsWhole
        values.withUnsafeMutableBufferPointer { sums in
            corrections.withUnsafeMutableBufferPointer { corrections in
                column.withUnsafeBufferPointer { column in
                    let stepCount = min(sums.count, corrections.count, column.count)
                    if needsNoLook {
                        Self.addSums(
                            sums.baseAddress!, corrections.baseAddress!, column.baseAddress!, stepCount: stepCount)
                        return
                    }
                    for step in 0..<stepCount where !column[step].isStaleMarker {
                        if sums[step].isStaleMarker {
                            sums[step] = column[step]
                            continue
                        }
                        var sum = CompensatedSum(sums[step])
                        sum.correction = corrections[step]
                        sum.add(column[step])
                        sums[step] = sum.sum
                        corrections[step] = sum.correction
                    }
                }
            }
        }
    }

    /// `CompensatedSum.add` at every step, written for vectors: choices instead of branches. What becomes of the correction of an
    /// infinite sum does not matter, since it is left out in the end.
    private static func addSums(
        _ sums: UnsafeMutablePointer<Double>, _ corrections: UnsafeMutablePointer<Double>,
        _ column: UnsafePointer<Double>, stepCount: Int
    ) {
        for step in 0..<stepCount {
            let (sum, value) = (sums[step], column[step])
            let total = sum + value
            let isLarger = sum.magnitude >= value.magnitude
            let large = isLarger ? sum : value
            let small = isLarger ? value : sum
            corrections[step] += (large - total) + small
            sums[step] = total
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
