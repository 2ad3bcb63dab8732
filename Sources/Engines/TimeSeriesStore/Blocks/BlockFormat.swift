// The numbers of `docs/formats/series-blocks.md`.

enum BlockFormat {
    static let magic = Array("JAGABLK1".utf8)
    static let endMagic = Array("JAGAEND1".utf8)
    static let headerByteCount = 16
    static let footerByteCount = 72
    /// Encoding and checksum around a chunk's payload.
    static let chunkOverhead = 5

    static func name(start: Int64, end: Int64) -> String { "\(start)-\(end).block" }

    /// Start and end of a block's name; nil for other files.
    static func span(of name: String) -> (start: Int64, end: Int64)? {
        guard name.hasSuffix(".block") else { return nil }
        let stem = name.dropLast(6)
        guard let dash = stem.dropFirst().firstIndex(of: "-"), let start = Int64(stem[..<dash]),
            let end = Int64(stem[stem.index(after: dash)...]), start < end
        else { return nil }
        return (start, end)
    }
}
