import Series

extension Head {
    /// Takes a reading that is read back from the log: the samples of `places` at one instant.
    ///
    /// The series of a target march in step: they share a column of times and have as many open samples. So once one of them has been
    /// taken by the general way, the ones after it need a look at their own record only.
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
            // The column has `time` at `count` now.
            let column = series[place].column
            let count = series[place].openCount - 1
            guard count > 0 else { continue }
            let values = values
            series.withUnsafeMutableBufferPointer { series in
                while index < places.count {
                    let next = Int(places[index])
                    guard next >= 0, series[next].column == column, series[next].openCount == count,
                        series[next].lastTime < time, !series[next].hasOpenHistograms
                    else { return }
                    let row = series[next].row
                    if row >= 0 {
                        values.row(row)[Int(count)] = Double(bitPattern: bits[index])
                    } else if series[next].constant.bitPattern != bits[index] {
                        return
                    }
                    series[next].openCount = count + 1
                    series[next].lastTime = time
                    series[next].lastBits = bits[index]
                    stored += 1
                    index += 1
                }
            }
        }
        return (stored, unknown)
    }
}
