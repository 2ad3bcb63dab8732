// TZif, the compiled form of the time zone database (RFC 8536, formerly tzfile(5)):
//
//   header  "TZif" version(1) reserved(15) isutcnt isstdcnt leapcnt timecnt typecnt charcnt   (six 32-bit numbers)
//   v1 data with 32-bit times; for version 2 and later it is skipped
//   header again, and the same data with 64-bit times:
//     times[timecnt] of 8 bytes · types[timecnt] of 1 · ttinfo[typecnt] of 6 (offset 4, isdst 1, abbreviation 1)
//     abbreviations[charcnt] · leap seconds[leapcnt] of 12 · isstd[isstdcnt] · isut[isutcnt]
//   footer  line feed, a POSIX TZ string for everything after the last time, line feed
//
// Leap seconds are left aside: the "right/" zones that have them are not for civil use.

extension TimeZoneRules {
    /// Reads the bytes of a TZif file of version 1 to 4.
    /// - Parameter name: for messages and display.
    /// - Throws: `ScheduleFailure` (`invalidTimeZone`) naming what is wrong.
    public init(name: String, tzif bytes: [UInt8]) throws(ScheduleFailure) {
        func fault(_ reason: String) -> ScheduleFailure {
            ScheduleFailure(
                .invalidTimeZone, name, reason, hint: "Install the package tzdata again, or write another zone.")
        }
        var reader = TZifReader(bytes: bytes)
        guard var header = reader.header() else { throw fault("it is not a TZif file") }
        var timeSize = 4
        if header.version >= 2 {
            reader.position += header.dataSize(timeSize: 4)
            guard let second = reader.header() else { throw fault("its second header is missing") }
            header = second
            timeSize = 8
        }
        guard header.typeCount > 0, header.dataSize(timeSize: timeSize) <= bytes.count - reader.position else {
            throw fault("it ends too early")
        }
        var transitions: [Int64] = []
        for _ in 0..<header.timeCount { transitions.append(reader.integer(timeSize)) }
        let types = (0..<header.timeCount).map { _ in Int(reader.integer(1) & 0xff) }
        var typeOffsets: [Int32] = []
        for _ in 0..<header.typeCount {
            typeOffsets.append(Int32(truncatingIfNeeded: reader.integer(4)))
            reader.position += 2
        }
        guard types.allSatisfy({ $0 < typeOffsets.count }) else { throw fault("it names a type that it does not hold") }
        guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw fault("its times are not in order")
        }
        guard typeOffsets.allSatisfy({ abs(Int($0)) < 26 * 3600 }) else { throw fault("an offset is out of range") }
        reader.position +=
            header.characterCount + header.leapCount * (timeSize + 4) + header.standardCount + header.universalCount
        var tail: PosixTimeZone?
        if timeSize == 8 {
            let footer = bytes[reader.position...].drop { $0 == 0x0A }.prefix { $0 != 0x0A }
            let text = String(decoding: footer, as: UTF8.self)
            if !text.isEmpty {
                guard let rule = PosixTimeZone(text) else { throw fault("its rule '\(text)' cannot be read") }
                tail = rule
            }
        }
        self.init(
            name: name, transitions: transitions, offsets: [typeOffsets[0]] + types.map { typeOffsets[$0] }, tail: tail)
    }
}

private struct TZifReader {
    struct Header {
        var version: Int
        var universalCount: Int
        var standardCount: Int
        var leapCount: Int
        var timeCount: Int
        var typeCount: Int
        var characterCount: Int

        func dataSize(timeSize: Int) -> Int {
            timeCount * (timeSize + 1) + typeCount * 6 + characterCount + leapCount * (timeSize + 4) + standardCount
                + universalCount
        }
    }

    let bytes: [UInt8]
    var position = 0

    mutating func header() -> Header? {
        guard position >= 0, bytes.count - position >= 44,
            bytes[position..<position + 4].elementsEqual([0x54, 0x5A, 0x69, 0x66])
        else { return nil }
        let digit = bytes[position + 4]
        position += 20
        let counts = (0..<6).map { _ in Int(integer(4)) }
        guard counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
        return Header(
            version: digit == 0 ? 1 : Int(digit) - 48, universalCount: counts[0], standardCount: counts[1],
            leapCount: counts[2], timeCount: counts[3], typeCount: counts[4], characterCount: counts[5])
    }

    /// A big-endian signed number of 1, 4 or 8 bytes. The caller has checked that they are there.
    mutating func integer(_ size: Int) -> Int64 {
        var value: UInt64 = 0
        for byte in bytes[position..<position + size] { value = value << 8 | UInt64(byte) }
        position += size
        let unused = UInt64(64 - size * 8)
        return Int64(bitPattern: value << unused) >> Int64(unused)
    }
}
