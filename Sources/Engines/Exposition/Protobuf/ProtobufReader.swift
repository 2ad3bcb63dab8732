// Protocol buffers on the wire (<https://protobuf.dev/programming-guides/encoding/>): a message is a list of fields, each a tag (number · 8
// + type of the encoding) and a value. A decoder here is a loop with a switch over field numbers; fields it does not know are
// skipped. No schema, no reflection, and no object for a message.
//
//     08 96 01        field 1, varint, 150
//     12 03 61 62 63  field 2, length 3, "abc"
//
// The reader holds a pointer that `withProtobuf` lends it. Every read is checked against the end of the message, which lies within
// its parent's, so no input reads outside.

/// Why a message of protocol buffers was refused.
struct ProtobufFault: Error {
    var message: String
    /// From the beginning of the whole input.
    var offset: Int
}

struct ProtobufReader {
    private let base: UnsafeRawPointer
    private(set) var place: Int
    let end: Int
    private let depth: Int
    /// Encoding of the field that `field()` gave last.
    private(set) var encoding: UInt8 = 0

    fileprivate init(_ base: UnsafeRawPointer, _ place: Int, _ end: Int, depth: Int) {
        self.base = base
        self.place = place
        self.end = end
        self.depth = depth
    }

    /// The number of the next field; nil at the end of the message. One of the readers below must follow, or `skip()`.
    @inline(__always)
    mutating func field() throws(ProtobufFault) -> Int? {
        guard place < end else { return nil }
        let tag = try varint()
        encoding = UInt8(tag & 7)
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw fault("a field's number is out of its range") }
        return Int(tag >> 3)
    }

    @inline(__always)
    mutating func varint() throws(ProtobufFault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < end {
            let byte = base.load(fromByteOffset: place, as: UInt8.self)
            place &+= 1
            guard shift < 63 || byte <= 1 else { throw fault("a varint has more than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw fault("the message ends within a varint")
    }

    @inline(__always)
    mutating func unsigned() throws(ProtobufFault) -> UInt64 {
        try expect(0)
        return try varint()
    }

    @inline(__always)
    mutating func signed() throws(ProtobufFault) -> Int64 { Int64(bitPattern: try unsigned()) }

    mutating func zigzag() throws(ProtobufFault) -> Int64 { Self.zigzagged(try unsigned()) }

    static func zigzagged(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

    @inline(__always)
    mutating func double() throws(ProtobufFault) -> Double {
        try expect(1)
        return Double(bitPattern: try fixed64())
    }

    @inline(__always)
    mutating func fixed() throws(ProtobufFault) -> UInt64 {
        try expect(1)
        return try fixed64()
    }

    @inline(__always)
    private mutating func fixed64() throws(ProtobufFault) -> UInt64 {
        guard end - place >= 8 else { throw fault("the message ends within a number") }
        defer { place += 8 }
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    /// The bytes of a text, a message or packed numbers.
    @inline(__always)
    mutating func bytes() throws(ProtobufFault) -> UnsafeRawBufferPointer {
        try expect(2)
        let length = try varint()
        guard length <= UInt64(end - place) else { throw fault("a length goes past the end of its message") }
        defer { place += Int(length) }
        return UnsafeRawBufferPointer(start: base + place, count: Int(length))
    }

    mutating func text() throws(ProtobufFault) -> String {
        let bytes = try bytes()
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fault("a text is not UTF-8") }
        return text
    }

    /// A text that may be damaged without damage to what stands around it.
    /// - Parameter isWhole: becomes false where the bytes are no UTF-8; what is none of it is then `U+FFFD` in the text.
    mutating func text(isWhole: inout Bool) throws(ProtobufFault) -> String {
        let bytes = try bytes()
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        isWhole = false
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A message within this one.
    @inline(__always)
    mutating func message() throws(ProtobufFault) -> ProtobufReader {
        guard depth < 32 else { throw fault("messages are nested more than 32 deep") }
        let inner = try bytes()
        return ProtobufReader(base, place - inner.count, place, depth: depth + 1)
    }

    /// Repeated varints, packed or each with a tag of its own.
    mutating func varints(into values: inout [UInt64]) throws(ProtobufFault) {
        if encoding == 0 {
            values.append(try varint())
            return
        }
        var packed = try message()
        while packed.place < packed.end { values.append(try packed.varint()) }
    }

    /// Repeated numbers of eight bytes, packed or each with a tag of its own.
    mutating func fixeds(into values: inout [UInt64]) throws(ProtobufFault) {
        if encoding == 1 {
            values.append(try fixed64())
            return
        }
        var packed = try message()
        while packed.place < packed.end { values.append(try packed.fixed64()) }
    }

    mutating func doubles(into values: inout [Double]) throws(ProtobufFault) {
        var bits: [UInt64] = []
        try fixeds(into: &bits)
        values += bits.map(Double.init(bitPattern:))
    }

    mutating func skip() throws(ProtobufFault) {
        switch encoding {
        case 0: _ = try varint()
        case 1: _ = try fixed64()
        case 2: _ = try bytes()
        case 5:
            guard end - place >= 4 else { throw fault("the message ends within a number") }
            place += 4
        default: throw fault("encoding \(encoding) of a field is not known")
        }
    }

    @inline(__always)
    private func expect(_ wanted: UInt8) throws(ProtobufFault) {
        guard encoding == wanted else { throw fault("a field has the encoding \(encoding), not \(wanted)") }
    }

    func fault(_ message: String) -> ProtobufFault { ProtobufFault(message: message, offset: place) }
}

/// Lends a reader of `bytes` as one message.
func withProtobuf<Result>(
    _ bytes: [UInt8], _ body: (inout ProtobufReader) throws(ProtobufFault) -> Result
) throws(ProtobufFault) -> Result {
    let outcome: Swift.Result<Result, ProtobufFault> = bytes.withUnsafeBytes { buffer in
        // An empty message has no address; any other stands for it, since nothing is read.
        withUnsafeBytes(of: UInt8(0)) { nothing in
            var reader = ProtobufReader(buffer.baseAddress ?? nothing.baseAddress!, 0, buffer.count, depth: 0)
            do throws(ProtobufFault) {
                return .success(try body(&reader))
            } catch {
                return .failure(error)
            }
        }
    }
    return try outcome.get()
}

extension ProtobufReader {
    /// A message behind its length, as streams of messages have them.
    mutating func delimited() throws(ProtobufFault) -> ProtobufReader? {
        guard place < end else { return nil }
        encoding = 2
        return try message()
    }
}
