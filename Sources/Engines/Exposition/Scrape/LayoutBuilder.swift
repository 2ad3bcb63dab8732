import Series
import Units

/// Makes the layout of a page out of its bytes and the layout of the page before.
struct LayoutBuilder {
    private let oldBytes: [UInt8]
    private let old: PageLayout
    private let page: [UInt8]
    private let limits: ExpositionLimits
    /// The old line that should come next, and its place.
    private var guess = 0
    private var guessStart = 0
    private var index: PrefixIndex?
    private var oldStarts: [Int] = []
    /// By slot: a sample of this page has it.
    private(set) var isTaken: [Bool]
    private(set) var freeSlots: [UInt32]

    private(set) var layout = PageLayout()
    private(set) var values: [Double] = []
    private(set) var histograms: [HistogramSample] = []
    private(set) var slotOfLabels: [Labels: UInt32] = [:]
    private(set) var changes = ScrapePage.Changes()

    init(_ page: [UInt8], after last: ScrapePage) {
        self.page = page
        oldBytes = last.bytes
        old = last.layout
        limits = last.limits
        isTaken = [Bool](repeating: false, count: last.slotCount)
        freeSlots = last.freeSlots
        layout.lines.reserveCapacity(old.lines.count)
        layout.slots.reserveCapacity(old.slots.count)
        values.reserveCapacity(old.slots.count)
    }

    mutating func readText() throws(ExpositionError) {
        var cursor = LineCursor(page, limits: limits)
        // Comments that stand together are read together, where one of them is new.
        var comments: [LineCursor] = []
        var hasNewComment = false
        var spelling = BoundSpelling()
        while cursor.nextLine() {
            let start = cursor.place
            let byteCount = cursor.lineEnd - start + 1
            cursor.skipBlanks()
            if cursor.isAtLineEnd || cursor.rest.elementsEqual(carriageReturn) {
                layout.lines.append(PageLine(byteCount, prefix: byteCount, sample: -1))
            } else if cursor.take("#") {
                comments.append(cursor)
                spelling.see(cursor.wholeLine)
                if !isGuessed(start, byteCount) { hasNewComment = true }
                layout.lines.append(PageLine(byteCount, prefix: byteCount, sample: -1))
            } else {
                if hasNewComment { try readMetadata(comments) }
                comments.removeAll(keepingCapacity: true)
                hasNewComment = false
                try readSample(&cursor, start, byteCount, spelling)
            }
        }
        if hasNewComment { try readMetadata(comments) }
    }

    private mutating func readMetadata(_ comments: [LineCursor]) throws(ExpositionError) {
        var metadata: MetadataByName = [:]
        for comment in comments {
            var comment = comment
            try readComment(&comment, into: &metadata)
        }
        changes.metadata += metadata.values.sorted { $0.name < $1.name }
    }

    private mutating func readSample(
        _ cursor: inout LineCursor, _ start: Int, _ byteCount: Int, _ spelling: BoundSpelling
    ) throws(ExpositionError) {
        let labels: Labels?
        var slot: UInt32
        if let (known, prefix) = guessedSlot(start, byteCount, { spelling.code(of: $0) }) {
            slot = known
            labels = nil
            cursor.jump(to: start + prefix)
        } else {
            let metricStart = cursor.place
            let isKnown = skipMetric(&cursor)
            cursor.skipBlanks()
            let prefix = cursor.place - start
            if isKnown, let known = indexedSlot(start, prefix, spelling.code(of: page[start..<start + prefix])) {
                slot = known
                labels = nil
            } else {
                cursor.jump(to: metricStart)
                labels = spelling.spelled(try cursor.metric(strict: false).labels)
                cursor.skipBlanks()
                slot = newSlot(start, cursor.place - start, spelling.code(of: page[start..<cursor.place]))
            }
        }
        let prefix = cursor.place - start
        let valuePlace = cursor.place
        let (value, time) = try cursor.valueAndTime()
        guard values.count < limits.sampleCountMax else {
            throw cursor.fail(.tooMuch, "the page has more than \(limits.sampleCountMax) samples", at: valuePlace)
        }
        if isTaken[Int(slot)], time == nil {
            layout.repeatedSlots.append(slot)
            layout.lines.append(PageLine(byteCount, prefix: prefix, sample: -1))
            return
        }
        layout.lines.append(
            PageLine(
                byteCount, prefix: prefix, sample: values.count,
                spelling: spelling.code(of: page[start..<start + prefix])))
        add(slot, value, time, labels)
    }

