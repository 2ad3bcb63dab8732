import Series

/// What a query or a block needs of the head, taken in one step under the store's lock and read later without it.
///
/// Finished chunks are not copied: their pages never change. Open samples are.
struct HeadSnapshot: Sendable {
    struct Entry: Sendable {
        var number: Int
        var labels: Range<Int>
        /// In `chunks`.
        var chunks: Range<Int>
        /// The place of the open samples' times in `columns`; -1 for none.
        var column: Int32 = -1
        var openCount: Int32 = 0
        /// The place of the open samples' values in `openValues`; -1 while all are `constant`.
        var openStart = -1
        var constant = 0.0
        /// Places in `lates` and `histograms`; -1 for none.
        var late: Int32 = -1
        var histograms: Int32 = -1
    }

    struct Chunk: Sendable {
        var span: Int32
        var time: Int32
        var page: UInt32
        var offset: UInt32
        var byteCount: UInt32
        /// Of a chunk whose samples all have one value, that value; it has no bytes.
        var standing: Double?
        var isOfHistograms: Bool

        init(_ entry: HeadSpan.ChunkEntry, time: Int32, span: Int32) {
            self.span = span
            self.time = time
            (page, offset) = (entry.page, entry.offset)
            byteCount = entry.byteCount & (HeadSpan.ChunkEntry.histograms - 1)
            isOfHistograms = !entry.isStanding && entry.byteCount & HeadSpan.ChunkEntry.histograms != 0
            standing = entry.isStanding ? Double(bitPattern: entry.standingBits) : nil
        }
    }

    struct Span: Sendable {
        var pages: [HeadPage]
        var times: [HeadSpan.TimeEntry]
    }

    private(set) var table: PairTable
    private(set) var labelPairs: [UInt32]
    private(set) var entries: [Entry] = []
    private(set) var chunks: [Chunk] = []
    private(set) var spans: [Span] = []
    private(set) var columns: [[Int64]] = []
    private(set) var openValues: [Double] = []
    private(set) var lates: [LateSamples] = []
    private(set) var histograms: [OpenHistograms] = []

    /// The series of `set` with samples from `start` to `end`, both included.
    /// - Parameter isLatestEnough: of plain numbers that came in order only the newest are taken.
    init(_ head: Head, _ set: SeriesSet, from start: Int64, through end: Int64, isLatestEnough: Bool = false) {
        table = head.table
        labelPairs = head.labelPairs
        let spanPlaces = head.spans.indices.filter { head.spans[$0].start <= end && head.spans[$0].end > start }
        spans = spanPlaces.map { Span(pages: head.spans[$0].pages, times: head.spans[$0].times) }
        var columnPlaces = [Int32](repeating: -1, count: head.columns.count)
        var openValueCount = 0
        var entryCount = 0
        set.forEach { number in
            entryCount += 1
            if head.series[number].row >= 0 {
                openValueCount += isLatestEnough ? 1 : Int(head.series[number].openCount)
            }
        }
        openValues.reserveCapacity(openValueCount)
        entries.reserveCapacity(entryCount)
        set.forEach { number in
            var entry = Entry(number: number, labels: 0..<0, chunks: 0..<0)
            let firstChunk = chunks.count
            if isLatestEnough {
                addLatestOpen(head, number, start, end, &entry, &columnPlaces)
            } else {
                addOpen(head, number, start, end, &entry, &columnPlaces)
            }
            if !isLatestEnough || entry.column < 0 {
                for (place, span) in spanPlaces.enumerated() {
                    addChunks(of: number, in: head.spans[span], place, start, end, isLatestEnough: isLatestEnough)
                }
            }
            entry.chunks = firstChunk..<chunks.count
            if !head.late.isEmpty, let late = head.late[number], !late.range(start, end).isEmpty {
                entry.late = Int32(lates.count)
                lates.append(late)
            }
            if head.series[number].hasOpenHistograms, let open = head.histograms[number],
                open.times[0] <= end, open.times.last! >= start
            {
                entry.histograms = Int32(histograms.count)
                histograms.append(open)
            }
            guard !entry.chunks.isEmpty || entry.column >= 0 || entry.late >= 0 || entry.histograms >= 0 else { return }
            let labelStart = Int(head.series[number].labelStart)
            entry.labels = labelStart..<labelStart + Int(head.series[number].labelCount)
            entries.append(entry)
        }
    }

    private mutating func addChunks(
        of number: Int, in span: HeadSpan, _ spanPlace: Int, _ start: Int64, _ end: Int64, isLatestEnough: Bool
    ) {
        guard span.hasChunks(number) else { return }
        let first = chunks.count
        var chunk = span.newest[number]
        while chunk >= 0 {
            let known = span.chunks[Int(chunk)]
            var place = known.time
            for _ in 0..<known.timeCount {
                let time = span.times[Int(place)]
                if time.first <= end, time.last >= start {
                    chunks.append(Chunk(known, time: place, span: Int32(spanPlace)))
                    // Its last sample before the end is the newest of the span: its first one is before the end.
                    if isLatestEnough { return }
                }
                place = time.previous
            }
            chunk = known.previous
        }
        chunks[first...].reverse()
    }

    private mutating func addOpen(
        _ head: Head, _ number: Int, _ start: Int64, _ end: Int64, _ entry: inout Entry,
        _ columnPlaces: inout [Int32]
    ) {
        let series = head.series[number]
        let count = Int(series.openCount)
        guard count > 0 else { return }
        let column = Int(series.column)
        guard head.columns[column].times[0] <= end, head.columns[column].times[count - 1] >= start else { return }
        if columnPlaces[column] < 0 {
            columnPlaces[column] = Int32(columns.count)
            columns.append(head.columns[column].times)
        }
        entry.column = columnPlaces[column]
        entry.openCount = series.openCount
        entry.constant = series.constant
        if series.row >= 0 {
            entry.openStart = openValues.count
            openValues.append(contentsOf: UnsafeBufferPointer(start: head.values.row(series.row), count: count))
        }
    }

    /// The newest open sample in the range, as if it were the only one.
    private mutating func addLatestOpen(
        _ head: Head, _ number: Int, _ start: Int64, _ end: Int64, _ entry: inout Entry,
        _ columnPlaces: inout [Int32]
    ) {
        let series = head.series[number]
        let count = Int(series.openCount)
        guard count > 0 else { return }
        let column = Int(series.column)
        var newest = count - 1
        while newest >= 0, head.columns[column].times[newest] > end { newest -= 1 }
        guard newest >= 0 else { return }
        let time = head.columns[column].times[newest]
        guard time >= start else { return }
        let known = Int(columnPlaces[column])
        if known < 0 || columns[known][0] != time {
            columnPlaces[column] = Int32(columns.count)
            columns.append([time])
        }
        entry.column = columnPlaces[column]
        entry.openCount = 1
        entry.constant = series.constant
        if series.row >= 0 {
            entry.openStart = openValues.count
            openValues.append(head.values.row(series.row)[newest])
        }
    }

    /// The times of a series' late samples.
    func late(of number: Int) -> Set<Int64> {
        guard let entry = entries.first(where: { $0.number == number }), entry.late >= 0 else { return [] }
        return Set(lates[Int(entry.late)].times)
    }

    func labels(of entry: Entry) -> Labels { table.labels(labelPairs[entry.labels]) }
    func identity(of entry: Entry) -> Identity { table.identity(labelPairs[entry.labels]) }
}
