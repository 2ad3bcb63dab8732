/// What a program wrote, within a limit: the beginning, where a run says what it does, and the end, where it says why it
/// failed. What lay between is counted and dropped.
public struct CapturedOutput: Sendable, Hashable {
    public private(set) var head: [UInt8] = []
    private var ring: [UInt8] = []
    private var ringStart = 0
    private let headMax: Int
    private let tailMax: Int
    /// Bytes that the program wrote.
    public private(set) var byteCount = 0

    /// - Parameter limit: bytes kept at most.
    public init(limit: Int) {
        headMax = limit / 4
        tailMax = max(0, limit - limit / 4)
    }

    public mutating func append(_ bytes: some RandomAccessCollection<UInt8>) {
        byteCount += bytes.count
        let toHead = min(headMax - head.count, bytes.count)
        if toHead > 0 { head.append(contentsOf: bytes.prefix(toHead)) }
        // Only the newest `tailMax` bytes can survive, so a large chunk costs no more than the ring.
        for byte in bytes.dropFirst(max(0, toHead)).suffix(tailMax) {
            if ring.count < tailMax {
                ring.append(byte)
            } else {
                ring[ringStart] = byte
                ringStart = (ringStart + 1) % tailMax
            }
        }
    }

    public var droppedByteCount: Int { byteCount - head.count - ring.count }

    /// Everything kept; where bytes were dropped, a line in between says how many.
    public var bytes: [UInt8] {
        let tail = ring[ringStart...] + ring[..<ringStart]
        guard droppedByteCount > 0 else { return head + tail }
        return head + Array("\n[… \(droppedByteCount) bytes left out …]\n".utf8) + tail
    }

    /// As UTF-8; what is none shows as the replacement character.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The last lines that are not blank, for a message: at most `count` lines and `characterMax` characters.
    public func lastLines(_ count: Int, characterMax: Int = 500) -> String {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }.suffix(count)
        return String(lines.joined(separator: "\n").suffix(characterMax))
    }
}
