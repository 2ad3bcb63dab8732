import CZstd

/// Unpacks a stream of one or more Zstandard frames, piece by piece, and checks their checksums.
///
/// Memory is bounded by the frame's window; a frame that asks for more than 128 MiB is refused as damaged.
public struct ZstdDecoder: ~Copyable {
    private let context: OpaquePointer
    private var insideFrame = false
    public private(set) var inputByteCount = 0
    public private(set) var outputByteCount = 0

    /// - Throws: `outOfMemory`.
    public init() throws(CompressionFailure) {
        guard let context = ZSTD_createDCtx() else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Unpacks `bytes` and hands the content on in pieces of at most 128 KiB, so that bytes that unpack to very much more
    /// need no more memory than one piece.
    /// - Throws: `damaged`, or what `body` throws.
    public mutating func decompress(_ bytes: [UInt8], _ body: ([UInt8]) async throws -> Void) async throws {
        var position = 0
        var mayHoldMore = false
        while position < bytes.count || mayHoldMore {
            var code = 0
            var filled = false
            let piece = [UInt8](unsafeUninitializedCapacity: ZSTD_DStreamOutSize()) { space, count in
                var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
                bytes.withUnsafeBytes { source in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
                    code = ZSTD_decompressStream(context, &output, &input)
                    inputByteCount += input.pos - position
                    position = input.pos
                }
                count = output.pos
                filled = output.pos == output.size
            }
            guard ZSTD_isError(code) == 0 else {
                throw CompressionFailure(.damaged, at: inputByteCount, String(cString: ZSTD_getErrorName(code)))
            }
            insideFrame = code != 0
            mayHoldMore = filled && insideFrame
            outputByteCount += piece.count
            if !piece.isEmpty { try await body(piece) }
        }
    }

    /// To be called when there are no more bytes.
    /// - Throws: `truncated` when a frame has not ended or there was none.
    public func finish() throws(CompressionFailure) {
        guard !insideFrame, inputByteCount > 0 else {
            throw CompressionFailure(.truncated, at: inputByteCount, "")
        }
    }
}
