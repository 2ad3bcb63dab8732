import Series

// What a year of old samples is asked for decides what must remain of them.
//
// A counter is asked how much it rose. So of each step its last sample stays, at its own time, and beside it the samples before and
// after every reset: between two samples that stay, the counter never fell, and `increase` and `rate` over whole steps see the very
// same rise and the same resets as over all samples. Nothing is made up; samples are only left out.
//
// A gauge is asked for its mean, its extremes or its last value. Each step becomes five numbers (count, sum, minimum, maximum,
// last) at the time of its last sample. A query reads the mean, so `avg_over_time` over steps of equally many samples is exact, and
// what asks for the last value gets the mean of its step.
//
// Stale markers of counters stay; those of gauges have no place in a mean and go. Native histograms are treated as counters.

/// Whether a metric only rises between resets, by its type, or by the endings that counters have where no type is known.
func isCounter(_ name: String, _ type: MetricType?) -> Bool {
    switch type {
    case .counter, .histogram: return true
    case .gauge, .info, .stateSet, .gaugeHistogram: return false
    case .summary, .untyped, nil: break
    }
    return ["_total", "_count", "_sum", "_bucket"].contains { name.hasSuffix($0) }
}

/// One sample for each step, with those around resets for a counter.
func downsampled(_ samples: BlockSamples, step: Int64, isCounter: Bool) -> BlockSamples {
    if isCounter || !samples.histograms.isEmpty { return downsampledCounter(samples, step) }
    var coarse = BlockSamples()
    var columns = AggregateColumns()
    var open: (end: Int64, last: Int64, aggregate: Aggregate)?
    func close() {
        guard let open else { return }
        coarse.times.append(open.last)
        columns.add(open.aggregate)
    }
    for index in samples.times.indices {
        let time = samples.times[index]
        let next: Aggregate
        if let aggregates = samples.aggregates {
            next = aggregates[index]
        } else if samples.values[index].isStaleMarker {
            continue
        } else {
            next = Aggregate(samples.values[index])
        }
        if open != nil, time < open!.end {
            open!.aggregate.add(next)
            open!.last = time
        } else {
            close()
            open = (spanStart(of: time, step) + step, time, next)
        }
    }
    close()
    coarse.aggregates = columns
    return coarse
}

/// Samples of blocks of one step each, joined: those that share a step become one. Gauges are told by their aggregates; what has none
/// was kept as a counter.
func coarsened(_ samples: BlockSamples, step: Int64) -> BlockSamples {
    downsampled(samples, step: step, isCounter: samples.aggregates == nil)
}

private func downsampledCounter(_ samples: BlockSamples, _ step: Int64) -> BlockSamples {
    var histograms: [Int: NativeHistogram] = [:]
    for sample in samples.histograms { histograms[sample.index] = sample.histogram }
    var kept: [Int] = []
    func keep(_ index: Int) {
        if kept.last ?? -1 < index { kept.append(index) }
    }
    for index in samples.times.indices {
        let isLastOfStep =
            index + 1 == samples.count
            || spanStart(of: samples.times[index], step) != spanStart(of: samples.times[index + 1], step)
        if index > 0, fell(samples, histograms, index) {
            keep(index - 1)
            keep(index)
        } else if index == 0 || isLastOfStep || samples.values[index].isStaleMarker {
            keep(index)
        }
    }
    var coarse = BlockSamples()
    for (place, index) in kept.enumerated() {
        coarse.times.append(samples.times[index])
        coarse.values.append(samples.values[index])
        if let histogram = histograms[index] {
            coarse.histograms.append(HistogramSample(index: place, histogram: histogram))
        }
    }
    return coarse
}

/// Whether the counter was reset between the sample before and this one.
private func fell(_ samples: BlockSamples, _ histograms: [Int: NativeHistogram], _ index: Int) -> Bool {
    if let after = histograms[index], let before = histograms[index - 1] {
        return after.count < before.count || after.resetHint == .reset || !after.hasLayout(of: before)
    }
    return samples.values[index] < samples.values[index - 1]
}
