/// Builds a stream of bits, high bits first, eight bytes at a time: the writer of the codecs, where a call a bit would cost more than
/// the arithmetic.
struct BitSink {
    private(set) var bytes: [UInt8]
    private var word: UInt64 = 0
    private var free = 64

    /// - Parameter bytes: what stands before the stream; the stream begins at their end.
    init(after bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// - Parameters:
    ///   - value: below 2^count.
    ///   - count: 0…64.
    @inline(__always)
    mutating func put(_ value: UInt64, _ count: Int) {
        if count < free {
            free -= count
            word |= value &<< UInt64(free)
            return
        }
        let over = count - free
        word |= over == 64 ? 0 : value &>> UInt64(over)
        flush()
        free = 64 - over
        word = over == 0 ? 0 : value &<< UInt64(free)
    }

    /// `count` ones and a zero.
    @inline(__always)
    mutating func unary(_ count: Int) {
        put((1 << UInt64(count + 1)) - 2, count + 1)
    }

    private mutating func flush() {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// The bytes, the last one filled with zeros.
    consuming func finish() -> [UInt8] {
        let used = (64 - free + 7) / 8
        for index in 0..<used { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * index))) }
        return bytes
    }
}
