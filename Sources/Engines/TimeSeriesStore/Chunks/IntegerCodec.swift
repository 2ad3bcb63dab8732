import BinaryCoding

// Integers in few bytes. Most of what monitoring measures is an integer or a short decimal: a counter that rises evenly, a gauge that
// stands still, a size that moves by pages. So differences are taken, once or twice, and what remains is packed in the way that is
// shortest for this chunk:
//
//     values      100 103 106 109 112 …      differences 3 3 3 3          → none, base 3: 4 bytes for any number of samples
//     values      7 7 7 7 9 9 9 9 9 …        one residual is not 0        → sparse: 2 bytes a change
//     values      512 513 511 510 512 …      residuals in -2…2            → fixed, 3 bits each
//     values      0 1 1 0 40 2 0 1 …         many small, few large        → Rice: bits as by the size of each
//
// Residuals that are all multiples of a power of two (memory moves by pages of 4,096) lose those bits first. The cost of every
// packing is computed before one is written: a pass over at most a few hundred numbers. All arithmetic wraps, so that any
// sequence of 64-bit patterns can be written and comes back.
//
// `docs/formats/series-chunks.md` is the exact description. Rice codes: Rice and Plaunt, "Adaptive Variable-Length Coding", 1971.

enum IntegerPacking: UInt8 {
    case none = 0
    case fixed, rice, sparse
}

/// From this many ones on a Rice code holds the number itself.
private let riceEscape = 24

/// How residuals are best packed, and what that costs.
private struct PackingPlan {
    var packing = IntegerPacking.none
    var order = 0
    var base: Int64 = 0
    var width = 0
    var shift = 0
    var bitCount = 0
}

/// Adds `values`, of which there is at least one, to `bytes`.
func encodeIntegers(_ values: UnsafeBufferPointer<Int64>, into bytes: inout [UInt8]) {
    let count = values.count
    var first = [Int64](unsafeUninitializedCapacity: max(0, count - 1)) { buffer, made in
        for index in 1..<max(1, count) { buffer[index - 1] = values[index] &- values[index - 1] }
        made = max(0, count - 1)
    }
    var plan = first.withUnsafeBufferPointer { bestPlan($0, order: 0) }
    let firstDifference = first.first ?? 0
    if plan.bitCount > 16, count > 2 {
        let second = [Int64](unsafeUninitializedCapacity: count - 2) { buffer, made in
            for index in 1..<(count - 1) { buffer[index - 1] = first[index] &- first[index - 1] }
            made = count - 2
        }
        let other = second.withUnsafeBufferPointer { bestPlan($0, order: 1) }
        if other.bitCount + 8 < plan.bitCount {
            plan = other
            first = second
        }
    }
    bytes.append(plan.packing.rawValue | UInt8(plan.order) << 2)
    appendVarint(zigzagEncoded(values[0]), to: &bytes)
    if plan.order == 1 { appendVarint(zigzagEncoded(firstDifference), to: &bytes) }
    first.withUnsafeBufferPointer { write($0, plan, into: &bytes) }
}

@inline(__always)
func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(rest))
}

private func varintBits(_ value: UInt64) -> Int { (64 - (value | 1).leadingZeroBitCount + 6) / 7 * 8 }

private func bestPlan(_ residuals: UnsafeBufferPointer<Int64>, order: Int) -> PackingPlan {
    guard let first = residuals.first else { return PackingPlan(order: order, bitCount: 8) }
    var least = first
    var sum: Int64 = 0
    // The element that most agree on, if there is a majority (Boyer and Moore, 1981).
    var major = first
    var votes = 0
    for residual in residuals {
        least = min(least, residual)
        sum &+= residual
        if votes == 0 { major = residual }
        votes += residual == major ? 1 : -1
    }
    var exceptions = 0
    var union: UInt64 = 0
    for residual in residuals {
        union |= UInt64(bitPattern: residual &- least)
        exceptions += residual == major ? 0 : 1
    }
    let majorBits = varintBits(zigzagEncoded(major))
    if exceptions == 0 {
        return PackingPlan(packing: .none, order: order, base: major, bitCount: majorBits)
    }
    let shift = union.trailingZeroBitCount
    let width = 64 - (union >> UInt64(shift)).leadingZeroBitCount
    var best = PackingPlan(
        packing: .fixed, order: order, base: least, width: width, shift: shift,
        bitCount: varintBits(zigzagEncoded(least)) + 16 + (width * residuals.count + 7) / 8 * 8)
    // An exception takes two bytes at least.
    if exceptions * 16 < best.bitCount {
        let bits = majorBits + varintBits(UInt64(exceptions)) + exceptionBits(residuals, major)
        if bits <= best.bitCount { best = PackingPlan(packing: .sparse, order: order, base: major, bitCount: bits) }
    }
    tryRice(residuals, least: least, sum: sum, shift: shift, &best)
    return best
}

