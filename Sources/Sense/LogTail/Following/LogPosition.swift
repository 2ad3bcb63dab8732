/// Up to where a log was read: which file, how many bytes, and what stood just before, so that a file that was cut off and
/// has grown again is not mistaken for the old one.
public struct LogPosition: Sendable, Hashable {
    public var device: UInt64
    public var inode: UInt64
    public var offset: Int64
    /// CRC-like sum over the last bytes before `offset` (at most `tailByteCount`).
    public var tailSum: UInt64

    static let tailByteCount = 64

    init(device: UInt64, inode: UInt64, offset: Int64, tailSum: UInt64) {
        self.device = device
        self.inode = inode
        self.offset = offset
        self.tailSum = tailSum
    }

    /// `device inode offset tailSum`, one line.
    var text: String { "\(device) \(inode) \(offset) \(tailSum)" }

    init?(text: some StringProtocol) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, let device = UInt64(words[0]), let inode = UInt64(words[1]),
            let offset = Int64(words[2]), let sum = UInt64(words[3]), offset >= 0
        else { return nil }
        self.init(device: device, inode: inode, offset: offset, tailSum: sum)
    }

    /// FNV-1a: it only has to tell other bytes apart, not to withstand an enemy.
    static func sum(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
