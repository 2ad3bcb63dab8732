/// What tells two series apart without comparing texts: 128 bits over all labels, salted anew in every process, so that nobody can
/// choose labels that collide. It is never written to disk.
struct Identity: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    static let empty = Identity(high: salt.0, low: salt.1)

    /// The identity of a text.
    init(_ text: String) {
        var text = text
        self = text.withUTF8 { bytes in
            var mixed = Identity(high: salt.0 ^ UInt64(bytes.count), low: salt.1)
            let raw = UnsafeRawBufferPointer(bytes)
            var place = 0
            while place + 8 <= raw.count {
                mixed.add(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
                place += 8
            }
            var rest: UInt64 = 0
            while place < raw.count {
                rest = rest << 8 | UInt64(raw[place])
                place += 1
            }
            mixed.add(rest)
            return mixed
        }
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Mixes a number in; the order of numbers counts. The multiplications are those of SplitMix64 and of "wyhash" (Wang Yi): the high
    /// half of a product depends on every bit of both factors.
    @inline(__always)
    mutating func add(_ word: UInt64) {
        let first = (high ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let second = (low ^ word &* 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0xBF58_476D_1CE4_E5B9)
        high = first.high ^ first.low &+ low
        low = second.high ^ second.low &+ high.byteSwapped
    }

    @inline(__always)
    mutating func add(_ other: Identity) {
        add(other.high)
        add(other.low)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(high) }
}

private let salt: (UInt64, UInt64) = (.random(in: .min ... .max), .random(in: .min ... .max))
