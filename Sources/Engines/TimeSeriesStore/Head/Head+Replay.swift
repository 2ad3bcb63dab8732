import BlockingCalls
import Series

extension Head {
    /// Takes a reading that is read back from the log: the samples of `places` at one instant.
    /// - Parameters:
    ///   - places: the numbers of the series; -1 for one that is not known.
    ///   - bits: the values, parallel to `places`.
    mutating func replay(_ places: [Int32], _ time: Int64, _ bits: [UInt64]) -> (stored: Int, unknown: Int) {
        var stored = 0
        var unknown = 0
        var index = 0
        while index < places.count {
            let place = Int(places[index])
            let value = bits[index]
            index += 1
            guard place >= 0 else {
                unknown += 1
                continue
            }
            guard case .stored = admit(place, time, value) else { continue }
            add(place, time, Double(bitPattern: value))
            stored += 1
            let followers = addFollowers(of: place, from: index, to: places.count, time, admits: true) {
                (Int(places[$0]), bits[$0])
            }
            stored += followers
            index += followers
        }
        return (stored, unknown)
    }

    // MARK: Marches

    /// A march of these series.
    /// - Parameter places: numbers of living series, each once, that have just been taken together.
    /// - Returns: nil where they do not share one column of times, or have histograms.
    func march(_ places: [Int32]) -> March? {
        guard let first = places.first else { return nil }
        let leader = series[Int(first)]
        guard leader.openCount > 0, leader.column >= 0 else { return nil }
        var march = March(places, column: leader.column, count: Int(leader.openCount), lastTime: leader.lastTime)
        for (index, place) in places.enumerated() {
            let own = series[Int(place)]
            guard own.column == leader.column, own.openCount == leader.openCount, own.lastTime == leader.lastTime,
                !own.hasOpenHistograms
            else { return nil }
            if own.row >= 0 { march.activate(index, values.row(own.row)) }
        }
        return march
    }

    /// Takes the next reading of a march.
    /// - Parameters:
    ///   - changed: the indices at which `bits` differs from the reading before.
    ///   - bits: the values, parallel to the march's places.
    /// - Returns: false where the open chunks end before it, or the column goes another way: nothing was taken then.
    mutating func advance(_ march: inout March, to time: Int64, _ changed: [Int32], _ bits: [UInt64]) -> Bool {
        let column = Int(march.column)
        let count = march.count
        guard time > march.lastTime, time >= minimumTime, count < Self.openCountMax, time < columns[column].spanEnd
        else { return false }
        if columns[column].times.count > count {
            guard columns[column].times[count] == time else { return false }
        } else {
            columns[column].times.append(time)
        }
        for index in changed where !march.isActive[Int(index)] {
            let place = Int(march.places[Int(index)])
            let fresh = values.take()
            let row = values.row(fresh)
            row.update(repeating: series[place].constant, count: count)
            series[place].row = fresh
            march.activate(Int(index), row)
        }
        for (index, row) in zip(march.active, march.rows) { row[count] = Double(bitPattern: bits[Int(index)]) }
        march.count = count + 1
        march.lastTime = time
        return true
    }

    /// Encodes the open samples of series whose march has come to the end of their chunks, on all processors: most of what a long log
    /// costs is this.
    mutating func sealTogether(_ places: [Int32], before time: Int64) {
        guard let first = places.first, let column = series[Int(first)].column as Int32?, column >= 0,
            series[Int(first)].openCount == Self.openCountMax || time >= columns[Int(column)].spanEnd
        else { return }
        let moving = places.indices.filter { series[Int(places[$0])].row >= 0 }
        var chunks = [[UInt8]](repeating: [], count: places.count)
        chunks.withUnsafeMutableBufferPointer { buffer in
            series.withUnsafeBufferPointer { known in
                // Each place is written by one thread; series and rows stand still meanwhile.
                nonisolated(unsafe) let (chunks, known) = (buffer, known)
                let values = values
                inParallel(moving.count, grain: 64) { range in
                    for index in moving[range] {
                        chunks[index] = Self.encodedRow(of: known[Int(places[index])], values)
                    }
                }
            }
        }
        for (index, place) in places.enumerated() { seal(Int(place), ready: chunks[index]) }
    }

    /// Writes down what the march has taken, and ends it.
    mutating func halt(_ march: inout March?) {
        guard let ended = march else { return }
        march = nil
        let last = ended.count - 1
        for place in ended.places {
            let row = series[Int(place)].row
            let newest = row >= 0 ? values.row(row)[last] : series[Int(place)].constant
            series[Int(place)].openCount = Int32(ended.count)
            series[Int(place)].lastTime = ended.lastTime
            series[Int(place)].lastBits = newest.bitPattern
        }
    }
}

/// The series of one layout while they are read back in step: they share a column of times and have as many open samples. How many
/// these are stands here alone until the march is halted; so a reading touches only the series whose value has moved since their
/// open chunk began.
struct March {
    let places: [Int32]
    let column: Int32
    /// Open samples of each series.
    fileprivate(set) var count: Int
    fileprivate(set) var lastTime: Int64
    /// Indices of the series with a row, and the rows, which stay where they are until they are sealed.
    fileprivate var active: [Int32] = []
    fileprivate var rows: [UnsafeMutablePointer<Double>] = []
    fileprivate var isActive: [Bool]

    fileprivate init(_ places: [Int32], column: Int32, count: Int, lastTime: Int64) {
        self.places = places
        self.column = column
        self.count = count
        self.lastTime = lastTime
        isActive = [Bool](repeating: false, count: places.count)
    }

    fileprivate mutating func activate(_ index: Int, _ row: UnsafeMutablePointer<Double>) {
        isActive[index] = true
        active.append(Int32(index))
        rows.append(row)
    }
}
