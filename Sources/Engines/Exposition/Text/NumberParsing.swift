// Decimal numbers to the nearest double, ties to even, without a table of more than twenty powers.
//
// A number is w · 10^e with w the digits as a whole number and e the exponent less the decimals. Three ways, the first that fits:
//
// 1. w < 2^53 and |e| <= 22: both w and 10^|e| are exact doubles, and one division or multiplication of exact numbers rounds
//    correctly (Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990). Nearly all values take this way.
// 2. w < 2^64 (19 digits) and |e| <= 19: the quotient or product is formed in whole numbers of 128 bits. With w and 10^-e
//    shifted so that their highest bit is set, the quotient has 64 bits, and the remainder says whether anything follows them, so
//    that rounding to 53 bits is exact. Sums of seconds with 17 digits take this way.
// 3. All others (1e-30, 40 digits, numbers near the ends of the range) go through the standard library.

/// Reads the number that begins at `place` and moves `place` behind it: decimal digits with an optional point and exponent, `NaN`, `Inf` or
/// `Infinity` in any case, with an optional sign. No hexadecimal, no underscores. What follows is for the caller to judge.
/// - Returns: nil where no number begins, or where letters follow that make it something else.
@inline(__always)
func scanNumber(_ bytes: UnsafePointer<UInt8>, _ place: inout Int, _ end: Int) -> Double? {
    let start = place
    var at = place
    guard at < end else { return nil }
    let isNegative = bytes[at] == UInt8(ascii: "-")
    if isNegative || bytes[at] == UInt8(ascii: "+") { at &+= 1 }

    var whole: UInt64 = 0
    let firstDigit = at
    while at < end, bytes[at] == UInt8(ascii: "0") { at &+= 1 }
    let firstCounted = at
    while at < end, bytes[at] &- 48 < 10 {
        whole = whole &* 10 &+ UInt64(bytes[at] &- 48)
        at &+= 1
    }
    var digitCount = at &- firstCounted
    var hasDigits = at > firstDigit
    var exponent = 0
    if at < end, bytes[at] == UInt8(ascii: ".") {
        at &+= 1
        let firstDecimal = at
        if digitCount == 0 {
            while at < end, bytes[at] == UInt8(ascii: "0") { at &+= 1 }
        }
        let counted = at
        while at < end, bytes[at] &- 48 < 10 {
            whole = whole &* 10 &+ UInt64(bytes[at] &- 48)
            at &+= 1
        }
        digitCount &+= at &- counted
        if at > firstDecimal { hasDigits = true }
        exponent = firstDecimal &- at
    }
    guard hasDigits else { return scanSpecial(bytes, &place, end) }
    if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
        guard let written = scanExponent(bytes, &at, end) else { return nil }
        exponent &+= written
    }
    place = at
    if digitCount <= 19, let value = scaled(whole, exponent) { return isNegative ? -value : value }
    return Double(
        String(
            decoding: UnsafeBufferPointer(rebasing: UnsafeBufferPointer(start: bytes, count: end)[start..<at]),
            as: UTF8.self))
}

/// Reads bytes that are a number and nothing else.
func parseNumber(_ bytes: ArraySlice<UInt8>) -> Double? {
    bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return nil }
        var place = 0
        guard let value = scanNumber(base, &place, buffer.count), place == buffer.count else { return nil }
        return value
    }
}

/// `whole` · 10^`exponent`, correctly rounded; nil where neither exact way fits.
@inline(__always)
private func scaled(_ whole: UInt64, _ exponent: Int) -> Double? {
    if exponent == 0 { return Double(whole) }
    if whole < 1 << 53, exponent >= -22, exponent <= 22 {
        return exponent < 0 ? Double(whole) / powerOfTen(-exponent) : Double(whole) * powerOfTen(exponent)
    }
    return scaledWide(whole, exponent)
}

@inline(never)
private func scaledWide(_ whole: UInt64, _ exponent: Int) -> Double? {
    if whole == 0 { return 0 }
    guard exponent >= -19, exponent <= 19 else { return nil }
    var power: UInt64 = 1
    for _ in 0..<exponent.magnitude { power &*= 10 }
    if exponent > 0 {
        let product = whole.multipliedFullWidth(by: power)
        if product.high == 0 { return Double(product.low) }
        let shift = UInt64(product.high.leadingZeroBitCount)
        let top = shift == 0 ? product.high : product.high << shift | product.low >> (64 - shift)
        return rounded(top, hasMore: product.low << shift != 0, exponent: 64 - Int(shift))
    }
    let wholeShift = whole.leadingZeroBitCount
    let powerShift = power.leadingZeroBitCount
    var high = whole << UInt64(wholeShift)
    var low: UInt64 = 0
    let divisor = power << UInt64(powerShift)
    var binary = powerShift - wholeShift - 64
    if high >= divisor {
        low = high << 63
        high >>= 1
        binary += 1
    }
    let (quotient, remainder) = divisor.dividingFullWidth((high, low))
    return rounded(quotient, hasMore: remainder != 0, exponent: binary)
}

/// `bits` · 2^`exponent` where the highest of the 64 bits is set, rounded to 53 of them; `hasMore`: something not zero follows the bits.
private func rounded(_ bits: UInt64, hasMore: Bool, exponent: Int) -> Double {
    var kept = bits >> 11
    let dropped = bits & 0x7FF
    if dropped > 0x400 || (dropped == 0x400 && (hasMore || kept & 1 == 1)) { kept += 1 }
    // At most 2^53, hence exact; the power of two is far from the ends of the range.
    return Double(kept) * Double(bitPattern: UInt64(1023 + exponent + 11) << 52)
}

/// The exponent after an `e`, on which `at` stands. Clamped to ±99,999, beyond which every number is 0 or infinite.
private func scanExponent(_ bytes: UnsafePointer<UInt8>, _ at: inout Int, _ end: Int) -> Int? {
    var place = at + 1
    guard place < end else { return nil }
    let isNegative = bytes[place] == UInt8(ascii: "-")
    if isNegative || bytes[place] == UInt8(ascii: "+") { place += 1 }
    let first = place
    var exponent = 0
    while place < end, bytes[place] &- 48 < 10 {
        exponent = min(99_999, exponent * 10 + Int(bytes[place] &- 48))
        place += 1
    }
    guard place > first else { return nil }
    at = place
    return isNegative ? -exponent : exponent
}

/// A word with an optional sign.
private func scanSpecial(_ bytes: UnsafePointer<UInt8>, _ place: inout Int, _ end: Int) -> Double? {
    var at = place
    let isNegative = bytes[at] == UInt8(ascii: "-")
    if isNegative || bytes[at] == UInt8(ascii: "+") { at += 1 }
    let start = at
    while at < end, bytes[at] | 0x20 &- 97 < 26, bytes[at] >= 65, at - start < 9 { at += 1 }
    func isWord(_ word: StaticString) -> Bool {
        guard word.utf8CodeUnitCount == at - start else { return false }
        return (0..<word.utf8CodeUnitCount).allSatisfy { bytes[start + $0] | 0x20 == word.utf8Start[$0] }
    }
    let value: Double
    if isWord("inf") || isWord("infinity") {
        value = isNegative ? -.infinity : .infinity
    } else if isWord("nan") {
        value = .nan
    } else {
        return nil
    }
    place = at
    return value
}

@inline(__always)
private func powerOfTen(_ exponent: Int) -> Double { powersOfTen[exponent] }

private let powersOfTen: InlineArray<23, Double> = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
