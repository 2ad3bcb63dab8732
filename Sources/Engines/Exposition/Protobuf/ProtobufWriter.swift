/// Builds a message of protocol buffers. Fields with their default value are left out, as proto3 has it, unless `always` is said.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func rawVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func unsigned(_ field: Int, _ value: UInt64, always: Bool = false) {
        guard value != 0 || always else { return }
        tag(field, 0)
        rawVarint(value)
    }

    /// A count that the format has as a whole number; what is none becomes the nearest one.
    mutating func count(_ field: Int, _ value: Double, always: Bool = false) {
        unsigned(field, value >= 0 ? (UInt64(exactly: value.rounded()) ?? .max) : 0, always: always)
    }

    mutating func signed(_ field: Int, _ value: Int64, always: Bool = false) {
        unsigned(field, UInt64(bitPattern: value), always: always)
    }

    mutating func zigzag(_ field: Int, _ value: Int64, always: Bool = false) {
        unsigned(field, Self.zigzagged(value), always: always)
    }

    static func zigzagged(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

    mutating func double(_ field: Int, _ value: Double, always: Bool = false) {
        guard value.bitPattern != 0 || always else { return }
        tag(field, 1)
        raw(value.bitPattern)
    }

    mutating func fixed(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, 1)
        raw(value)
    }

    mutating func text(_ field: Int, _ value: String, always: Bool = false) {
        guard !value.isEmpty || always else { return }
        tag(field, 2)
        var value = value
        value.withUTF8 { utf8 in
            rawVarint(UInt64(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, 2)
        rawVarint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        bytes(field, inner.bytes)
    }

    mutating func packedVarints(_ field: Int, _ values: some Collection<UInt64>) {
        guard !values.isEmpty else { return }
        message(field) { for value in values { $0.rawVarint(value) } }
    }

    mutating func packedDoubles(_ field: Int, _ values: some Collection<Double>) {
        guard !values.isEmpty else { return }
        message(field) { for value in values { $0.raw(value.bitPattern) } }
    }

    /// A message behind its length.
    mutating func delimited(_ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        rawVarint(UInt64(inner.bytes.count))
        bytes += inner.bytes
    }

    /// The fields of another message after these.
    mutating func append(_ other: ProtobufWriter) { bytes += other.bytes }

    private mutating func tag(_ field: Int, _ encoding: UInt64) { rawVarint(UInt64(field) << 3 | encoding) }

    private mutating func raw(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
