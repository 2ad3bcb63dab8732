import CZstd

// Zstandard frames (RFC 8878) made piece by piece. The working set is libzstd's window and tables, about 4 MiB at level 3,
// however long the stream is; each call gives back what is ready. Every frame ends with the checksum of its content
// (XXH64, low 32 bits), which the decoder checks, so that a flipped bit anywhere in a frame is an error and not other
// content.

/// Compresses a stream into one checksummed Zstandard frame.
public struct ZstdEncoder: ~Copyable {
    private let context: OpaquePointer
    /// Bytes taken in so far.
    public private(set) var inputByteCount = 0
    /// Bytes given out so far.
    public private(set) var outputByteCount = 0

    /// - Parameter level: 1 (quick) … 19 (small). 3 is libzstd's own default and keeps pace with a disk.
    /// - Throws: `outOfMemory`.
    public init(level: Int32 = 3) throws(CompressionFailure) {
        guard let context = ZSTD_createCCtx() else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Takes `bytes` in and returns the compressed bytes that are ready, maybe none.
    public mutating func compress(_ bytes: [UInt8]) throws(CompressionFailure) -> [UInt8] {
        inputByteCount += bytes.count
        return try drive(bytes, ZSTD_e_continue)
    }

    /// Ends the frame and returns its last bytes. Nothing may be compressed after that.
    public mutating func finish() throws(CompressionFailure) -> [UInt8] { try drive([], ZSTD_e_end) }

    private mutating func drive(_ bytes: [UInt8], _ mode: ZSTD_EndDirective) throws(CompressionFailure) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        while true {
            var code = 0
            let piece = [UInt8](unsafeUninitializedCapacity: ZSTD_CStreamOutSize()) { space, count in
                var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
                bytes.withUnsafeBytes { source in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
                    code = ZSTD_compressStream2(context, &output, &input, mode)
                    position = input.pos
                }
                count = output.pos
            }
            guard ZSTD_isError(code) == 0 else {
                throw CompressionFailure(.outOfMemory, at: inputByteCount, String(cString: ZSTD_getErrorName(code)))
            }
            result += piece
            let done = mode == ZSTD_e_end ? code == 0 : position == bytes.count
            if done { break }
        }
        outputByteCount += result.count
        return result
    }
}
