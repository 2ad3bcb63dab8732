import BinaryCoding
import DurableFiles

/// Walks through a segment record by record, over damage where there is some. Holds one window of the file at a time.
struct SegmentScanner: ~Copyable {
    enum Step {
        case record(LogFormat.RecordType, payload: [UInt8], offset: Int64)
        /// Bytes that are no record. `isTail` says that nothing valid follows them.
        case damage(Range<Int64>, isTail: Bool)
        case end
    }

    enum Header {
        case valid, tooShort, otherVersion, damaged
    }

    private let file: ReadFile
    let byteCount: Int64
    private var offset = Int64(LogFormat.headerByteCount)
    private var window: [UInt8] = []
    private var windowStart: Int64 = 0

    static let windowByteCount = 256 << 10

    init(_ file: consuming ReadFile) throws(FileError) {
        byteCount = try file.size()
        self.file = file
    }

    func header(number: UInt64) throws(FileError) -> Header {
        let bytes = try file.read(at: 0, count: LogFormat.headerByteCount)
        guard bytes.count == LogFormat.headerByteCount else { return .tooShort }
        // Version 1 had fewer types of records and is otherwise the same.
        let isKnown = bytes[7] == LogFormat.magic[7] || bytes[7] == UInt8(ascii: "1")
        if bytes[..<7] == LogFormat.magic[..<7], !isKnown { return .otherVersion }
        let sum = bytes[24..<28].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let storedNumber = bytes[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Checksum.of(Array(bytes[..<24])) == sum && storedNumber == number ? .valid : .damaged
    }

    mutating func next() throws(FileError) -> Step {
        guard offset < byteCount else { return .end }
        if let (type, payload) = try record(at: offset) {
            defer { offset += Int64(LogFormat.recordHeaderByteCount + payload.count) }
            return .record(type, payload: payload, offset: offset)
        }
        let start = offset
        offset = try nextRecord(after: start) ?? byteCount
        return .damage(start..<offset, isTail: offset == byteCount)
    }

    /// The bytes of a stretch, for setting them aside. At most `limit` of them.
    func bytes(_ range: Range<Int64>, limit: Int) throws(FileError) -> [UInt8] {
        try file.read(at: range.lowerBound, count: min(limit, Int(range.upperBound - range.lowerBound)))
    }

    /// - Returns: nil unless a whole, undamaged record begins at `place`.
    private mutating func record(at place: Int64) throws(FileError) -> (LogFormat.RecordType, [UInt8])? {
        let head = try view(place, LogFormat.recordHeaderByteCount)
        guard head.count == LogFormat.recordHeaderByteCount, head.elementsEqual(LogFormat.mark + head.dropFirst(4)),
            let type = LogFormat.RecordType(rawValue: head[head.startIndex + 4])
        else { return nil }
        let length = Int(number(head.dropFirst(5).prefix(4)))
        let sum = number(head.dropFirst(9).prefix(4))
        guard length <= LogFormat.payloadByteCountMax,
            place + Int64(LogFormat.recordHeaderByteCount + length) <= byteCount
        else { return nil }
        let whole = try view(place, LogFormat.recordHeaderByteCount + length)
        guard whole.count == LogFormat.recordHeaderByteCount + length else { return nil }
        let payload = Array(whole.dropFirst(LogFormat.recordHeaderByteCount))
        var computed = Checksum()
        computed.add(Array(whole.dropFirst(4).prefix(5)))
        computed.add(payload)
        return computed.value == sum ? (type, payload) : nil
    }

    /// The next place that begins a valid record.
    private mutating func nextRecord(after start: Int64) throws(FileError) -> Int64? {
        var place = start + 1
        while place + Int64(LogFormat.recordHeaderByteCount) <= byteCount {
            let stretch = try view(place, min(64 << 10, Int(byteCount - place)))
            guard let first = stretch.firstIndex(of: LogFormat.mark[0]) else {
                place += Int64(max(1, stretch.count))
                continue
            }
            place += Int64(first - stretch.startIndex)
            if try record(at: place) != nil { return place }
            place += 1
        }
        return nil
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Up to `count` bytes at `place`, through the window.
    private mutating func view(_ place: Int64, _ count: Int) throws(FileError) -> ArraySlice<UInt8> {
        if place < windowStart || place + Int64(count) > windowStart + Int64(window.count) {
            window = try file.read(at: place, count: max(count, Self.windowByteCount))
            windowStart = place
        }
        return window.dropFirst(Int(place - windowStart)).prefix(count)
    }
}
