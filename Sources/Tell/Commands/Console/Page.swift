import Texts
import Units
import WebAPI

/// Text for a terminal: lines and tables, with colour where a person looks.
struct Page {
    enum Style: String {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
    }

    private let console: Console
    private let usesColour: Bool
    private var lines: [String] = []
    let now: Timestamp
    /// The words of the command line's screens.
    let t: Phrases<CommandText>
    /// The words for states.
    let states: Phrases<StateText>

    init(console: Console) {
        self.console = console
        usesColour = console.isTerminal && console.environment("NO_COLOR").map(\.isEmpty) ?? true
        now = console.now()
        t = console.phrases
        states = Phrases(console.language)
    }

    func styled(_ text: String, _ style: Style) -> String {
        usesColour && style != .plain ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    mutating func line(_ text: String = "", _ style: Style = .plain) {
        lines.append(styled(text, style))
    }

    /// A table whose heads are in the catalogue; nil is a column without a head.
    mutating func table(_ heads: [CommandText?], _ rows: [[Cell]]) {
        table(heads.map { $0.map { t[$0] } ?? "" }, rows)
    }

    /// Columns two spaces apart, as wide as their widest cell; the last column is not padded. Cells may carry a style.
    mutating func table(_ heads: [String], _ rows: [[Cell]]) {
        var widths = heads.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.text.count)
            }
        }
        func joined(_ cells: [Cell]) -> String {
            var text = ""
            for (column, cell) in cells.enumerated() {
                let isLast = column == cells.count - 1
                let gap = isLast ? 0 : widths[column] - cell.text.count + 2
                text += styled(cell.text, cell.style) + String(repeating: " ", count: gap)
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        lines.append(joined(heads.map { Cell($0, .dim) }))
        for row in rows { lines.append(joined(row)) }
    }

    func print() {
        console.output(lines.joined(separator: "\n"))
    }

    /// `3m ago`, `in 2h`, `never`.
    func age(_ instant: Timestamp?) -> String {
        guard let instant else { return t[.ageNever] }
        let span = now - instant
        if span < .zero { return t(.ageIn, ["span": (instant - now).briefText]) }
        return span < .seconds(1) ? t[.ageNow] : t(.ageAgo, ["span": span.briefText])
    }
}

struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    let text: String
    let style: Page.Style

    init(_ text: String, _ style: Page.Style = .plain) {
        // A line feed in a name or a message would break the table.
        self.text =
            text.contains { $0.isNewline } ? text.split(whereSeparator: \.isNewline).joined(separator: " ") : text
        self.style = style
    }

    init(stringLiteral value: String) { self.init(value) }
}

extension Page {
    /// The verdict in its word and colour.
    func cell(_ verdict: Verdict) -> Cell { Cell(states[verdict.word], verdict.style) }
}

extension Verdict {
    var style: Page.Style {
        switch self {
        case .ok: .green
        case .warning: .yellow
        case .critical: .red
        case .unknown: .blue
        }
    }
}

extension Figure {
    /// The number as a person writes it.
    func text(_ t: Phrases<CommandText>) -> String {
        guard let value else { return t(.figureUnknown, ["label": label]) }
        let number =
            switch unit {
            case .none: value.shortText(significantDigits: 4)
            case .bytes: ByteCount(Int64(value)).text
            case .bytesPerSecond: "\(ByteCount(Int64(value)).text)/s"
            case .seconds: Duration.milliseconds(Int64(value * 1000)).briefText
            case .perSecond: "\(value.shortText(significantDigits: 3))/s"
            case .ratio: "\((value * 100).shortText(significantDigits: 3)) %"
            case .percent: "\(value.shortText(significantDigits: 3)) %"
            case .instant: Timestamp(secondsSinceEpoch: value / 1000).rfc3339
            }
        return "\(label) \(number)"
    }
}
