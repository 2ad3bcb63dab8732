import Diagnostics
import DurableFiles
import Exposition
import Series
import TimeSeriesStore
import Units

// A text of any length is read some megabytes at a time. The parser judges families as wholes (a histogram must have its last bucket),
// so a piece ends in front of a line that begins a family. A family longer than four pieces is cut between two lines, of a histogram
// between two instants, and what follows is read under its type line once more.

/// A file of OpenMetrics text that is taken in as old samples.
struct OpenMetricsFile {
    private let path: String
    /// Bytes of a piece; a family may make it four times as long.
    private let pieceByteCount: Int
    /// The type line of the family that the piece before ended in the midst of.
    private var openFamily: [UInt8]?
    /// The same for the piece that is being cut.
    private var nextFamily: [UInt8]?
    /// Lines of the pieces before.
    private var lineCount = 0

    init(_ path: String, pieceByteCount: Int = 4 << 20) {
        self.path = path
        self.pieceByteCount = pieceByteCount
    }

    private static let end = Array("# EOF\n".utf8)

    /// - Throws: `PlainFailure` when it is no OpenMetrics or a sample has no timestamp; what stood before that is stored then, and may be
    ///   given again. A file without its end is refused before anything of it is stored.
    mutating func read(into backfill: inout Backfill) throws {
        let file = try RealFiles().openForReading(path)
        try requireEnd(file)
        var offset: Int64 = 0
        var rest: [UInt8] = []
        while true {
            let piece = try file.read(at: offset, count: pieceByteCount)
            offset += Int64(piece.count)
            rest += piece
            guard let cut = piece.isEmpty ? rest.count : cut(rest) else { continue }
            try parse(Array(rest[..<cut]), into: &backfill)
            rest.removeFirst(cut)
            if piece.isEmpty { return }
        }
    }

    /// Without it the text may be the beginning of a longer one.
    private func requireEnd(_ file: borrowing ReadFile) throws {
        let size = try file.size()
        let tail = try file.read(at: max(0, size - Int64(Self.end.count)), count: Self.end.count)
        guard tail == Self.end || tail.suffix(5).elementsEqual(Self.end.dropLast()) else {
            throw PlainFailure(
                "no-end", "\(path) does not end with '# EOF': a part of it may be missing",
                hint: "Nothing of it was stored. Write it anew.")
        }
    }

    /// Where a piece may end: in front of the last family of `text`, or, where that is too long, of a line within it.
    private mutating func cut(_ text: [UInt8]) -> Int? {
        let last = lastFamily(text)
        if let last, last > 0 {
            nextFamily = nil
            return last
        }
        guard last == nil || text.count >= 4 * pieceByteCount else { return nil }
        nextFamily = last == nil ? openFamily : typeLine(text)
        let isHistogram = nextFamily.map { $0.suffix(9).elementsEqual("histogram".utf8) } ?? false
        return isHistogram ? lastInstant(text) : text.lastIndex(of: 0x0A).map { $0 + 1 }
    }

    /// Where the last histogram of one instant begins: at a bucket that follows what is none.
    private func lastInstant(_ text: [UInt8]) -> Int? {
        func isBucket(_ line: ArraySlice<UInt8>) -> Bool {
            line.prefix { $0 != 0x20 && $0 != UInt8(ascii: "{") }.suffix(7).elementsEqual("_bucket".utf8)
        }
        var lineEnd = text.lastIndex(of: 0x0A)
        while let end = lineEnd, let before = text[..<end].lastIndex(of: 0x0A) {
            let previous = text[..<before].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if isBucket(text[(before + 1)..<end]), !isBucket(text[previous..<before]),
                !isAboutFamily(text[previous..<before])
            {
                return before + 1
            }
            lineEnd = before
        }
        return nil
    }

    /// Where the lines about the last family begin.
    private func lastFamily(_ text: [UInt8]) -> Int? {
        var found: Int?
        var end = text.count
        while true {
            let start = text[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            let line = text[start..<end]
            if isAboutFamily(line), found == nil || familyName(line) == familyName(text[found!...]) {
                found = start
            } else if found != nil {
                return found
            }
            guard start > 0 else { return found }
            end = start - 1
        }
    }

    private func familyName(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.dropFirst(7).prefix { $0 != 0x20 && $0 != 0x0A }
    }

    private func isAboutFamily(_ line: ArraySlice<UInt8>) -> Bool {
        ["# TYPE ", "# HELP ", "# UNIT "].contains { line.starts(with: $0.utf8) }
    }

    /// The line with the type of the family that `text` begins with.
    private func typeLine(_ text: [UInt8]) -> [UInt8]? {
        text.split(separator: 0x0A).prefix { isAboutFamily($0) }.last { $0.starts(with: "# TYPE ".utf8) }.map(
            Array.init)
    }

    private mutating func parse(_ lines: [UInt8], into backfill: inout Backfill) throws {
        var text = lines
        if let openFamily, !isAboutFamily(text[...]) { text = openFamily + [0x0A] + text }
        openFamily = nextFamily
        if !text.suffix(Self.end.count).elementsEqual(Self.end) {
            if text.suffix(5).elementsEqual(Self.end.dropLast()) { text.append(0x0A) } else { text += Self.end }
        }
        let batch: SampleBatch
        do {
            batch = try parseExposition(
                text, .openMetrics, at: Timestamp(millisecondsSinceEpoch: .min),
                limits: ExpositionLimits(byteCountMax: .max, sampleCountMax: .max), keepsRepeats: true)
        } catch {
            guard lineCount > 0 else { throw PlainFailure("not-openmetrics", "\(path): \(error.oneLine)") }
            throw PlainFailure("not-openmetrics", "\(path), after \(lineCount) lines: \(error.oneLine)")
        }
        lineCount += lines.count { $0 == 0x0A }
        for row in batch.rows {
            guard let time = row.timestamp, time.millisecondsSinceEpoch != .min else {
                throw PlainFailure("no-timestamp", "\(path): \(row.labels) has no timestamp")
            }
            var columns = SeriesColumns(labels: row.labels, times: [time.millisecondsSinceEpoch], values: [row.value])
            if let histogram = row.histogram { columns.histograms = [HistogramSample(index: 0, histogram: histogram)] }
            try backfill.add(columns)
        }
    }
}
