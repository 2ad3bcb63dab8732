import Diagnostics
import DurableFiles
import Exposition
import Series
import TimeSeriesStore
import Units

// A text of any length is read some megabytes at a time. The parser judges families as wholes (a histogram must have its last bucket),
// so a piece ends in front of a line that begins a family. A family longer than a piece is cut between two lines, and read
// without its type from there on: names and values are the same, only the judgement is left out.

/// A file of OpenMetrics text that is taken in as old samples.
struct OpenMetricsFile {
    private let path: String
    /// Bytes of a piece; a family may make it four times as long.
    private let pieceByteCount: Int
    /// The family that the piece before ended in the midst of: lines about it are passed over.
    private var openFamily: [UInt8]?

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

    /// Where a piece may end: in front of the last family of `text`, or, where that is too long, of its last line.
    private mutating func cut(_ text: [UInt8]) -> Int? {
        if let start = lastFamily(text) {
            if start > 0 { return start }
            guard text.count >= 4 * pieceByteCount else { return nil }
            openFamily = family(text)
        }
        return text.lastIndex(of: 0x0A).map { $0 + 1 }
    }

    /// Where the last run of lines about a family begins.
    private func lastFamily(_ text: [UInt8]) -> Int? {
        var found: Int?
        var place = text.count
        while let lineFeed = text[..<place].lastIndex(of: 0x0A) {
            if isAboutFamily(text[(lineFeed + 1)...]) {
                found = lineFeed + 1
            } else if found != nil {
                return found
            }
            place = lineFeed
        }
        return isAboutFamily(text[...]) ? 0 : found
    }

    private func isAboutFamily(_ line: ArraySlice<UInt8>) -> Bool {
        ["# TYPE ", "# HELP ", "# UNIT "].contains { line.starts(with: $0.utf8) }
    }

    /// The name of the first family that lines of `text` are about.
    private func family(_ text: [UInt8]) -> [UInt8]? {
        guard isAboutFamily(text[...]) else { return nil }
        return Array(text.dropFirst(7).prefix { $0 != 0x20 && $0 != 0x0A })
    }

    private mutating func parse(_ lines: [UInt8], into backfill: inout Backfill) throws {
        var text = lines
        if let open = openFamily {
            if let named = family(text), named != open { openFamily = nil } else { text = withoutFamilies(text) }
        }
        if !text.suffix(Self.end.count).elementsEqual(Self.end) {
            if text.suffix(5).elementsEqual(Self.end.dropLast()) { text.append(0x0A) } else { text += Self.end }
        }
        let batch: SampleBatch
        do {
            batch = try parseExposition(
                text, .openMetrics, at: Timestamp(millisecondsSinceEpoch: .min),
                limits: ExpositionLimits(byteCountMax: .max, sampleCountMax: .max))
        } catch {
            throw PlainFailure("not-openmetrics", "\(path): \(error.oneLine)")
        }
        for row in batch.rows {
            guard let time = row.timestamp, time.millisecondsSinceEpoch != .min else {
                throw PlainFailure("no-timestamp", "\(path): \(row.labels) has no timestamp")
            }
            var columns = SeriesColumns(labels: row.labels, times: [time.millisecondsSinceEpoch], values: [row.value])
            if let histogram = row.histogram { columns.histograms = [HistogramSample(index: 0, histogram: histogram)] }
            try backfill.add(columns)
        }
    }

    /// The samples alone.
    private func withoutFamilies(_ text: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(text.count)
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) where !isAboutFamily(line) {
            kept += line
            kept.append(0x0A)
        }
        if text.last == 0x0A { kept.removeLast() }
        return kept
    }
}
