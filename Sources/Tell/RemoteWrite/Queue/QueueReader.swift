import BinaryCoding
import DurableFiles
import Series

/// What was read of the queue: samples by series, in the order in which they were appended.
struct QueueChunk {
    /// Times of one series rise as its source gave them.
    struct Entry {
        /// As appended, without relabelling.
        var labels: Labels
        var times: [Int64] = []
        var values: [Double] = []
        var histograms: [HistogramSample] = []
        var exemplars: [Exemplar] = []
    }

    var entries: [Entry] = []
    var sampleCount = 0
    /// Where reading goes on once all of this was sent.
    var end: QueuePosition
    /// What could not be read, and where.
    var damage: [String] = []
}

/// Reads the queue for one address.
struct QueueReader {
    private let queue: WriteQueue
    private(set) var position: QueuePosition
    /// Of the segment at `position`.
    private var labels: [UInt32: Labels] = [:]
    private var isPrepared = false

    private static let pieceByteCount = 1 << 20

    init(_ queue: WriteQueue, at position: QueuePosition) {
        self.queue = queue
        self.position = max(position, queue.beginning)
    }

    /// Goes on elsewhere: segments were removed.
    mutating func jump(to position: QueuePosition) {
        self.position = position
        labels = [:]
        isPrepared = false
    }

    /// Reads at least one record, where there is one, and records until there are `most` samples.
    /// - Throws: `FileError`.
    mutating func read(most: Int) throws -> QueueChunk {
        var chunk = QueueChunk(end: position)
        var places: [Labels: Int] = [:]
        while chunk.sampleCount < most {
            if !isPrepared { try prepare() }
            let isLast = queue.segment(after: position.segment) == nil
            let end = queue.end
            let goesOn = try readSegment(&chunk, &places, most: most, end: isLast ? end.offset : nil)
            if chunk.sampleCount >= most { break }
            guard !goesOn, !isLast || queue.segment(after: position.segment) != nil,
                let next = queue.segment(after: position.segment)
            else { break }
            jump(to: QueuePosition(segment: next, offset: Int64(QueueFormat.magic.count)))
        }
        chunk.end = position
        return chunk
    }

    /// How many samples there are in front of `end`, which is the beginning of a segment.
    mutating func count(before end: QueuePosition) throws -> Int {
        var count = 0
        while position < end {
            let chunk = try read(most: 1)
            // A piece may reach into the next segment only once this one is done.
            if position <= end || position.segment < end.segment { count += chunk.sampleCount }
            if chunk.sampleCount == 0 { break }
        }
        return count
    }

    /// Learns what the segment defines in front of the position.
    private mutating func prepare() throws {
        isPrepared = true
        let start = Int64(QueueFormat.magic.count)
        guard position.offset > start else { return }
        var nothing = QueueChunk(end: position)
        var places: [Labels: Int] = [:]
        let goal = position.offset
        position.offset = start
        _ = try readSegment(&nothing, &places, most: .max, end: goal, definesOnly: true)
        position.offset = goal
    }

    /// - Parameter end: not read past this; nil: to the end of the file.
    /// - Returns: whether the segment may hold more.
    private mutating func readSegment(
        _ chunk: inout QueueChunk, _ places: inout [Labels: Int], most: Int, end: Int64?, definesOnly: Bool = false
    ) throws -> Bool {
        let file = try queue.files.openForReading(WriteQueue.path(position.segment, in: queue.folder))
        let limit = try end ?? file.size()
        while position.offset < limit {
            let count = Int(min(Int64(Self.pieceByteCount), limit - position.offset))
            var piece = try file.read(at: position.offset, count: count)
            var place = 0
            while place < piece.count {
                guard let length = recordLength(piece, place) else { break }
                if length > QueueFormat.recordByteCountMax {
                    return damaged(&chunk, "a record of \(length) bytes", end)
                }
                if place + QueueFormat.recordHeadByteCount + length > piece.count {
                    // A record longer than the piece is read whole.
                    guard place == 0, position.offset + Int64(QueueFormat.recordHeadByteCount + length) <= limit else {
                        break
                    }
                    piece = try file.read(at: position.offset, count: QueueFormat.recordHeadByteCount + length)
                    guard piece.count == QueueFormat.recordHeadByteCount + length else { break }
                }
                let start = place + QueueFormat.recordHeadByteCount
                let payload = Array(piece[start..<start + length])
                guard checksum(piece, place) == Checksum.of(payload) else {
                    return damaged(&chunk, "a record whose checksum does not fit", end)
                }
                do throws(CodingError) {
                    try take(payload, into: &chunk, &places, definesOnly: definesOnly)
                } catch {
                    return damaged(&chunk, "a record that ends too early", end)
                }
                place = start + length
                position.offset += Int64(QueueFormat.recordHeadByteCount + length)
                if chunk.sampleCount >= most { return true }
            }
            // What is left is the beginning of a record: a torn one, where the segment ends here.
            if place == 0 { return end != nil }
        }
        return end != nil
    }

