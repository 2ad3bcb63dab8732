import FoundationEssentials
public import GRDB

/// A column of bytes, for targets that know arrays and not `Foundation.Data`.
public struct Blob: Sendable, Hashable {
    public let bytes: [UInt8]

    public init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }
}

extension Blob: DatabaseValueConvertible {
    public var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    public static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
        switch value.storage {
        case .blob(let data): Blob(data)
        case .string(let text): Blob(text.utf8)
        default: nil
        }
    }
}
