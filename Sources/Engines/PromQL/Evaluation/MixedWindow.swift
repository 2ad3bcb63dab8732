import Series

// Functions of a window that holds native histograms, or both kinds of samples. Such windows are rare next to those of plain
// numbers, so that this is written for sense, not for speed: the samples are sorted out into two lists first.

struct MixedWindow {
    /// The numbers alone.
    var numbers: Window
    var histogramTimes: [Int64] = []
    var histograms: [Histogram] = []
    /// All samples in order.
    var samples: [(time: Int64, value: SampleValue)] = []

    init(_ row: SampleRow, _ window: Window) {
        var times: [Int64] = []
        var values: [Double] = []
        for index in window.from..<window.to {
            if let histogram = row.histograms[index] {
                histogramTimes.append(row.times[index])
                histograms.append(histogram)
                samples.append((row.times[index], .histogram(histogram)))
            } else {
                times.append(row.times[index])
                values.append(row.values[index])
                samples.append((row.times[index], .number(row.values[index])))
            }
        }
        numbers = Window(
            times: times, values: values, from: 0, to: times.count, start: window.start, end: window.end,
            now: window.now)
    }

    var hasBoth: Bool { !histograms.isEmpty && numbers.count > 0 }
}

/// What a range function says of the histograms it met.
enum WindowNote: Hashable {
    case mixedWarning, ignoredInfo, notCounter, notGauge, incompatibleSchemas
    case reconciledBounds(String)
    case hintCollision
}

extension MixedWindow {
    /// A function that looks at nothing but the samples.
    func evaluate(_ function: Function, rangeMs: Int64, _ note: (WindowNote) -> Void) -> SampleValue? {
        switch function {
        case .rate, .increase, .delta: return extrapolated(function, rangeMs, note)
        case .irate, .idelta: return lastChange(function, note)
        case .countOverTime: return .number(Double(samples.count))
        case .presentOverTime: return .number(1)
        case .firstOverTime: return samples.first!.value
        case .lastOverTime: return samples.last!.value
        case .timeOfFirstOverTime: return .number(Double(samples.first!.time) / 1000)
        case .timeOfLastOverTime: return .number(Double(samples.last!.time) / 1000)
        case .changes: return .number(countSteps(isChange))
        case .resets: return .number(countSteps(isReset))
        case .sumOverTime, .avgOverTime:
            if histograms.isEmpty { return .number(numbers.evaluate(function, rangeMs: rangeMs)) }
            if numbers.count > 0 {
                note(.mixedWarning)
                return nil
            }
            return combined(function, note)
        default: return numbersOnly(note) { $0.evaluate(function, rangeMs: rangeMs) }
        }
    }

    /// Functions that leave histograms out.
    func numbersOnly(_ note: (WindowNote) -> Void, _ body: (inout Window) -> Double) -> SampleValue? {
        guard numbers.count > 0 else { return nil }
        if hasBoth { note(.ignoredInfo) }
        var window = numbers
        let value = body(&window)
        return value.isStaleMarker ? nil : .number(value)
    }

    private func isChange(_ old: SampleValue, _ new: SampleValue) -> Bool {
        switch (old, new) {
        case (.number(let a), .number(let b)): a != b && !(a.isNaN && b.isNaN)
        case (.histogram(let a), .histogram(let b)): a != b
        default: true
        }
    }

    private func isReset(_ old: SampleValue, _ new: SampleValue) -> Bool {
        switch (old, new) {
        case (.number(let a), .number(let b)): b < a
        case (.histogram(let a), .histogram(let b)): a.isGauge != b.isGauge || b.isReset(after: a)
        default: true
        }
    }

    private func countSteps(_ counts: (SampleValue, SampleValue) -> Bool) -> Double {
        Double(zip(samples, samples.dropFirst()).count { counts($0.value, $1.value) })
    }

