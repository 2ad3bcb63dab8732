import Series

/// Stands in a column where a series has no value at that step. It is the stale marker, which never is a value itself.
let absent = staleMarker

/// One element of an instant vector over all steps.
struct Column {
    var labels: Labels
    /// One value for each step; `absent` where there is none.
    var values: [Double]
    /// The metric's name has served its purpose and goes at the end of the query.
    var dropsName = false

    func isPresent(_ step: Int) -> Bool { !values[step].isStaleMarker }
}

/// What an expression gives over all steps.
enum StepValues {
    case scalar([Double])
    case vector([Column])
    case string(StringLiteral)
}

/// A range vector: raw samples of each series and the window that each step looks through.
struct WindowedSeries {
    struct Row {
        var labels: Labels
        var times: [Int64]
        var values: [Double]
        var dropsName = false
    }

    var rows: [Row]
    var rangeMs: Int64
    var moments: Moments
}

/// What the reference calls annotations, each once, in the order they came up.
struct Notes {
    private(set) var warnings: [String] = []
    private(set) var infos: [String] = []

    mutating func warn(_ text: String) { if !warnings.contains(text) { warnings.append(text) } }
    mutating func inform(_ text: String) { if !infos.contains(text) { infos.append(text) } }
}
