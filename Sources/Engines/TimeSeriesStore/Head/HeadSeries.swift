import Series

/// One series in memory: its newest samples, compressed.
struct HeadSeries: Sendable {
    let labels: Labels
    private(set) var sealed: [Chunk] = []
    private(set) var open: ChunkAppender?
    /// The newest sample that was taken; `Int64.min` where there is none.
    var lastTime = Int64.min
    var lastValueBits: UInt64 = 0
    /// The segment of the log that knows this series; 0 for none.
    var declaredIn: UInt64 = 0

    init(_ labels: Labels) {
        self.labels = labels
    }

    var isEmpty: Bool { sealed.isEmpty && open == nil }
    var firstTime: Int64? { sealed.first?.minTime ?? open?.minTime }

    /// All chunks in order of time; the open one as it is now.
    var chunks: [Chunk] { open.map { sealed + [$0.chunk] } ?? sealed }

    var sampleCount: Int { sealed.reduce(open?.sampleCount ?? 0) { $0 + $1.sampleCount } }
    var byteCount: Int { sealed.reduce(open?.byteCount ?? 0) { $0 + $1.bytes.count } }

    /// Adds a sample newer than all others. A chunk never crosses the border of a span, so that a block takes whole chunks.
    mutating func add(_ time: Int64, _ value: Double, spanMilliseconds: Int64) {
        if let chunk = open {
            let isFull = chunk.sampleCount >= ChunkAppender.sampleCountMax
            if isFull || spanStart(of: time, spanMilliseconds) != spanStart(of: chunk.minTime, spanMilliseconds) {
                sealed.append(chunk.sealed)
                open = ChunkAppender()
            }
        } else {
            open = ChunkAppender()
        }
        open!.append(time, value)
    }

    mutating func dropChunks(before end: Int64) {
        sealed.removeAll { $0.maxTime < end }
        if let chunk = open, chunk.maxTime < end { open = nil }
    }
}

/// The start of the span that holds `time`.
func spanStart(of time: Int64, _ spanMilliseconds: Int64) -> Int64 {
    let rest = time % spanMilliseconds
    return time - (rest < 0 ? rest + spanMilliseconds : rest)
}
