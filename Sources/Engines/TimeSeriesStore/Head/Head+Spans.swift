extension Head {
    /// Leaves out of `set` the series without a sample from `start` to `end`, both included. Reads none.
    func keepSeries(_ set: inout SeriesSet, withSamplesFrom start: Int64, through end: Int64) {
        let here = spans.indices.filter { spans[$0].start <= end && spans[$0].end > start }
        var gone: [Int] = []
        set.forEach { number in
            if !hasOpenSample(number, start, end),
                !here.contains(where: { hasChunk(number, in: spans[$0], start, end) }),
                !hasSpecialSample(number, start, end)
            {
                gone.append(number)
            }
        }
        for number in gone { set.remove(number) }
    }

    private func hasOpenSample(_ number: Int, _ start: Int64, _ end: Int64) -> Bool {
        let count = Int(series[number].openCount)
        guard count > 0 else { return false }
        let column = Int(series[number].column)
        return columns[column].times[0] <= end && columns[column].times[count - 1] >= start
    }

    private func hasChunk(_ number: Int, in span: HeadSpan, _ start: Int64, _ end: Int64) -> Bool {
        guard span.hasChunks(number) else { return false }
        var chunk = span.newest[number]
        while chunk >= 0 {
            let known = span.chunks[Int(chunk)]
            var place = known.time
            for _ in 0..<known.timeCount {
                let time = span.times[Int(place)]
                if time.first <= end, time.last >= start { return true }
                place = time.previous
            }
            chunk = known.previous
        }
        return false
    }

    /// One that came late, or a histogram.
    private func hasSpecialSample(_ number: Int, _ start: Int64, _ end: Int64) -> Bool {
        if !late.isEmpty, let late = late[number], !late.range(start, end).isEmpty { return true }
        guard series[number].hasOpenHistograms, let open = histograms[number] else { return false }
        return open.times[0] <= end && open.times.last! >= start
    }
}
