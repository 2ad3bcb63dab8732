import Units
import WebAPI

// Lines over time as SVG, for browsers without script, for the first moment before the script has drawn, and for places that no
// script reaches. Time runs to the right over the whole asked range, so that a series that ended early shows its gap; the
// value axis starts at zero unless a value is below, since a cut-off axis makes a ripple look like an outage. A gap of more
// than three steps breaks the line: nothing is drawn where nothing was measured.

/// A drawing of series. Costs one pass over the points.
struct Chart {
    struct Line: Sendable {
        var name: String
        var times: [Int64]
        var values: [Double]
    }

    /// More lines cannot be told apart; the page says how many are missing.
    static let lineCountMax = 8

    var lines: [Line]
    var from: Timestamp
    var through: Timestamp
    var stepMs: Int64
    var unit: Figure.Unit
    /// What a reader who does not see the drawing hears.
    var description: String
    /// The top of the axis where the quantity has one, such as 1 for a ratio.
    var valueMax: Double?

    /// The box of the lines, in units that are stretched to its width and are pixels in height.
    private static let width = 1000.0
    private static let height = 150.0
    private static let bottom = 20.0
    private static let top = 8.0

    var svg: Markup {
        var html = "<svg class=\"chart\" role=\"img\" aria-label=\""
        Markup.escape(description, into: &html)
        html += "\">"
        let (low, high) = valueRange
        writeValues(low, high, to: &html)
        writeGrid(low, high, to: &html)
        html += "<svg viewBox=\"0 0 1000 150\" width=\"100%\" height=\"150\" preserveAspectRatio=\"none\">"
        for (index, line) in lines.prefix(Self.lineCountMax).enumerated() {
            html += "<path class=\"s\(index)\" d=\"\(path(line, low, high))\"/>"
        }
        return Markup(trustedHTML: html + "</svg></svg>")
    }

    private var valueRange: (low: Double, high: Double) {
        var low = 0.0
        var high = valueMax ?? 0
        for line in lines {
            for value in line.values where value.isFinite {
                low = min(low, value)
                high = max(high, value)
            }
        }
        // Nothing but zeros: an axis of a few whole units says so best.
        if high == low { high = low + (isBinary ? 1024 : 1) }
        return (low, valueMax == nil ? Self.roundUp(high, binary: isBinary) : high)
    }

    private var isBinary: Bool { unit == .bytes || unit == .bytesPerSecond }

    /// The next 1, 2, 2.5 or 5 times a power, so that the axis ends on a number that can be read.
    static func roundUp(_ value: Double, binary: Bool) -> Double {
        guard value > 0, value.isFinite else { return value }
        var power = 1.0
        let base = binary ? 1024.0 : 10.0
        while power > value { power /= base }
        while power * base <= value { power *= base }
        let steps: [Double] = binary ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 2.5, 5, 10]
        return power * (steps.first { $0 * power >= value } ?? base)
    }

    private func x(_ ms: Int64) -> Double {
        let span = Double(max(1, through.millisecondsSinceEpoch - from.millisecondsSinceEpoch))
        return Double(ms - from.millisecondsSinceEpoch) / span * Self.width
    }

    private func y(_ value: Double, _ low: Double, _ high: Double) -> Double {
        let room = Self.height - Self.bottom - Self.top
        return Self.top + (1 - (value - low) / (high - low)) * room
    }

    /// Left of the box, in the margin that the style sheet leaves there.
    private func writeValues(_ low: Double, _ high: Double, to html: inout String) {
        for share in [0.0, 0.5, 1.0] {
            let value = low + (high - low) * share
            html += "<text x=\"-8\" y=\"\(Self.text(y(value, low, high)))\" dy=\"4\" text-anchor=\"end\">"
            Markup.escape(Format.number(value, unit), into: &html)
            html += "</text>"
        }
    }

    private func writeGrid(_ low: Double, _ high: Double, to html: inout String) {
        for share in [0.0, 0.5, 1.0] {
            let height = Self.text(y(low + (high - low) * share, low, high))
            html += "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"\(height)\" y2=\"\(height)\"/>"
            let ms =
                from.millisecondsSinceEpoch
                + Int64(Double(through.millisecondsSinceEpoch - from.millisecondsSinceEpoch) * share)
            let anchor = share == 0 ? "start" : share == 1 ? "end" : "middle"
            let clock = Timestamp(millisecondsSinceEpoch: ms).rfc3339.dropFirst(5)
            let isLong = through - from > .seconds(86_400)
            let text = isLong ? clock.prefix(5) : clock.dropFirst(6).prefix(5)
            html += "<text x=\"\(Int(share * 100))%\" y=\"146\" text-anchor=\"\(anchor)\">\(text)</text>"
        }
    }

    private func path(_ line: Line, _ low: Double, _ high: Double) -> String {
        var path = ""
        var previous: Int64?
        for (ms, value) in zip(line.times, line.values) {
            guard value.isFinite else {
                previous = nil
                continue
            }
            let isConnected = previous.map { ms - $0 <= 3 * stepMs } ?? false
            path += isConnected ? "L" : "M"
            path += Self.text(x(ms))
            path += " "
            path += Self.text(y(value, low, high))
            // A point alone would leave no mark.
            if !isConnected { path += "h0.1" }
            previous = ms
        }
        return path
    }

    /// One decimal: a tenth of a unit of the drawing cannot be seen.
    private static func text(_ coordinate: Double) -> String {
        let tenths = Int((coordinate * 10).rounded())
        let whole = tenths / 10
        let rest = abs(tenths % 10)
        return rest == 0 ? String(whole) : "\(tenths < 0 && whole == 0 ? "-" : "")\(whole).\(rest)"
    }
}