    private mutating func add(_ slot: UInt32, _ value: Double, _ time: Int64?, _ labels: Labels?) {
        isTaken[Int(slot)] = true
        if let labels { changes.appeared.append(.init(slot: Int(slot), labels: labels)) }
        if time != nil, layout.times.isEmpty {
            layout.times = [Int64](repeating: PageLayout.noTime, count: values.count)
        }
        if time != nil || !layout.times.isEmpty { layout.times.append(time ?? PageLayout.noTime) }
        layout.slots.append(slot)
        values.append(value)
    }

    mutating func readOpenMetrics() throws(ExpositionError) {
        var strict = OpenMetricsPage(page, at: Timestamp(millisecondsSinceEpoch: 0), limits: limits)
        try strict.read()
        layout = strict.layout
        layout.slots.reserveCapacity(strict.batch.rows.count)
        changes.exemplars = strict.exemplars
        changes.metadata = strict.batch.metadata.values.sorted { $0.name < $1.name }
        var start = 0
        for line in layout.lines {
            let prefix = Int(line.prefixByteCount)
            if line.sample >= 0 {
                let row = strict.batch.rows[Int(line.sample)]
                let known =
                    guessedSlot(start, Int(line.byteCount), { _ in line.spelling })?.slot
                    ?? indexedSlot(start, prefix, line.spelling)
                let slot = known ?? newSlot(start, prefix, line.spelling)
                add(slot, row.value, row.timestamp?.millisecondsSinceEpoch, known == nil ? row.labels : nil)
            } else {
                _ = isGuessed(start, Int(line.byteCount))
            }
            start += Int(line.byteCount)
        }
        noteRepeated(strict.repeated, strict.batch.rows)
    }

    private mutating func noteRepeated(_ repeated: [Labels], _ rows: [SampleBatch.Row]) {
        guard !repeated.isEmpty else { return }
        let places = Dictionary(rows.indices.map { (rows[$0].labels, $0) }) { first, _ in first }
        layout.repeatedSlots = repeated.compactMap { places[$0].map { layout.slots[$0] } }
    }
}

// Protobuf has no lines: series are found by their labels.
extension LayoutBuilder {
    mutating func readProtobuf(_ known: [Labels: UInt32]) throws(ExpositionError) {
        let batch = try parseExposition(page, .protobuf, at: Timestamp(millisecondsSinceEpoch: 0), limits: limits)
        changes.metadata = batch.metadata.values.sorted { $0.name < $1.name }
        var sampleOfLabels: [Labels: Int] = [:]
        for row in batch.rows {
            if sampleOfLabels[row.labels] != nil, row.timestamp == nil {
                if let slot = slotOfLabels[row.labels] { layout.repeatedSlots.append(slot) }
                continue
            }
            let slot: UInt32
            var labels: Labels?
            if let same = slotOfLabels[row.labels] ?? known[row.labels] {
                slot = same
            } else {
                slot = unusedSlot()
                labels = row.labels
            }
            slotOfLabels[row.labels] = slot
            sampleOfLabels[row.labels] = values.count
            if let histogram = row.histogram { histograms.append(.init(index: values.count, histogram: histogram)) }
            add(slot, row.value, row.timestamp?.millisecondsSinceEpoch, labels)
        }
        for exemplar in batch.exemplars {
            guard let sample = sampleOfLabels[exemplar.series] else { continue }
            changes.exemplars.append(
                .init(
                    sample: sample, labels: exemplar.labels, value: exemplar.value, timestamp: exemplar.timestamp))
        }
    }
}

// Which slot a line has.
extension LayoutBuilder {
    /// Whether the line is the old one that should stand here, to the byte; then the next one is expected.
    private mutating func isGuessed(_ start: Int, _ byteCount: Int) -> Bool {
        guard guess < old.lines.count, Int(old.lines[guess].byteCount) == byteCount,
            isEqual(start, guessStart, byteCount)
        else { return false }
        goOn()
        return true
    }

