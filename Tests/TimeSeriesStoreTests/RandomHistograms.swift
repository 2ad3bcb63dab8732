import Series
import TestSupport

/// A run of histograms of one series: the layout stays for a while, then changes.
func randomHistograms(_ random: inout SeededGenerator) -> [NativeHistogram] {
    var histograms: [NativeHistogram] = []
    var current = randomLayout(&random)
    for _ in 0..<Int.random(in: 1...60, using: &random) {
        if Int.random(in: 0..<15, using: &random) == 0 { current = randomLayout(&random) }
        current.resetHint = [.unknown, .reset, .notReset, .gauge].randomElement(using: &random)!
        for index in current.positiveBuckets.indices where Bool.random(using: &random) {
            current.positiveBuckets[index] += Double(Int.random(in: 0..<5, using: &random))
        }
        current.zeroCount += 1
        current.count = current.zeroCount + current.positiveBuckets.reduce(0, +) + current.negativeBuckets.reduce(0, +)
        current.sum += Double.random(in: 0...10, using: &random)
        histograms.append(current)
    }
    return histograms
}

private func randomLayout(_ random: inout SeededGenerator) -> NativeHistogram {
    let isCustom = Int.random(in: 0..<4, using: &random) == 0
    var layout = NativeHistogram(
        schema: isCustom ? NativeHistogram.customBucketsSchema : Int8.random(in: -4...8, using: &random))
    for _ in 0..<Int.random(in: 0...3, using: &random) {
        let length = UInt32.random(in: 1...4, using: &random)
        layout.positiveSpans.append(.init(offset: .random(in: 0...5, using: &random), length: length))
        layout.positiveBuckets += [Double](repeating: 1, count: Int(length))
    }
    if isCustom {
        layout.customBounds = [0.5, 1, 2.5, .random(in: 3...9, using: &random)]
    } else {
        layout.zeroThreshold = 1e-128
        if Bool.random(using: &random) {
            layout.negativeSpans = [.init(offset: -3, length: 2)]
            layout.negativeBuckets = [4, 2]
        }
    }
    return layout
}
