import BinaryCoding
import Series

// What blocks keep of the steps of gauges beside their means.

extension SampleGatherer {
    private struct Step {
        var time: Int64
        var resolution: Int64
        /// Less is better.
        var rank: Int
        var aggregate: Aggregate
    }

    /// The aggregates of a slot all of whose pieces are such chunks, with their times; nil where one is not. Of two of one instant the one
    /// from the block of the lower part stays.
    func aggregates(of slot: Int) throws(StoreError) -> (times: [Int64], columns: AggregateColumns)? {
        var found: [Step] = []
        for (rank, piece) in pieces[slot].enumerated() {
            guard try add(piece, rank, to: &found) else { return nil }
        }
        found.sort { ($0.time, $0.rank) < ($1.time, $1.rank) }
        var times: [Int64] = []
        var columns = AggregateColumns()
        for entry in found where entry.time != times.last {
            times.append(entry.time)
            columns.add(entry.aggregate)
        }
        return (times, columns)
    }

    /// What samples that were gathered of a slot are the means of.
    /// - Parameters:
    ///   - times: of samples of the slot, rising.
    ///   - values: as many; what stands for itself alone is one of the aggregates as well.
    ///   - coarse: which of the samples stand for a step.
    /// - Returns: nil where none is a mean.
    func aggregates(of slot: Int, _ times: [Int64], _ values: [Double], _ coarse: [CoarseStretch])
        throws(StoreError) -> AggregateColumns?
    {
        var found: [Step] = []
        for (rank, piece) in pieces[slot].enumerated() where piece.resolution > 0 {
            _ = try add(piece, rank, to: &found)
        }
        guard !found.isEmpty else { return nil }
        found.sort { ($0.time, $0.resolution, $0.rank) < ($1.time, $1.resolution, $1.rank) }
        var columns = AggregateColumns()
        var isAny = false
        var place = 0
        var stretch = 0
        for index in times.indices {
            let time = times[index]
            while stretch < coarse.count, time >= coarse[stretch].before { stretch += 1 }
            let step = stretch < coarse.count ? coarse[stretch].step : 0
            while place < found.count, (found[place].time, found[place].resolution) < (time, step) { place += 1 }
            let isMean =
                step > 0 && place < found.count && found[place].time == time && found[place].resolution == step
            columns.add(isMean ? found[place].aggregate : Aggregate(values[index]))
            isAny = isAny || isMean
        }
        return isAny ? columns : nil
    }

    /// - Returns: false where the piece has no aggregates.
    private func add(_ piece: Piece, _ rank: Int, to found: inout [Step]) throws(StoreError) -> Bool {
        guard case .block(let reader, _) = piece.source, readers[reader].index.version > 1,
            try kind(of: piece) == .aggregates
        else { return false }
        let own = try times(of: piece)
        let part = try withChunk(piece) { bytes throws(CodingError) in
            var source = ByteSource(bytes)
            return try decodeAggregates(&source, count: own.count)
        }
        for index in cut(own, of: piece) {
            found.append(Step(time: own[index], resolution: piece.resolution, rank: rank, aggregate: part[index]))
        }
        return true
    }
}

extension StepColumns {
    convenience init(_ aggregates: AggregateColumns, _ wanted: StepFigures) {
        self.init(
            counts: wanted.contains(.counts) ? aggregates.counts : [],
            sums: wanted.contains(.sums) ? aggregates.sums : [],
            minimums: wanted.contains(.minimums) ? aggregates.minimums : [],
            maximums: wanted.contains(.maximums) ? aggregates.maximums : [],
            lasts: wanted.contains(.lasts) ? aggregates.lasts : [])
    }
}