    private func combined(_ function: Function, _ note: (WindowNote) -> Void) -> SampleValue? {
        do throws(IncompatibleSchemas) {
            var sum = HistogramSum(histograms[0])
            for histogram in histograms.dropFirst() { try sum.add(histogram) }
            if sum.hasHintCollision { note(.hintCollision) }
            if sum.notes.hasReconciledBounds { note(.reconciledBounds("aggregation")) }
            if function == .sumOverTime { return .histogram(sum.sum) }
            if let mean = sum.mean { return .histogram(mean) }
            return .histogram(try HistogramSum.runningMean(histograms))
        } catch {
            note(.incompatibleSchemas)
            return nil
        }
    }

    // MARK: Rates

    private func lastChange(_ function: Function, _ note: (WindowNote) -> Void) -> SampleValue? {
        guard samples.count >= 2 else { return nil }
        let (old, new) = (samples[samples.count - 2], samples[samples.count - 1])
        let seconds = Double(new.time - old.time) / 1000
        guard seconds > 0 else { return nil }
        let isRate = function == .irate
        switch (old.value, new.value) {
        case (.number(let a), .number(let b)):
            let change = isRate && b < a ? b : b - a
            return .number(isRate ? change / seconds : change)
        case (.histogram(let a), .histogram(let b)):
            if isRate, a.isGauge || b.isGauge { note(.notCounter) }
            if !isRate, !a.isGauge || !b.isGauge { note(.notGauge) }
            var change = b
            do throws(IncompatibleSchemas) {
                if !isRate || !b.isReset(after: a), try change.subtract(a).hasReconciledBounds {
                    note(.reconciledBounds("subtraction"))
                }
            } catch {
                note(.incompatibleSchemas)
                return nil
            }
            change.hint = .gauge
            change.compact()
            return .histogram(isRate ? change.divided(by: seconds) : change)
        default:
            note(.mixedWarning)
            return nil
        }
    }

    private func extrapolated(_ function: Function, _ rangeMs: Int64, _ note: (WindowNote) -> Void) -> SampleValue? {
        if hasBoth {
            note(.mixedWarning)
            return nil
        }
        let isCounter = function != .delta
        if histograms.isEmpty {
            let value = numbers.evaluate(function, rangeMs: rangeMs)
            return value.isStaleMarker ? nil : .number(value)
        }
        guard histograms.count >= 2, var change = histogramChange(isCounter: isCounter, note) else { return nil }
        let factor = extrapolationFactor(
            times: (histogramTimes.first!, histogramTimes.last!), count: histograms.count, start: numbers.start,
            end: numbers.end, isCounter: isCounter, first: histograms[0].count, change: change.count)
        let seconds = function == .rate ? Double(rangeMs) / 1000 : 1
        change = change.multiplied(by: factor / seconds)
        change.hint = .gauge
        change.compact()
        return .histogram(change)
    }

    /// Last minus first, with what was lost at each reset of a counter put back.
    private func histogramChange(isCounter: Bool, _ note: (WindowNote) -> Void) -> Histogram? {
        var previous = histograms[0]
        if isCounter, histograms.contains(where: \.isGauge) { note(.notCounter) }
        if !isCounter, !histograms[0].isGauge || !histograms[histograms.count - 1].isGauge { note(.notGauge) }
        // What stood before a reset right after the first sample does not count, and neither does its layout.
        if isCounter, histograms[1].isReset(after: previous) {
            previous = Histogram(schema: histograms[1].schema)
            previous.bounds = histograms[1].bounds
        }
        var layouts = [previous, histograms[histograms.count - 1]]
        if isCounter { layouts += histograms[1..<(histograms.count - 1)] }
        guard layouts.allSatisfy({ $0.isCustom == previous.isCustom }) else {
            note(.incompatibleSchemas)
            return nil
        }
        do throws(IncompatibleSchemas) {
            var change = histograms[histograms.count - 1]
            if !change.isCustom { change = change.reduced(to: layouts.reduce(change.schema) { min($0, $1.schema) }) }
            if try change.subtract(previous).hasReconciledBounds { note(.reconciledBounds("subtraction")) }
            if isCounter {
                for histogram in histograms.dropFirst() {
                    if histogram.isReset(after: previous), try change.add(previous).hasReconciledBounds {
                        note(.reconciledBounds("addition"))
                    }
                    previous = histogram
                }
            }
            return change
        } catch {
            note(.incompatibleSchemas)
            return nil
        }
    }
}