/// What the residuals other than `major` take when they are listed with their places.
private func exceptionBits(_ residuals: UnsafeBufferPointer<Int64>, _ major: Int64) -> Int {
    var bits = 0
    var last = -1
    for index in residuals.indices where residuals[index] != major {
        bits += varintBits(UInt64(index - last - 1)) + varintBits(zigzagEncoded(residuals[index] &- major))
        last = index
    }
    return bits
}

/// Replaces `best` where a Rice code is shorter.
private func tryRice(
    _ residuals: UnsafeBufferPointer<Int64>, least: Int64, sum: Int64, shift: Int, _ best: inout PackingPlan
) {
    // The centre keeps the distance to every residual a multiple of the power of two.
    let mean = sum / Int64(residuals.count)
    let centre = least &+ (((mean &- least) >> Int64(shift)) << Int64(shift))
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: residuals.count) { numbers in
        var total: UInt64 = 0
        var all: UInt64 = 0
        for index in residuals.indices {
            let number = zigzagEncoded((residuals[index] &- centre) >> Int64(shift))
            numbers.initializeElement(at: index, to: number)
            total &+= number >> 4
            all |= number
        }
        let typical = (total / UInt64(residuals.count)) << 4
        let guess = typical == 0 ? 2 : 63 - typical.leadingZeroBitCount
        let overhead = varintBits(zigzagEncoded(centre)) + 16
        for parameter in max(0, guess - 2)...min(62, guess + 1) {
            var bits = overhead + residuals.count * (1 + parameter)
            if all >> UInt64(parameter) < UInt64(riceEscape) {
                // No number is written out, so that their quotients are all that is left to count.
                var quotients: UInt64 = 0
                for index in residuals.indices { quotients &+= numbers[index] >> UInt64(parameter) }
                bits += Int(quotients)
            } else {
                for index in residuals.indices {
                    let quotient = numbers[index] >> UInt64(parameter)
                    bits += quotient < UInt64(riceEscape) ? Int(quotient) : riceEscape + 63 - parameter
                }
            }
            bits = (bits + 7) / 8 * 8
            if bits < best.bitCount {
                best = PackingPlan(
                    packing: .rice, order: best.order, base: centre, width: parameter, shift: shift, bitCount: bits)
            }
        }
    }
}

private func write(_ residuals: UnsafeBufferPointer<Int64>, _ plan: PackingPlan, into bytes: inout [UInt8]) {
    appendVarint(zigzagEncoded(plan.base), to: &bytes)
    switch plan.packing {
    case .none: return
    case .sparse:
        let exceptions = residuals.reduce(0) { $0 + ($1 == plan.base ? 0 : 1) }
        appendVarint(UInt64(exceptions), to: &bytes)
        var last = -1
        for index in residuals.indices where residuals[index] != plan.base {
            appendVarint(UInt64(index - last - 1), to: &bytes)
            appendVarint(zigzagEncoded(residuals[index] &- plan.base), to: &bytes)
            last = index
        }
        return
    case .fixed, .rice:
        bytes.append(UInt8(plan.width))
        bytes.append(UInt8(plan.shift))
    }
    var sink = BitSink(after: consume bytes)
    if plan.packing == .fixed {
        for residual in residuals {
            sink.put(UInt64(bitPattern: residual &- plan.base) >> UInt64(plan.shift), plan.width)
        }
    } else {
        let mask = UInt64(1) << UInt64(plan.width) - 1
        for residual in residuals {
            let number = zigzagEncoded((residual &- plan.base) >> Int64(plan.shift))
            let quotient = number >> UInt64(plan.width)
            if quotient < UInt64(riceEscape) {
                sink.unary(Int(quotient))
                sink.put(number & mask, plan.width)
            } else {
                sink.put(1 << UInt64(riceEscape) - 1, riceEscape)
                sink.put(number, 64)
            }
        }
    }
    bytes = sink.finish()
}

