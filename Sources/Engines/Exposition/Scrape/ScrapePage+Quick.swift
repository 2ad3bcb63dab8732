import Series

extension ScrapePage {
    /// Reads a page with the layout of the last one.
    /// - Returns: nil where the page must go the long way; nothing has changed then.
    mutating func readQuickly(_ page: inout [UInt8]) -> Changes? {
        guard !layout.lines.isEmpty, format != .protobuf else { return nil }
        // Equal elements: a copy without a new allocation.
        nextValues.withUnsafeMutableBufferPointer { next in
            values.withUnsafeBufferPointer { _ = next.update(fromContentsOf: $0) }
        }
        if !layout.times.isEmpty {
            nextTimes.withUnsafeMutableBufferPointer { next in
                layout.times.withUnsafeBufferPointer { _ = next.update(fromContentsOf: $0) }
            }
        }
        lengthChanges.removeAll(keepingCapacity: true)
        dirtyGroups.removeAll(keepingCapacity: true)
        var changes = Changes()
        let isRead = page.withUnsafeBufferPointer { new in
            bytes.withUnsafeBufferPointer { old in
                layout.lines.withUnsafeBufferPointer { lines in
                    var pass = QuickPass(
                        old: old, new: new, lines: lines, isOpenMetrics: format == .openMetrics,
                        isFragile: layout.isFragile, limits: limits)
                    return nextValues.withUnsafeMutableBufferPointer { values in
                        nextTimes.withUnsafeMutableBufferPointer { times in
                            pass.run(
                                values, times, layout.groupOfSample, &lengthChanges, &dirtyGroups, &changes.exemplars)
                        }
                    }
                }
            }
        }
        guard isRead, dirtyGroups.isEmpty || areGroupsSound() else { return nil }
        for change in lengthChanges { layout.lines[Int(change.line)].byteCount = change.byteCount }
        swap(&values, &nextValues)
        if !layout.times.isEmpty { swap(&layout.times, &nextTimes) }
        bytes = page
        return changes
    }

    /// Whether the histograms in which a value changed still agree with themselves.
    private func areGroupsSound() -> Bool {
        for index in dirtyGroups {
            let group = layout.groups[Int(index)]
            var before = 0.0
            for place in group.buckets {
                let value = nextValues[Int(layout.bucketSamples[Int(place)])]
                if value < before { return false }
                before = value
            }
            if group.count >= 0, nextValues[Int(group.count)] != before { return false }
            if group.gaugeSum >= 0, nextValues[Int(group.gaugeSum)] < 0 { return false }
        }
        return true
    }
}

/// One comparison of two pages. Holds pointers that are good for the call that made it.
private struct QuickPass {
    let old: UnsafeBufferPointer<UInt8>
    let new: UnsafeBufferPointer<UInt8>
    let lines: UnsafeBufferPointer<PageLine>
    let isOpenMetrics: Bool
    let isFragile: Bool
    let limits: ExpositionLimits

