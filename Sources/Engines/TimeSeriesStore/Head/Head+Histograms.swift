import Series

/// The newest native histograms of one series.
struct OpenHistograms: Sendable {
    var times: [Int64] = []
    var histograms: [NativeHistogram] = []
}

extension Head {
    /// Histograms are long; fewer make a chunk.
    static let openHistogramCountMax = 60

    /// Adds a histogram newer than all samples of its series.
    mutating func add(_ number: Int, _ time: Int64, _ histogram: NativeHistogram) {
        if series[number].openCount > 0 { seal(number) }
        if let open = histograms[number],
            open.times.count >= Self.openHistogramCountMax
                || spanStart(of: time, spanMilliseconds) != spanStart(of: open.times[0], spanMilliseconds)
        {
            sealHistograms(number)
        }
        histograms[number, default: OpenHistograms()].times.append(time)
        histograms[number]!.histograms.append(histogram)
        series[number].hasOpenHistograms = true
    }

    mutating func sealHistograms(_ number: Int) {
        series[number].hasOpenHistograms = false
        guard let open = histograms.removeValue(forKey: number) else { return }
        let span = span(endingAt: spanStart(of: open.times[0], spanMilliseconds) + spanMilliseconds)
        var bytes: [UInt8] = []
        open.times.withUnsafeBufferPointer { encodeIntegers($0, into: &bytes) }
        let time = spans[span].addTimes(
            bytes, of: number, count: open.times.count, first: open.times[0], last: open.times.last!)
        bytes = []
        encodeHistograms(open.histograms[...], into: &bytes)
        spans[span].addChunk(bytes, of: number, time: time, isOfHistograms: true)
    }
}
