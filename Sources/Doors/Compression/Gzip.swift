import CZlib

// gzip (RFC 1952) for whole bodies of HTTP, in memory. A few kilobytes of gzip can unpack to gigabytes, and nothing in front
// says so; hence the content is unpacked piece by piece and given up as soon as it passes the caller's limit.

/// Compresses and unpacks whole gzip bodies.
public enum Gzip {
    /// - Parameter level: 1 (quick) … 9 (small); 6 is zlib's own default.
    /// - Throws: `outOfMemory`.
    public static func compress(_ bytes: [UInt8], level: Int32 = 6) throws(CompressionFailure) -> [UInt8] {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, gzipWindow, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        defer { deflateEnd(&stream) }
        var input = Input(bytes.count)
        let bound = Int(deflateBound(&stream, UInt(bytes.count))) + 32
        var isDone = false
        let result = [UInt8](unsafeUninitializedCapacity: bound) { space, count in
            while !isDone, count < space.count {
                let code = drive(&stream, bytes, &input, space, &count) { deflate($0, $1 ? Z_FINISH : Z_NO_FLUSH) }
                isDone = code == Z_STREAM_END
                if code != Z_OK, !isDone { break }
            }
        }
        guard isDone else { throw CompressionFailure(.outOfMemory, at: input.place, "") }
        return result
    }

    /// Compresses bytes that are held in parts, and lets go of each part as soon as it is compressed: at no time are there two whole copies.
    /// - Parameters:
    ///   - parts: empty afterwards.
    ///   - level: as above.
    ///   - isOver: asked between parts and pieces of them; once it says yes, nothing more is done.
    /// - Returns: one gzip body in pieces; nil when it was over before its end.
    /// - Throws: `outOfMemory`.
    public static func compress(
        parts: inout [[UInt8]], level: Int32, until isOver: () -> Bool = { false }
    ) throws(CompressionFailure) -> [[UInt8]]? {
        defer { parts = [] }
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, gzipWindow, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw CompressionFailure(.outOfMemory, at: 0, "") }
        defer { deflateEnd(&stream) }
        let space = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: pieceSize)
        defer { space.deallocate() }
        var filled = 0
        var pieces: [[UInt8]] = []
        if parts.isEmpty { parts = [[]] }
        for index in parts.indices {
            let part = parts[index]
            parts[index] = []
            let isLast = index == parts.count - 1
            var input = Input(part.count)
            var code = Z_OK
            repeat {
                if isOver() { return nil }
                if filled == space.count {
                    pieces.append(Array(space))
                    filled = 0
                }
                code = drive(&stream, part, &input, space, &filled) { stream, isEnd in
                    deflate(stream, isEnd && isLast ? Z_FINISH : Z_NO_FLUSH)
                }
                // Without anything to do it says so, which is no fault.
                guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                    throw CompressionFailure(.outOfMemory, at: input.place, "")
                }
            } while code != Z_STREAM_END && (isLast || input.place < part.count || filled == space.count)
        }
        pieces.append(Array(space[..<filled]))
        return pieces
    }

    /// Unpacks one or more members that follow each other.
    /// - Parameter limit: the most bytes that the content may have.
    /// - Throws: `damaged`, `truncated`, `tooLarge`, `outOfMemory`.
    public static func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionFailure) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CompressionFailure(.outOfMemory, at: 0, "")
        }
        defer { inflateEnd(&stream) }
        var content: [UInt8] = []
        var input = Input(bytes.count)
        while true {
            var code = Z_OK
            let piece = [UInt8](unsafeUninitializedCapacity: pieceSize) { space, count in
                code = drive(&stream, bytes, &input, space, &count) { stream, _ in inflate(stream, Z_NO_FLUSH) }
            }
            guard content.count + piece.count <= limit else {
                throw CompressionFailure(.tooLarge, at: input.place, "more than the \(limit) bytes that are allowed")
            }
            content += piece
            switch code {
            case Z_STREAM_END where input.place == bytes.count: return content
            case Z_STREAM_END: inflateReset(&stream)
            case Z_OK where !piece.isEmpty || input.place < bytes.count: continue
            case Z_OK, Z_BUF_ERROR: throw CompressionFailure(.truncated, at: input.place, "")
            case Z_MEM_ERROR: throw CompressionFailure(.outOfMemory, at: input.place, "")
            default:
                let reason = stream.msg.map { String(cString: $0) } ?? "no gzip"
                throw CompressionFailure(.damaged, at: input.place, reason)
            }
        }
    }

    /// 15 bits of window, and 16 that say "with gzip's head and foot".
    private static let gzipWindow: Int32 = 15 + 16
    private static let pieceSize = 64 << 10

    private struct Input {
        var place = 0
        let count: Int

        init(_ count: Int) { self.count = count }
    }

    /// One call of zlib; its counters have 32 bits, so at most a GiB is offered at a time.
    private static func drive(
        _ stream: inout z_stream, _ bytes: [UInt8], _ input: inout Input, _ space: UnsafeMutableBufferPointer<UInt8>,
        _ count: inout Int, _ step: (UnsafeMutablePointer<z_stream>, _ isLast: Bool) -> Int32
    ) -> Int32 {
        bytes.withUnsafeBufferPointer { source in
            let offered = min(1 << 30, input.count - input.place)
            let room = min(1 << 30, space.count - count)
            // zlib reads through this pointer and never writes.
            stream.next_in = source.baseAddress.map { UnsafeMutablePointer(mutating: $0 + input.place) }
            stream.avail_in = UInt32(offered)
            stream.next_out = space.baseAddress.map { $0 + count }
            stream.avail_out = UInt32(room)
            let code = step(&stream, input.place + offered == input.count)
            input.place += offered - Int(stream.avail_in)
            count += room - Int(stream.avail_out)
            return code
        }
    }
}