    /// - Returns: whether all lines were there with values that are allowed.
    mutating func run(
        _ values: UnsafeMutableBufferPointer<Double>, _ times: UnsafeMutableBufferPointer<Int64>,
        _ groupOfSample: [Int32], _ lengthChanges: inout [ScrapePage.LengthChange], _ dirtyGroups: inout [Int32],
        _ exemplars: inout [ScrapePage.PageExemplar]
    ) -> Bool {
        guard let oldBase = old.baseAddress, let newBase = new.baseAddress else { return false }
        let oldEnd = old.count
        let newEnd = new.count
        let lineCount = lines.count
        var oldAt = 0
        var newAt = 0
        var index = 0
        while index < lineCount {
            let equal = commonPrefix(oldBase + oldAt, newBase + newAt, min(oldEnd &- oldAt, newEnd &- newAt))
            let firstDifference = oldAt &+ equal
            let start = oldAt
            while index < lineCount, oldAt &+ Int(lines[index].byteCount) <= firstDifference {
                oldAt &+= Int(lines[index].byteCount)
                index &+= 1
            }
            newAt &+= oldAt &- start
            guard index < lineCount else { break }

            let line = lines[index]
            let prefix = Int(line.prefixByteCount)
            guard oldAt &+ prefix <= firstDifference, !isFragile, prefix < line.byteCount else { return false }
            var place = newAt &+ prefix
            guard let value = scanNumber(newBase, &place, newEnd), place < newEnd, line.rule.allows(value) else {
                return false
            }
            let sample = Int(line.sample)
            if newBase[place] != UInt8(ascii: "\n") {
                // The tail is rare, and reading it is another function so that this loop stays small.
                let isRead =
                    isOpenMetrics
                    ? takeExemplar(line, oldAt, &place, &exemplars) : takeTime(sample, &place, times)
                guard isRead else { return false }
            } else if !times.isEmpty, sample >= 0 {
                times[sample] = PageLayout.noTime
            }
            if sample >= 0 {
                values[sample] = value
                if line.rule.rawValue >= ValueRule.count.rawValue, sample < groupOfSample.count {
                    let group = groupOfSample[sample]
                    if group >= 0, dirtyGroups.last != group { dirtyGroups.append(group) }
                }
            }
            let byteCount = place &+ 1 &- newAt
            if byteCount != Int(line.byteCount) {
                lengthChanges.append(.init(line: Int32(truncatingIfNeeded: index), byteCount: UInt32(byteCount)))
            }
            newAt = place &+ 1
            oldAt &+= Int(line.byteCount)
            index &+= 1
        }
        return newAt == newEnd && oldAt == oldEnd
    }

    /// The time after a value of the older format, up to the line feed. Without a column of times the page goes the long way.
    private func takeTime(_ sample: Int, _ place: inout Int, _ times: UnsafeMutableBufferPointer<Int64>) -> Bool {
        guard new[place] == UInt8(ascii: " ") || new[place] == UInt8(ascii: "\t") else { return false }
        skipBlanks(&place)
        if new[place] == UInt8(ascii: "\n") {
            if !times.isEmpty, sample >= 0 { times[sample] = PageLayout.noTime }
            return true
        }
        let isNegative = new[place] == UInt8(ascii: "-")
        if isNegative { place += 1 }
        let first = place
        var time: Int64 = 0
        while new[place] &- 48 < 10, place - first < 18 {
            time = time * 10 + Int64(new[place] &- 48)
            place += 1
        }
        guard place > first, !times.isEmpty else { return false }
        skipBlanks(&place)
        guard new[place] == UInt8(ascii: "\n") else { return false }
        if sample >= 0 { times[sample] = isNegative ? -time : time }
        return true
    }

    /// The page ends with a line feed, so this ends.
    private func skipBlanks(_ place: inout Int) {
        while new[place] == UInt8(ascii: " ") || new[place] == UInt8(ascii: "\t") { place += 1 }
    }

    /// The exemplar after a value of OpenMetrics, up to the line feed. It is kept when its bytes are not those of the last page.
    private func takeExemplar(
        _ line: PageLine, _ oldAt: Int, _ place: inout Int, _ exemplars: inout [ScrapePage.PageExemplar]
    ) -> Bool {
        guard line.mayHaveExemplar, line.sample >= 0, new[place] == UInt8(ascii: " "),
            new[place + 1] == UInt8(ascii: "#")
        else { return false }
        let start = place + 1
        guard let length = new[start...].firstIndex(of: UInt8(ascii: "\n")).map({ $0 - start }) else { return false }
        place = start + length
        let oldLine = old[oldAt..<oldAt + Int(line.byteCount) - 1]
        if length < oldLine.count, oldLine.suffix(length).elementsEqual(new[start..<place]) { return true }
        var cursor = LineCursor(Array(new[start..<place]), limits: limits)
        _ = cursor.nextLine()
        // What is no exemplar goes the slow way, which says why.
        guard let exemplar = try? cursor.exemplar() else { return false }
        exemplars.append(
            .init(
                sample: Int(line.sample), labels: exemplar.labels, value: exemplar.value,
                timestamp: exemplar.seconds.map(millisecondsClamped)))
        return true
    }
}
