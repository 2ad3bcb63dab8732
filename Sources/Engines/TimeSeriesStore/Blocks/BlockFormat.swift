// The numbers of `docs/formats/series-blocks.md`.

enum BlockFormat {
    static let magic = Array("JAGABLK2".utf8)
    static let endMagic = Array("JAGAEND2".utf8)
    static let headerByteCount = 16
    static let footerByteCount = 96
    /// Places of the header and of the footer that are zero, and that no checksum covers.
    static let headerZeros = 8..<16
    static let footerZeros = 72..<88
    /// Chunks are packed together up to about this much: small enough to unpack for one series, large enough to pack well.
    static let frameByteCount = 32 << 10
    /// Unpacked past this a frame is damage: one chunk of histograms can be long.
    static let frameByteCountMax = 64 << 20
    static let indexByteCountMax = 1 << 30
    /// Samples of a chunk in a block: two hours at 15 s are one chunk.
    static let chunkSampleCountMax = 480

    /// How much of its size a frame may keep when it is packed, so that packing is worth it. Unpacking takes longer than all else that is done with a
    /// chunk. What is older than a day or so lies in blocks of a day and more, and is rarely asked for; of the newer the frames are packed
    /// that shrink to less than a third: series that stand still or are copies of each other.
    static func packedPercentMax(_ name: Name) -> Int {
        let isCold = name.end - name.start >= 86_400_000 || name.resolution > 0
        return isCold ? 100 : 33
    }

    enum Version1 {
        static let magic = Array("JAGABLK1".utf8)
        static let endMagic = Array("JAGAEND1".utf8)
        static let footerByteCount = 72
        static let footerZeros = 56..<64
        /// Encoding and checksum around a chunk's payload.
        static let chunkOverhead = 5
    }

    enum Codec: UInt8 {
        case plain = 0
        case zstd = 1
    }

    /// What tells a block from the others: its span, its resolution, and a number where there are several of both.
    struct Name: Hashable, Sendable {
        var start: Int64
        var end: Int64
        /// Milliseconds from sample to sample in a downsampled block; 0 for samples as they came.
        var resolution: Int64 = 0
        /// Tells blocks of the same span apart: samples that came late, and blocks that were written anew.
        var part = 0

        var text: String {
            "\(start)-\(end)" + (resolution > 0 ? "-r\(resolution)" : "") + (part > 0 ? "-p\(part)" : "") + ".block"
        }

        init(start: Int64, end: Int64, resolution: Int64 = 0, part: Int = 0) {
            self.start = start
            self.end = end
            self.resolution = resolution
            self.part = part
        }

        /// - Returns: nil for other files.
        init?(_ text: String) {
            guard text.hasSuffix(".block") else { return nil }
            let stem = text.dropLast(6)
            // A time before 1970 begins with a minus.
            guard let dash = stem.dropFirst().firstIndex(of: "-"), let start = Int64(stem[..<dash]) else { return nil }
            var rest = stem[stem.index(after: dash)...]
            let endStop = rest.dropFirst().firstIndex(of: "-") ?? rest.endIndex
            guard let end = Int64(rest[..<endStop]), start < end else { return nil }
            self.init(start: start, end: end)
            rest = rest[endStop...]
            for piece in rest.split(separator: "-") {
                guard let number = Int64(piece.dropFirst()), number > 0 else { return nil }
                switch piece.first {
                case "r": resolution = number
                case "p": part = Int(number)
                default: return nil
                }
            }
        }
    }
}
