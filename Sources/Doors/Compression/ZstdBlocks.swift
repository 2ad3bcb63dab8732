import CZstd

// Whole blocks at once, for callers that have the bytes in memory and know how many there will be: frames of the same format as the
// streams', with the content's length in their header and no checksum of their own, since the caller keeps one.

/// A reusable working set for compressing blocks. About 1 MiB at level 3.
public struct ZstdBlockCompressor: ~Copyable {
    private let context: OpaquePointer
    private let level: Int32

    /// - Parameter level: 1 (quick) … 19 (small).
    /// - Throws: `outOfMemory`.
    public init(level: Int32 = 3) throws(CompressionFailure) {
        guard let context = ZSTD_createCCtx() else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        self.context = context
        self.level = level
    }

    deinit { ZSTD_freeCCtx(context) }

    /// One frame with all of `bytes`.
    public mutating func compress(_ bytes: [UInt8]) throws(CompressionFailure) -> [UInt8] {
        var code = 0
        let frame = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { space, count in
            code = bytes.withUnsafeBytes {
                ZSTD_compressCCtx(context, space.baseAddress, space.count, $0.baseAddress, $0.count, level)
            }
            count = ZSTD_isError(code) == 0 ? code : 0
        }
        guard ZSTD_isError(code) == 0 else {
            throw CompressionFailure(.outOfMemory, at: 0, String(cString: ZSTD_getErrorName(code)))
        }
        return frame
    }
}

/// A reusable working set for unpacking blocks. About 160 KiB.
public struct ZstdBlockDecompressor: ~Copyable {
    private let context: OpaquePointer

    /// - Throws: `outOfMemory`.
    public init() throws(CompressionFailure) {
        guard let context = ZSTD_createDCtx() else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Unpacks one frame.
    /// - Parameter byteCount: the length of the content, which must be right to the byte.
    /// - Throws: `damaged`.
    public mutating func contents(_ frame: [UInt8], byteCount: Int) throws(CompressionFailure) -> [UInt8] {
        try unpacked(byteCount) { space in
            frame.withUnsafeBytes {
                ZSTD_decompressDCtx(context, space.baseAddress, space.count, $0.baseAddress, $0.count)
            }
        }
    }
}

/// Unpacks one frame.
/// - Parameter byteCount: the length of the content, which must be right to the byte.
/// - Throws: `damaged`.
public func zstdBlockContents(_ frame: [UInt8], byteCount: Int) throws(CompressionFailure) -> [UInt8] {
    try unpacked(byteCount) { space in
        frame.withUnsafeBytes { ZSTD_decompress(space.baseAddress, space.count, $0.baseAddress, $0.count) }
    }
}

private func unpacked(_ byteCount: Int, _ unpack: (UnsafeMutableBufferPointer<UInt8>) -> Int)
    throws(CompressionFailure) -> [UInt8]
{
    var code = 0
    let contents = [UInt8](unsafeUninitializedCapacity: byteCount) { space, count in
        code = unpack(space)
        count = ZSTD_isError(code) == 0 ? code : 0
    }
    guard ZSTD_isError(code) == 0 else {
        throw CompressionFailure(.damaged, at: 0, String(cString: ZSTD_getErrorName(code)))
    }
    guard contents.count == byteCount else { throw CompressionFailure(.truncated, at: contents.count, "") }
    return contents
}