    private func recordLength(_ piece: [UInt8], _ place: Int) -> Int? {
        guard place + QueueFormat.recordHeadByteCount <= piece.count else { return nil }
        return (0..<4).reduce(0) { $0 | Int(piece[place + $1]) << (8 * $1) }
    }

    private func checksum(_ piece: [UInt8], _ place: Int) -> UInt32 {
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(piece[place + 4 + $1]) << UInt32(8 * $1) }
    }

    /// The rest of the segment cannot be read; of one that is still written, what stands there now.
    private mutating func damaged(_ chunk: inout QueueChunk, _ what: String, _ end: Int64?) -> Bool {
        defer { if let end { position.offset = end } }
        chunk.damage.append(
            "\(WriteQueue.path(position.segment, in: queue.folder)) holds \(what) at byte \(position.offset)")
        return false
    }

    private mutating func take(
        _ payload: [UInt8], into chunk: inout QueueChunk, _ places: inout [Labels: Int], definesOnly: Bool
    ) throws(CodingError) {
        var reader = ByteReader(payload)
        guard let kind = QueueFormat.Kind(rawValue: try reader.byte()) else {
            throw CodingError(.invalid, at: 0)
        }
        if kind == .series {
            for _ in 0..<(try reader.count(limit: payload.count)) {
                let id = UInt32(truncatingIfNeeded: try reader.varint())
                labels[id] = try QueueFormat.labels(&reader)
            }
            return
        }
        if definesOnly { return }
        func place(_ id: UInt32) throws(CodingError) -> Int {
            guard let own = labels[id] else { throw CodingError(.invalid, at: 0) }
            if let known = places[own] { return known }
            chunk.entries.append(.init(labels: own))
            places[own] = chunk.entries.count - 1
            return chunk.entries.count - 1
        }
        switch kind {
        case .series: break
        case .block:
            let time = try reader.zigzag()
            var ids: [UInt32] = []
            for _ in 0..<(try reader.count(limit: payload.count)) {
                let first = UInt32(truncatingIfNeeded: try reader.varint())
                let length = try reader.count(limit: payload.count)
                for offset in 0..<length { ids.append(first &+ UInt32(offset)) }
                guard ids.count <= payload.count else { throw CodingError(.invalid, at: 0) }
            }
            for id in ids {
                let index = try place(id)
                chunk.entries[index].times.append(time)
                chunk.entries[index].values.append(try reader.double())
            }
            chunk.sampleCount += ids.count
        case .rows:
            let count = try reader.count(limit: payload.count)
            for _ in 0..<count {
                let index = try place(UInt32(truncatingIfNeeded: try reader.varint()))
                chunk.entries[index].times.append(try reader.zigzag())
                if try reader.byte() == 1 {
                    let histogram = try QueueFormat.histogram(&reader)
                    chunk.entries[index].histograms.append(
                        HistogramSample(index: chunk.entries[index].values.count, histogram: histogram))
                    chunk.entries[index].values.append(.nan)
                } else {
                    chunk.entries[index].values.append(try reader.double())
                }
            }
            chunk.sampleCount += count
        case .exemplars:
            for _ in 0..<(try reader.count(limit: payload.count)) {
                let index = try place(UInt32(truncatingIfNeeded: try reader.varint()))
                let own = try QueueFormat.labels(&reader)
                let value = try reader.double()
                let hasTime = try reader.byte() == 1
                let time = try reader.zigzag()
                chunk.entries[index].exemplars.append(
                    Exemplar(
                        series: chunk.entries[index].labels, labels: own, value: value, timestamp: hasTime ? time : nil)
                )
            }
        }
    }
}
