/// A message of protocol buffers as its fields say it, read without anything of the program's own:
/// <https://protobuf.dev/programming-guides/encoding/>.
struct WireView {
    enum Value: Hashable {
        case number(UInt64)
        case eight(UInt64)
        case bytes([UInt8])
    }

    var fields: [(number: Int, value: Value)] = []

    init?(_ bytes: [UInt8]) {
        var place = 0
        func varint() -> UInt64? {
            var (value, shift) = (UInt64(0), UInt64(0))
            while place < bytes.count, shift < 64 {
                defer { place += 1 }
                value |= UInt64(bytes[place] & 0x7F) << shift
                if bytes[place] < 0x80 { return value }
                shift += 7
            }
            return nil
        }
        while place < bytes.count {
            guard let key = varint() else { return nil }
            switch key & 7 {
            case 0:
                guard let value = varint() else { return nil }
                fields.append((Int(key >> 3), .number(value)))
            case 1:
                guard place + 8 <= bytes.count else { return nil }
                let value = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
                fields.append((Int(key >> 3), .eight(value)))
                place += 8
            case 2:
                guard let length = varint(), length <= UInt64(bytes.count - place) else { return nil }
                fields.append((Int(key >> 3), .bytes(Array(bytes[place..<place + Int(length)]))))
                place += Int(length)
            default: return nil
            }
        }
    }

    func messages(_ number: Int) -> [WireView] {
        fields.compactMap { field in
            if field.number == number, case .bytes(let bytes) = field.value { WireView(bytes) } else { nil }
        }
    }

    func texts(_ number: Int) -> [String] {
        fields.compactMap { field in
            if field.number == number, case .bytes(let bytes) = field.value {
                String(decoding: bytes, as: UTF8.self)
            } else {
                nil
            }
        }
    }

    func number(_ number: Int) -> UInt64? {
        for field in fields where field.number == number {
            if case .number(let value) = field.value { return value }
        }
        return nil
    }

    func double(_ number: Int) -> Double? {
        for field in fields where field.number == number {
            if case .eight(let bits) = field.value { return Double(bitPattern: bits) }
        }
        return nil
    }

    /// Packed numbers.
    func numbers(_ number: Int) -> [UInt64] {
        fields.flatMap { field -> [UInt64] in
            guard field.number == number, case .bytes(let bytes) = field.value else { return [] }
            var (found, value, shift) = ([UInt64](), UInt64(0), UInt64(0))
            for byte in bytes {
                value |= UInt64(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 {
                    found.append(value)
                    (value, shift) = (0, 0)
                }
            }
            return found
        }
    }
}