/// Reads as many integers as `output` has places.
/// - Returns: whether they are plainly all the same; it may be false where they are, too.
/// - Throws: when the bytes end too early or cannot have been written so.
@discardableResult
func decodeIntegers(_ source: inout ByteSource, into output: UnsafeMutableBufferPointer<Int64>) throws(CodingError)
    -> Bool
{
    let mode = try source.byte()
    guard mode < 8, let packing = IntegerPacking(rawValue: mode & 3) else {
        throw CodingError(.invalid, at: source.offset)
    }
    let order = Int(mode >> 2)
    output[0] = try source.zigzag()
    var difference: Int64 = 0
    if order == 1 { difference = try source.zigzag() }
    let base = try source.zigzag()
    let start = 1 + order
    let count = output.count
    if order == 1, count > 1 { output[1] = output[0] &+ difference }
    if count <= start { return count == 1 }
    switch packing {
    case .none where order == 0:
        let first = output[0]
        if base == 0 {
            output.update(repeating: first)
            return true
        }
        for index in 1..<count { output[index] = first &+ Int64(truncatingIfNeeded: index) &* base }
        return false
    case .none:
        for index in start..<count { output[index] = base }
    case .sparse where order == 0 && base == 0:
        try decodeSteps(&source, from: output[0], into: output) { $0 }
        return false
    case .sparse:
        for index in start..<count { output[index] = base }
        var place = start - 1
        for _ in 0..<(try source.count(limit: count)) {
            place += 1 + (try source.count(limit: count))
            guard place < count else { throw CodingError(.invalid, at: source.offset) }
            output[place] = base &+ (try source.zigzag())
        }
    case .fixed:
        let (width, shift) = try widthAndShift(&source, widthMax: 64)
        var bits = source.bits()
        let rest = UnsafeMutableBufferPointer(rebasing: output[start...])
        try bits.fixed(into: rest, width: width, shift: shift, floor: base)
    case .rice:
        let (width, shift) = try widthAndShift(&source, widthMax: 62)
        var bits = source.bits()
        let rest = UnsafeMutableBufferPointer(rebasing: output[start...])
        try bits.rice(into: rest, width: width, escape: riceEscape, shift: Int64(shift), centre: base)
    }
    var value = output[start - 1]
    if order == 0 {
        for index in start..<count {
            value &+= output[index]
            output[index] = value
        }
    } else {
        for index in start..<count {
            difference &+= output[index]
            value &+= difference
            output[index] = value
        }
    }
    return false
}

/// Reads integers as `decodeIntegers` does and puts down what `make` gives for each, where they are written as sparse differences of
/// integers that otherwise stand still: then it is asked once for each that moves, and there is no second look at those that do not.
/// - Returns: false, with nothing read, where they are written in another way.
@inline(__always)
func decodeStanding<Value: BitwiseCopyable>(
    _ source: inout ByteSource, into output: UnsafeMutableBufferPointer<Value>, _ make: (Int64) -> Value
) throws(CodingError) -> Bool {
    var ahead = source
    guard output.count > 1, try ahead.byte() == IntegerPacking.sparse.rawValue else { return false }
    let first = try ahead.zigzag()
    guard try ahead.zigzag() == 0 else { return false }
    source = ahead
    try decodeSteps(&source, from: first, into: output, make)
    return true
}

@inline(__always)
private func decodeSteps<Value: BitwiseCopyable>(
    _ source: inout ByteSource, from first: Int64, into output: UnsafeMutableBufferPointer<Value>,
    _ make: (Int64) -> Value
) throws(CodingError) {
    let count = output.count
    let base = output.baseAddress!
    var value = first
    var made = make(value)
    var place = 0
    for _ in 0..<(try source.count(limit: count)) {
        let next = place &+ 1 &+ (try source.count(limit: count))
        guard next < count else { throw CodingError(.invalid, at: source.offset) }
        while place < next {
            base[place] = made
            place &+= 1
        }
        value &+= try source.zigzag()
        made = make(value)
    }
    while place < count {
        base[place] = made
        place &+= 1
    }
}

private func widthAndShift(_ source: inout ByteSource, widthMax: Int) throws(CodingError) -> (Int, UInt64) {
    let width = Int(try source.byte())
    let shift = try source.byte()
    guard width <= widthMax, shift < 64 else { throw CodingError(.invalid, at: source.offset) }
    return (width, UInt64(shift))
}
