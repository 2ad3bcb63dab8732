import Series
import Units

// The newest samples, in memory. A series is a number into flat arrays; its labels are numbers of pairs; its samples are in two places:
//
//     open      up to 60 samples as they came. The times stand in a column that all series share which were read at the same
//               instants. A value that has not changed since the open chunk began takes no place at all; the first change gives the
//               series a row of 60 doubles.
//     chunks    the open samples, encoded (`docs/formats/series-chunks.md`) when there are 60 or the span ends, in pages of the span.
//               Times are encoded once for all series that share them.
//
// When a span goes to a block, its pages are dropped as a whole. Series without samples are forgotten then, and their numbers are used
// for others, with a new generation, so that a reference held outside is never taken for another series.

/// One series in memory. Flat: no reference inside.
struct HeadSeries {
    /// Its pairs in `Head.labelPairs`.
    var labelStart: UInt32 = 0
    var labelCount: UInt16 = 0
    var isLive = false
    /// Whether the open samples are native histograms.
    var hasOpenHistograms = false
    /// Rises when the number is given to another series.
    var generation: UInt32 = 1
    /// The newest sample that was taken; `Int64.min` where there is none.
    var lastTime = Int64.min
    var lastBits: UInt64 = 0
    /// The value of all open samples, while they have no row.
    var constant = 0.0
    var openCount: Int32 = 0
    /// The column of times of the open samples.
    var column: Int32 = -1
    /// The row of the open samples' values; -1 while all are `constant`.
    var row: Int32 = -1
    /// The segment of the log that knows this series; 0 for none.
    var declaredIn: UInt32 = 0
}

/// The samples in memory, with an inverted index over their labels.
struct Head: Sendable {
    /// More would make single reads of a few samples dearer; fewer waste what each chunk has of its own.
    static let openCountMax = 60

    let spanMilliseconds: Int64
    /// Where full pages of chunks are written to; without it they stay in memory.
    private let pageFiles: PageFiles?
    var series: [HeadSeries] = []
    var labelPairs: [UInt32] = []
    var table = PairTable()
    /// The series of each pair, rising.
    private(set) var postings: [[UInt32]] = []
    /// From the hash of the pairs' numbers to the series, with open addressing; -1 for an empty place.
    private var places: [Int32] = []
    private var freeNumbers: [Int32] = []
    private(set) var liveCount = 0
    var values = OpenValues()
    var columns: [TimeColumn] = []
    var freeColumns: [Int32] = []
    /// In order of time.
    var spans: [HeadSpan] = []
    var histograms: [Int: OpenHistograms] = [:]
    /// Samples that came out of order, by series.
    var late: [Int: LateSamples] = [:]
    /// The column that a series at the same time began last, and the one that was forked last: those after it follow.
    var freshColumn: (time: Int64, column: Int32) = (.min, -1)
    var lastFork: (from: Int32, count: Int, time: Int64, column: Int32) = (-1, 0, 0, -1)
    /// Series by `instance` and `job`, where a limit needs them.
    var targets: [Target: Int] = [:]
    /// Older samples are in blocks, or were too late for one; they are not taken.
    var minimumTime = Int64.min

    struct Target: Hashable {
        var job: UInt32
        var instance: UInt32
    }

    init(spanMilliseconds: Int64, pageFiles: PageFiles? = nil) {
        self.spanMilliseconds = spanMilliseconds
        self.pageFiles = pageFiles
    }

    // MARK: Series

    /// The number of the series with these labels, if it is in memory.
    func find(_ labels: Labels) -> Int? {
        var pairs: [UInt32] = []
        pairs.reserveCapacity(labels.pairs.count)
        for label in labels.pairs {
            guard let pair = table.pair(label.name, label.value) else { return nil }
            pairs.append(pair)
        }
        return find(pairs)
    }

