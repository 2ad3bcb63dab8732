import Texts
import Units

// A chart in a terminal: braille characters have 2 × 4 dots each, so that a chart of 100 columns and 16 rows shows 200 × 64 points.
// Neighbouring samples of a series are joined by a line unless a gap of more than two and a half steps lies between them. A
// character has one colour: that of the series whose dot came there last.

struct Chart {
    struct Line {
        var name: String
        /// Milliseconds since the epoch, rising.
        var times: [Int64]
        var values: [Double]
    }

    /// More lines than this would be a smear.
    private static let linesMax = 8
    private static let styles: [Page.Style] = [.blue, .green, .yellow, .red, .bold, .plain, .dim]

    private let lines: [Line]
    private let omitted: Int
    private let times: ClosedRange<Int64>
    /// Nil: no value can be drawn, and an axis would name values that nothing has.
    private let values: ClosedRange<Double>?
    private let stepMs: Int64

    /// - Parameter span: the time axis, in milliseconds since the epoch; nil: from the first sample to the last.
    init(_ all: [Line], over span: ClosedRange<Int64>? = nil, linesMax: Int = Self.linesMax) {
        lines = Array(all.prefix(linesMax))
        omitted = all.count - lines.count
        let moments = lines.flatMap(\.times)
        // Samples lie within what was asked for; where a store answers with others, they are shown too.
        let (first, last) = (moments.min() ?? span?.lowerBound ?? 0, moments.max() ?? span?.upperBound ?? 0)
        times = min(first, span?.lowerBound ?? first)...max(last, span?.upperBound ?? last)
        let finite = lines.flatMap(\.values).filter(\.isFinite)
        values = finite.min().map { low in
            let high = finite.max() ?? low
            // A flat line lies in the middle of its chart.
            return low < high ? low...high : (low - 1)...(high + 1)
        }
        let gaps = lines.flatMap { line in zip(line.times, line.times.dropFirst()).map { $1 - $0 } }
        stepMs = gaps.min() ?? 1
    }

    func draw(on page: inout Page, width: Int, height: Int = 16) {
        guard let values else {
            page.line(page.t[.chartNothing])
            legend(on: &page, width: width)
            return
        }
        let labels = (0..<height).map { row in
            let share = height > 1 ? Double(height - 1 - row) / Double(height - 1) : 0
            let value = values.lowerBound * (1 - share) + values.upperBound * share
            return row % 5 == 0 || row == height - 1 ? value.shortText(significantDigits: 4) : ""
        }
        let margin = labels.map(\.count).max() ?? 0
        let columns = max(10, min(width, 400) - margin - 2)
        let canvas = canvas(columns, height, values)
        for row in 0..<height {
            let label = String(repeating: " ", count: margin - labels[row].count) + labels[row]
            var text = "\(label) \(labels[row].isEmpty ? "│" : "┤")"
            for column in 0..<columns {
                let (dots, line) = canvas[row * columns + column]
                let character = dots == 0 ? " " : String(Character(Unicode.Scalar(0x2800 + UInt32(dots))!))
                text += line.map { page.styled(character, Self.style($0)) } ?? character
            }
            while text.last == " " { text.removeLast() }
            page.line(text)
        }
        let pad = String(repeating: " ", count: margin + 1)
        page.line(pad + "└" + String(repeating: "─", count: columns))
        // Parts of a second mean something only where the axis is short.
        let unit: Int64 = times.upperBound - times.lowerBound < 20_000 ? 1 : 1000
        let start = Timestamp(millisecondsSinceEpoch: times.lowerBound / unit * unit).rfc3339
        let end = Timestamp(millisecondsSinceEpoch: times.upperBound / unit * unit).rfc3339
        let gap = max(1, columns + 1 - start.count - end.count)
        page.line(pad + start + String(repeating: " ", count: gap) + end)
        legend(on: &page, width: width)
    }

    private func legend(on page: inout Page, width: Int) {
        for (index, line) in lines.enumerated() {
            // Infinities cannot be drawn, but they are the least and the most; what is not a number is neither.
            let numbers = line.values.filter { !$0.isNaN }
            let last = line.values.last.map { $0.shortText(significantDigits: 4) } ?? ""
            let figures =
                page.t(
                    .chartFigures,
                    [
                        "last": last, "least": (numbers.min() ?? .nan).shortText(significantDigits: 4),
                        "most": (numbers.max() ?? .nan).shortText(significantDigits: 4),
                    ])
            let room = max(10, width - figures.count - 6)
            let name = line.name.isEmpty ? "{}" : line.name
            let cut = name.count > room ? "\(name.prefix(room - 1))…" : name
            page.line("\(page.styled("⣿⣿", Self.style(index))) \(cut)  \(figures)")
        }
        if omitted > 0 { page.line(page.t(.chartOmitted, ["count": omitted])) }
    }

    private static func style(_ index: Int) -> Page.Style { styles[index % styles.count] }

    // MARK: Dots

    private typealias Canvas = [(dots: UInt8, line: Int?)]

    private func canvas(_ columns: Int, _ rows: Int, _ values: ClosedRange<Double>) -> Canvas {
        var canvas = Canvas(repeating: (0, nil), count: columns * rows)
        let (width, height) = (2 * columns, 4 * rows)
        let span = Double(max(1, times.upperBound - times.lowerBound))
        func point(_ time: Int64, _ value: Double) -> (x: Int, y: Int) {
            let x = Double(time - times.lowerBound) / span * Double(width - 1)
            // Halves, since the span of very large numbers is past the largest one.
            let share = (value / 2 - values.lowerBound / 2) / (values.upperBound / 2 - values.lowerBound / 2)
            return (Int(x.rounded()), height - 1 - Int((share * Double(height - 1)).rounded()))
        }
        for (index, line) in lines.enumerated() {
            var previous: (time: Int64, point: (x: Int, y: Int))?
            for (time, value) in zip(line.times, line.values) {
                guard value.isFinite else {
                    previous = nil
                    continue
                }
                let end = point(time, value)
                let isJoined = previous.map { Double(time - $0.time) <= 2.5 * Double(stepMs) } ?? false
                for (x, y) in isJoined ? Self.path(previous!.point, end) : [end] {
                    Self.set(x, y, &canvas, columns, index)
                }
                previous = (time, end)
            }
        }
        return canvas
    }

    private static func path(_ start: (x: Int, y: Int), _ end: (x: Int, y: Int)) -> [(Int, Int)] {
        let steps = max(1, (end.x - start.x).magnitude, (end.y - start.y).magnitude)
        return (0...Int(steps)).map { step in
            let share = Double(step) / Double(steps)
            return (
                start.x + Int((Double(end.x - start.x) * share).rounded()),
                start.y + Int((Double(end.y - start.y) * share).rounded())
            )
        }
    }

    /// Bits of a braille character: three rows of two, then the fourth row.
    private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

    private static func set(_ x: Int, _ y: Int, _ canvas: inout Canvas, _ columns: Int, _ line: Int) {
        let place = y / 4 * columns + x / 2
        guard canvas.indices.contains(place) else { return }
        canvas[place].dots |= bits[y % 4][x % 2]
        canvas[place].line = line
    }
}