    /// The slot of the old line that should stand here, if it does, with the length of what is before the value.
    private mutating func guessedSlot(
        _ start: Int, _ byteCount: Int, _ spelling: (ArraySlice<UInt8>) -> UInt8
    ) -> (slot: UInt32, prefix: Int)? {
        while guess < old.lines.count, old.lines[guess].sample < 0 { goOn() }
        guard guess < old.lines.count else { return nil }
        let prefix = Int(old.lines[guess].prefixByteCount)
        // A blank after it would belong to what is before the value.
        guard prefix < byteCount, isEqual(start, guessStart, prefix), page[start + prefix] > UInt8(ascii: " "),
            old.lines[guess].spelling == spelling(page[start..<start + prefix])
        else { return nil }
        let slot = old.slots[Int(old.lines[guess].sample)]
        goOn()
        return (slot, prefix)
    }

    private mutating func goOn() {
        guessStart += Int(old.lines[guess].byteCount)
        guess += 1
    }

    private func isEqual(_ start: Int, _ oldStart: Int, _ byteCount: Int) -> Bool {
        guard start + byteCount <= page.count, oldStart + byteCount <= oldBytes.count else { return false }
        return page.withUnsafeBytes { new in
            oldBytes.withUnsafeBytes { old in
                commonPrefix(new.baseAddress! + start, old.baseAddress! + oldStart, byteCount) == byteCount
            }
        }
    }

    private mutating func indexedSlot(_ start: Int, _ prefix: Int, _ spelling: UInt8) -> UInt32? {
        if index == nil { makeIndex() }
        guard let entry = withKey(start, prefix, { index!.find($0, spelling: spelling, old: $1, new: $2) }) else {
            return nil
        }
        if entry.line >= 0 {
            guess = Int(entry.line)
            guessStart = entry.start
            goOn()
        }
        return entry.slot
    }

    private mutating func newSlot(_ start: Int, _ prefix: Int, _ spelling: UInt8) -> UInt32 {
        if index == nil { makeIndex() }
        let slot = unusedSlot()
        let entry = PrefixIndex.Entry(start: start, byteCount: prefix, slot: slot, line: -1, spelling: spelling)
        page.withUnsafeBytes { index!.insert(entry, key: .init(rebasing: $0[start..<start + prefix])) }
        return slot
    }

    private mutating func unusedSlot() -> UInt32 {
        if let free = freeSlots.popLast() { return free }
        isTaken.append(false)
        return UInt32(isTaken.count - 1)
    }

    private func withKey<Result>(
        _ start: Int, _ count: Int,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        page.withUnsafeBytes { new in
            oldBytes.withUnsafeBytes { old in body(.init(rebasing: new[start..<start + count]), old, new) }
        }
    }

    private mutating func makeIndex() {
        let lineFeeds = page.withUnsafeBufferPointer { $0.count { $0 == UInt8(ascii: "\n") } }
        var index = PrefixIndex(capacity: old.lines.count + lineFeeds + 1)
        oldBytes.withUnsafeBytes { bytes in
            var start = 0
            for (number, line) in old.lines.enumerated() {
                if line.sample >= 0 {
                    let prefix = Int(line.prefixByteCount)
                    index.insert(
                        .init(
                            start: start, byteCount: prefix, slot: old.slots[Int(line.sample)], line: Int32(number),
                            spelling: line.spelling),
                        key: .init(rebasing: bytes[start..<start + prefix]))
                }
                start += Int(line.byteCount)
            }
        }
        self.index = index
    }

    /// Moves over a metric without reading it. False: something is odd, and only reading it tells what.
    private func skipMetric(_ cursor: inout LineCursor) -> Bool {
        let rest = cursor.rest
        var at = rest.startIndex
        var isQuoted = false
        var depth = 0
        while at < rest.endIndex {
            switch rest[at] {
            case UInt8(ascii: "\\") where isQuoted: at += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "{") where !isQuoted: depth += 1
            case UInt8(ascii: "}") where !isQuoted:
                cursor.jump(to: at + 1)
                return depth == 1
            case UInt8(ascii: " ") where !isQuoted && depth == 0, UInt8(ascii: "\t") where !isQuoted && depth == 0:
                // Blanks may stand between the name and the brace.
                var next = at
                while next < rest.endIndex, rest[next] == UInt8(ascii: " ") || rest[next] == UInt8(ascii: "\t") {
                    next += 1
                }
                guard next < rest.endIndex, rest[next] == UInt8(ascii: "{") else {
                    cursor.jump(to: at)
                    return true
                }
            default: break
            }
            at += 1
        }
        return false
    }
}
