import Series

// The hash by which `limit_ratio` decides which series belong to a share. It is the reference's, so that a dashboard that samples
// shows the same series from either: xxHash64 with seed 0 over names and values, each behind its length (one byte, or 255 and
// three bytes, the lowest first). <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>

func labelHash(_ labels: Labels) -> UInt64 {
    var bytes: [UInt8] = []
    func append(_ text: String) {
        let length = text.utf8.count
        if length < 255 {
            bytes.append(UInt8(length))
        } else {
            bytes += [255, UInt8(length & 255), UInt8(length >> 8 & 255), UInt8(length >> 16 & 255)]
        }
        bytes += text.utf8
    }
    for pair in labels.pairs {
        append(pair.name)
        append(pair.value)
    }
    return xxHash64(bytes)
}

private let primes: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
    0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5
)

func xxHash64(_ bytes: [UInt8]) -> UInt64 {
    func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
    func word(_ place: Int, _ length: Int) -> UInt64 {
        (0..<length).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }
    func round(_ lane: UInt64, _ input: UInt64) -> UInt64 { rotated(lane &+ input &* primes.1, 31) &* primes.0 }
    var place = 0
    var hash: UInt64
    if bytes.count >= 32 {
        var lanes: [UInt64] = [primes.0 &+ primes.1, primes.1, 0, 0 &- primes.0]
        while place + 32 <= bytes.count {
            for lane in 0..<4 { lanes[lane] = round(lanes[lane], word(place + 8 * lane, 8)) }
            place += 32
        }
        hash =
            rotated(lanes[0], 1) &+ rotated(lanes[1], 7) &+ rotated(lanes[2], 12) &+ rotated(lanes[3], 18)
        for lane in lanes { hash = (hash ^ round(0, lane)) &* primes.0 &+ primes.3 }
    } else {
        hash = primes.4
    }
    hash = hash &+ UInt64(bytes.count)
    while place + 8 <= bytes.count {
        hash = rotated(hash ^ round(0, word(place, 8)), 27) &* primes.0 &+ primes.3
        place += 8
    }
    if place + 4 <= bytes.count {
        hash = rotated(hash ^ word(place, 4) &* primes.0, 23) &* primes.1 &+ primes.2
        place += 4
    }
    while place < bytes.count {
        hash = rotated(hash ^ UInt64(bytes[place]) &* primes.4, 11) &* primes.0
        place += 1
    }
    hash = (hash ^ hash >> 33) &* primes.1
    hash = (hash ^ hash >> 29) &* primes.2
    return hash ^ hash >> 32
}
