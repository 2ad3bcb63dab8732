// Most values are short decimals. Up to 2^53 and 10^22 both the digits and the power of ten are exact as doubles, and one
// division or multiplication of exact numbers rounds correctly (Clinger, "How to Read Floating Point Numbers Accurately", PLDI
// 1990). All others go through the standard library.

/// Reads a decimal number, `NaN`, `Inf` or `Infinity`, with a sign, in any case; no hexadecimal, no underscores, no spaces.
func parseNumber(_ bytes: ArraySlice<UInt8>) -> Double? {
    var place = bytes.startIndex
    let end = bytes.endIndex
    guard place < end else { return nil }
    let isNegative = bytes[place] == UInt8(ascii: "-")
    if isNegative || bytes[place] == UInt8(ascii: "+") { place += 1 }
    guard place < end else { return nil }
    if bytes[place] | 0x20 >= UInt8(ascii: "a") { return parseSpecial(bytes[place...], isNegative: isNegative) }

    var mantissa: UInt64 = 0
    var digitCount = 0
    var decimals = 0
    var hasPoint = false
    var isExact = true
    while place < end {
        let byte = bytes[place]
        if byte &- 48 < 10 {
            digitCount += 1
            if mantissa < 900_719_925_474_099 {
                mantissa = mantissa &* 10 &+ UInt64(byte &- 48)
                if hasPoint { decimals += 1 }
            } else {
                isExact = false
            }
        } else if byte == UInt8(ascii: "."), !hasPoint {
            hasPoint = true
        } else {
            break
        }
        place += 1
    }
    guard digitCount > 0 else { return nil }
    var exponent = 0
    if place < end {
        guard bytes[place] | 0x20 == UInt8(ascii: "e") else { return nil }
        place += 1
        guard place < end else { return nil }
        let exponentIsNegative = bytes[place] == UInt8(ascii: "-")
        if exponentIsNegative || bytes[place] == UInt8(ascii: "+") { place += 1 }
        guard place < end else { return nil }
        while place < end {
            guard bytes[place] &- 48 < 10 else { return nil }
            exponent = min(99_999, exponent * 10 + Int(bytes[place] &- 48))
            place += 1
        }
        if exponentIsNegative { exponent = -exponent }
    }
    exponent -= decimals
    guard isExact, exponent.magnitude <= 22 else { return Double(String(decoding: bytes, as: UTF8.self)) }
    let power = powersOfTen[Int(exponent.magnitude)]
    let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
    return isNegative ? -value : value
}

private func parseSpecial(_ word: ArraySlice<UInt8>, isNegative: Bool) -> Double? {
    switch String(decoding: word.map { $0 | 0x20 }, as: UTF8.self) {
    case "inf", "infinity": isNegative ? -.infinity : .infinity
    case "nan": .nan
    default: nil
    }
}

private let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