    private func find(_ pairs: [UInt32]) -> Int? {
        guard !places.isEmpty else { return nil }
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: Self.hash(pairs)) & mask
        while places[place] >= 0 {
            let number = Int(places[place])
            if has(number, pairs) { return number }
            place = (place + 1) & mask
        }
        return nil
    }

    private func has(_ number: Int, _ pairs: [UInt32]) -> Bool {
        guard Int(series[number].labelCount) == pairs.count else { return false }
        let start = Int(series[number].labelStart)
        for index in pairs.indices where labelPairs[start + index] != pairs[index] { return false }
        return true
    }

    private static func hash(_ pairs: some Sequence<UInt32>) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for pair in pairs { hash = (hash ^ UInt64(pair)) &* 0xBF58_476D_1CE4_E5B9 ^ hash >> 29 }
        return hash ^ hash >> 32
    }

    func pairs(of number: Int) -> ArraySlice<UInt32> {
        let start = Int(series[number].labelStart)
        return labelPairs[start..<start + Int(series[number].labelCount)]
    }

    func labels(of number: Int) -> Labels { table.labels(pairs(of: number)) }

    func target(of number: Int) -> Target {
        var target = Target(job: .max, instance: .max)
        for pair in pairs(of: number) {
            let name = table.nameNumber(of: pair)
            if name == table.job { target.job = pair }
            if name == table.instance { target.instance = pair }
        }
        return target
    }

    /// Takes a series up that `find` does not know.
    mutating func insert(_ labels: Labels) -> Int {
        let start = UInt32(labelPairs.count)
        for label in labels.pairs { labelPairs.append(table.number(label.name, label.value)) }
        return insert(labelStart: start, labelCount: labels.pairs.count)
    }

    private mutating func insert(labelStart: UInt32, labelCount: Int) -> Int {
        let number: Int
        if let free = freeNumbers.popLast() {
            number = Int(free)
        } else {
            number = series.count
            series.append(HeadSeries())
        }
        let generation = series[number].generation
        series[number] = HeadSeries()
        series[number].generation = generation
        series[number].labelStart = labelStart
        series[number].labelCount = UInt16(labelCount)
        series[number].isLive = true
        index(number)
        return number
    }

    private mutating func index(_ number: Int) {
        liveCount += 1
        if postings.count < table.count {
            postings += [[UInt32]](repeating: [], count: table.count - postings.count)
        }
        let pairs = pairs(of: number)
        for pair in pairs {
            let newest = postings[Int(pair)].last ?? 0
            if postings[Int(pair)].isEmpty || newest < number {
                postings[Int(pair)].append(UInt32(number))
            } else {
                let place = postings[Int(pair)].firstIndex { $0 > number }!
                postings[Int(pair)].insert(UInt32(number), at: place)
            }
        }
        targets[target(of: number), default: 0] += 1
        if liveCount * 2 > places.count {
            let room = max(1024, places.count * 2)
            places = [Int32](repeating: -1, count: room)
            for other in series.indices where series[other].isLive { note(other) }
        } else {
            note(number)
        }
    }

    private mutating func note(_ number: Int) {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: Self.hash(pairs(of: number))) & mask
        while places[place] >= 0 { place = (place + 1) & mask }
        places[place] = Int32(number)
    }

    /// The number of the series with these labels, made if missing.
    mutating func place(of labels: Labels) -> Int { find(labels) ?? insert(labels) }

    /// - Parameter pairs: numbers in `table`, in the order of labels.
    mutating func place(of pairs: [UInt32]) -> Int {
        if let known = find(pairs) { return known }
        let start = UInt32(labelPairs.count)
        labelPairs += pairs
        return insert(labelStart: start, labelCount: pairs.count)
    }

    func seriesCount(of pair: UInt32) -> Int { Int(pair) < postings.count ? postings[Int(pair)].count : 0 }

    /// Whether the series has a sample in memory.
    func hasSamples(_ number: Int) -> Bool {
        series[number].openCount > 0 || histograms[number] != nil || late[number] != nil
            || spans.contains { $0.hasChunks(number) }
    }

    /// Forgets the series without samples, and the texts that no other has.
    mutating func forgetIdle() {
        var idle: [Int] = []
        for number in series.indices where series[number].isLive && !hasSamples(number) { idle.append(number) }
        guard !idle.isEmpty else { return }
        for number in idle {
            series[number].isLive = false
            series[number].generation &+= 1
            freeNumbers.append(Int32(number))
        }
        let living = series.indices.filter { series[$0].isLive }
        for number in living { series[number].isLive = false }
        let oldTable = table
        let oldPairs = labelPairs
        table = PairTable()
        labelPairs = []
        labelPairs.reserveCapacity(oldPairs.count)
        postings = []
        places = []
        targets = [:]
        liveCount = 0
        for number in living {
            series[number].isLive = true
            let start = Int(series[number].labelStart)
            series[number].labelStart = UInt32(labelPairs.count)
            for pair in oldPairs[start..<start + Int(series[number].labelCount)] {
                labelPairs.append(table.number(oldTable.name(of: pair), oldTable.value(of: pair)))
            }
            index(number)
        }
    }

    // MARK: Samples

    /// What becomes of a sample.
    enum Verdict {
        case stored, repeated, outOfOrder, duplicate
    }

    /// Decides on a sample and notes it as the newest of its series. The sample itself follows by `add`, once it is in the log.
    @inline(__always)
    mutating func admit(_ number: Int, _ time: Int64, _ bits: UInt64) -> Verdict {
        let last = series[number].lastTime
        if time < minimumTime || time < last { return .outOfOrder }
        if time == last { return series[number].lastBits == bits ? .repeated : .duplicate }
        series[number].lastTime = time
        series[number].lastBits = bits
        return .stored
    }

    /// Decides on a late sample by the open samples of its series.
    func openVerdict(_ number: Int, _ time: Int64, _ bits: UInt64) -> Verdict {
        if let open = histograms[number], open.times.contains(time) { return .duplicate }
        let own = series[number]
        guard own.openCount > 0 else { return .stored }
        // Of a column that others share there may be more times than this series has samples.
        let times = columns[Int(own.column)].times[..<Int(own.openCount)]
        guard let first = times.first, time >= first, let place = times.firstIndex(of: time) else { return .stored }
        let known = own.row >= 0 ? values.row(own.row)[place] : own.constant
        return known.bitPattern == bits ? .repeated : .duplicate
    }

    /// The oldest instant whose samples are not removed as soon as they are in a block: blocks go as a whole.
    func oldestKept(at present: Int64, _ age: Duration) -> Int64 {
        // Nothing was taken yet, or long before there were clocks.
        guard present > .min / 2 else { return .min }
        return spanStart(of: present - min(age.wholeMilliseconds, -(.min / 4)), spanMilliseconds)
    }

    /// Whether a sample of that time would follow all others of its series.
    func isNewer(_ time: Int64, than number: Int) -> Bool { time >= minimumTime && time > series[number].lastTime }

    /// Takes an `admit` back.
    mutating func restore(_ number: Int, lastTime: Int64, lastBits: UInt64) {
        series[number].lastTime = lastTime
        series[number].lastBits = lastBits
    }

    /// Notes that the segment knows the series.
    /// - Returns: whether it did not yet.
    @inline(__always)
    mutating func declare(_ number: Int, in segment: UInt64) -> Bool {
        let segment = UInt32(truncatingIfNeeded: segment)
        if series[number].declaredIn == segment { return false }
        series[number].declaredIn = segment
        return true
    }

    mutating func withdraw(_ number: Int) { series[number].declaredIn = 0 }

    /// Adds a sample newer than all others of its series.
    @inline(__always)
    mutating func add(_ number: Int, _ time: Int64, _ value: Double) {
        if series[number].hasOpenHistograms { sealHistograms(number) }
        var count = Int(series[number].openCount)
        if count > 0,
            count == Self.openCountMax || time >= columns[Int(series[number].column)].spanEnd
        {
            seal(number)
            count = 0
        }
        if count == 0 {
            series[number].column = columnBeginning(at: time)
            series[number].constant = value
            series[number].openCount = 1
            return
        }
        advanceColumn(number, count, time)
        let row = series[number].row
        if row >= 0 {
            values.row(row)[count] = value
        } else if value.bitPattern != series[number].constant.bitPattern {
            let fresh = values.take()
            let numbers = values.row(fresh)
            for index in 0..<count { numbers[index] = series[number].constant }
            numbers[count] = value
            series[number].row = fresh
        }
        series[number].openCount = Int32(count + 1)
    }

    /// Adds samples of one instant, each newer than all others of its series.
    /// - Parameter newValues: parallel to `numbers`.
    mutating func add(_ numbers: [UInt32], _ time: Int64, _ newValues: [Double]) {
        var index = 0
        while index < numbers.count {
            let number = Int(numbers[index])
            add(number, time, newValues[index])
            index += 1
            index += addFollowers(of: number, from: index, to: numbers.count, time, admits: false) {
                (Int(numbers[$0]), newValues[$0].bitPattern)
            }
        }
    }

    /// Adds the samples of the series that march with `leader`, whose own sample of that time has just been added.
    ///
    /// The series of a target march in step: they share a column of times and have as many open samples. So once one of them has gone
    /// the general way, the ones after it need a look at their own record only.
    /// - Parameters:
    ///   - admits: whether the samples are still to be noted as the newest of their series.
    ///   - sample: the series, or -1, and the bits of the value at an index of `start..<end`.
    /// - Returns: how many from `start` on were added; the next has to go the general way.
    @inline(__always)
    mutating func addFollowers(
        of leader: Int, from start: Int, to end: Int, _ time: Int64, admits: Bool,
        sample: (Int) -> (number: Int, bits: UInt64)
    ) -> Int {
        // The leader's column has `time` at `count` now.
        let column = series[leader].column
        let count = series[leader].openCount - 1
        guard count > 0 else { return 0 }
        let rows = values.rows
        return series.withUnsafeMutableBufferPointer { series in
            var index = start
            while index < end {
                let (number, bits) = sample(index)
                guard number >= 0, series[number].column == column, series[number].openCount == count,
                    !series[number].hasOpenHistograms, !admits || series[number].lastTime < time
                else { break }
                let row = series[number].row
                if row >= 0 {
                    rows[row][Int(count)] = Double(bitPattern: bits)
                } else if series[number].constant.bitPattern != bits {
                    break
                }
                series[number].openCount = count + 1
                if admits {
                    series[number].lastTime = time
                    series[number].lastBits = bits
                }
                index += 1
            }
            return index - start
        }
    }

    private mutating func columnBeginning(at time: Int64) -> Int32 {
        if freshColumn.time == time, freshColumn.column >= 0, columns[Int(freshColumn.column)].times.first == time {
            columns[Int(freshColumn.column)].users += 1
            return freshColumn.column
        }
        let column = newColumn()
        columns[Int(column)].times.append(time)
        columns[Int(column)].spanEnd = spanStart(of: time, spanMilliseconds) + spanMilliseconds
        freshColumn = (time, column)
        return column
    }

    private mutating func newColumn() -> Int32 {
        let column: Int32
        if let free = freeColumns.popLast() {
            column = free
        } else {
            column = Int32(columns.count)
            columns.append(TimeColumn())
        }
        columns[Int(column)].times.reserveCapacity(Self.openCountMax)
        columns[Int(column)].users = 1
        columns[Int(column)].sealedAs = -1
        return column
    }

    /// Sees that the series' column has `time` at `count`, in a column of its own where the shared one went another way.
    @inline(__always)
    private mutating func advanceColumn(_ number: Int, _ count: Int, _ time: Int64) {
        let column = Int(series[number].column)
        if columns[column].times.count > count {
            if columns[column].times[count] == time { return }
        } else {
            columns[column].times.append(time)
            return
        }
        fork(number, count, time)
    }

    private mutating func fork(_ number: Int, _ count: Int, _ time: Int64) {
        let old = series[number].column
        if lastFork == (old, count, time, lastFork.column), lastFork.column >= 0,
            columns[Int(lastFork.column)].users > 0, columns[Int(lastFork.column)].times.count > count,
            columns[Int(lastFork.column)].times[count] == time,
            columns[Int(lastFork.column)].times[..<count] == columns[Int(old)].times[..<count]
        {
            series[number].column = lastFork.column
            columns[Int(lastFork.column)].users += 1
        } else {
            let column = newColumn()
            columns[Int(column)].times.append(contentsOf: columns[Int(old)].times[..<count])
            columns[Int(column)].times.append(time)
            columns[Int(column)].spanEnd = columns[Int(old)].spanEnd
            series[number].column = column
            lastFork = (old, count, time, column)
        }
        release(old)
    }

    mutating func release(_ column: Int32) {
        columns[Int(column)].users -= 1
        guard columns[Int(column)].users == 0 else { return }
        columns[Int(column)].times.removeAll(keepingCapacity: true)
        columns[Int(column)].sealedAs = -1
        freeColumns.append(column)
        if freshColumn.column == column { freshColumn = (.min, -1) }
        if lastFork.column == column || lastFork.from == column { lastFork = (-1, 0, 0, -1) }
    }

    // MARK: Chunks

    /// Encodes the open samples of a series.
    /// - Parameter ready: their chunk, where it has been made already.
    mutating func seal(_ number: Int, ready: [UInt8] = []) {
        if series[number].hasOpenHistograms { return sealHistograms(number) }
        let count = Int(series[number].openCount)
        guard count > 0 else { return }
        let column = series[number].column
        let span = span(endingAt: columns[Int(column)].spanEnd)
        var time = columns[Int(column)].sealedAs
        if time < 0 || columns[Int(column)].sealedCount != count {
            var bytes: [UInt8] = []
            let times = columns[Int(column)].times
            times.withUnsafeBufferPointer {
                encodeIntegers(UnsafeBufferPointer(rebasing: $0[..<count]), into: &bytes)
            }
            time = spans[span].addTimes(bytes, of: number, count: count, first: times[0], last: times[count - 1])
            columns[Int(column)].sealedAs = time
            columns[Int(column)].sealedCount = count
        }
        let row = series[number].row
        if row >= 0 {
            let bytes = ready.isEmpty ? Self.encodedRow(of: series[number], values) : ready
            values.giveBack(row)
            series[number].row = -1
            spans[span].addChunk(bytes, of: number, time: time)
        } else {
            spans[span].addStanding(series[number].constant.bitPattern, of: number, time: time)
        }
        series[number].openCount = 0
        series[number].column = -1
        release(column)
    }

    /// The chunk of the open samples of a series with a row.
    static func encodedRow(of series: HeadSeries, _ values: OpenValues) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        encodeValues(UnsafeBufferPointer(start: values.row(series.row), count: Int(series.openCount)), into: &bytes)
        return bytes
    }

    /// The place of the span in `spans`, made if missing.
    mutating func span(endingAt end: Int64) -> Int {
        if let place = spans.lastIndex(where: { $0.end == end }) { return place }
        let place = spans.firstIndex { $0.end > end } ?? spans.count
        spans.insert(
            HeadSpan(
                start: end - spanMilliseconds, end: end, pageFiles: pageFiles),
            at: place)
        return place
    }

    /// Encodes the open samples before `end`.
    mutating func sealAll(before end: Int64) {
        for number in series.indices where series[number].isLive {
            if series[number].openCount > 0, columns[Int(series[number].column)].spanEnd <= end { seal(number) }
        }
        for (number, open) in histograms where open.times[0] < end { sealHistograms(number) }
    }

    var firstTime: Int64? {
        var first = Int64.max
        for span in spans { for entry in span.times { first = min(first, entry.first) } }
        for column in columns where column.users > 0 { first = min(first, column.times[0]) }
        for open in histograms.values { first = min(first, open.times[0]) }
        return first == .max ? nil : first
    }

    /// The newest sample in memory.
    var lastTime: Int64? {
        var last = Int64.min
        for span in spans { for entry in span.times { last = max(last, entry.last) } }
        for column in columns where column.users > 0 { last = max(last, column.times.last!) }
        for open in histograms.values { last = max(last, open.times.last!) }
        return last == .min ? nil : last
    }

    var sampleCount: Int {
        series.reduce(spans.reduce(0) { $0 + $1.sampleCount }) { $0 + Int($1.openCount) }
            + histograms.values.reduce(0) { $0 + $1.times.count }
            + late.values.reduce(0) { $0 + $1.times.count }
    }

    /// Finished chunks, and those that are open.
    var chunkCount: Int {
        spans.reduce(0) { $0 + $1.chunks.count } + series.count { $0.openCount > 0 } + histograms.count + late.count
    }

    /// Of full pages that left memory.
    var pageFileByteCount: Int64 { spans.reduce(0) { $0 + $1.pageFileByteCount } }

    var byteCount: Int {
        spans.reduce(0) { $0 + $1.byteCount }
            + series.reduce(0) { $0 + ($1.row >= 0 ? Self.openCountMax * 8 : 0) }
            + columns.reduce(0) { $0 + $1.times.capacity * 8 }
    }

    /// Drops what is in a block now, and forgets the series that have nothing left.
    mutating func dropSamples(before end: Int64) {
        sealAll(before: end)
        spans.removeAll { $0.end <= end }
        for number in series.indices { series[number].declaredIn = 0 }
        forgetIdle()
    }
}

/// The start of the span that holds `time`.
func spanStart(of time: Int64, _ spanMilliseconds: Int64) -> Int64 {
    let rest = time % spanMilliseconds
    return time - (rest < 0 ? rest + spanMilliseconds : rest)
}

extension Head: Postings {
    var seriesCapacity: Int { series.count }
    func pairs(named name: String) -> [UInt32] { table.pairs(named: name) }
    func pair(_ name: String, _ value: String) -> UInt32? { table.pair(name, value) }
    func value(of pair: UInt32) -> String { table.value(of: pair) }

    func insertSeries(of pair: UInt32, into set: inout SeriesSet) {
        guard Int(pair) < postings.count else { return }
        for number in postings[Int(pair)] { set.insert(Int(number)) }
    }

    func insertAll(into set: inout SeriesSet) {
        for number in series.indices where series[number].isLive { set.insert(number) }
    }
}
