public import Diagnostics

/// Why bytes could not be compressed or unpacked.
public struct CompressionFailure: Failure {
    public enum Code: String, Sendable {
        /// The bytes are not what was compressed: a checksum or the structure is wrong.
        case damaged = "damaged-data"
        /// The bytes end in the middle of a frame.
        case truncated = "truncated-data"
        /// The content is larger than the caller allows.
        case tooLarge = "content-too-large"
        case outOfMemory = "out-of-memory"
    }

    public let code: Code
    /// Compressed bytes taken in before the fault was seen.
    public let byteOffset: Int
    public let reason: String

    init(_ code: Code, at byteOffset: Int, _ reason: String) {
        self.code = code
        self.byteOffset = byteOffset
        self.reason = reason
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        switch code {
        case .damaged: "compressed data are damaged near byte \(byteOffset): \(reason)"
        case .truncated: "compressed data end too early, after \(byteOffset) bytes"
        case .tooLarge: "compressed data unpack to too much: \(reason)"
        case .outOfMemory: "no memory to compress or unpack"
        }
    }
}
