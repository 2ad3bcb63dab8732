import CSnappy

// Snappy's block format <https://github.com/google/snappy/blob/main/format_description.txt>: the length of the content as a varint,
// then copies and literals. It is what remote write and remote read put their messages in. The length stands in front, so a message that would
// unpack to more than the caller allows is refused before anything is reserved.

/// Compresses and unpacks single blocks of Snappy.
public enum Snappy {
    /// - Parameter bytes: at most 4 GiB.
    public static func compress(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: snappy_max_compressed_length(bytes.count)) { space, count in
            var written = space.count
            let status = withCharacters(bytes) { input in
                space.withMemoryRebound(to: CChar.self) { output in
                    snappy_compress(input.baseAddress, input.count, output.baseAddress, &written)
                }
            }
            // The space is as large as libsnappy asks for, which is all it can fail for.
            precondition(status == SNAPPY_OK, "snappy_compress of \(bytes.count) bytes failed with \(status)")
            count = written
        }
    }

    /// - Parameter limit: the most bytes that the content may have.
    /// - Throws: `damaged`, `tooLarge`.
    public static func decompress(_ bytes: [UInt8], limit: Int) throws(CompressionFailure) -> [UInt8] {
        var length = 0
        let isLengthRead = withCharacters(bytes) { input in
            snappy_uncompressed_length(input.baseAddress, input.count, &length) == SNAPPY_OK
        }
        guard isLengthRead else { throw CompressionFailure(.damaged, at: 0, "no length stands at the beginning") }
        guard length <= limit else {
            throw CompressionFailure(.tooLarge, at: 0, "\(length) bytes, more than the \(limit) that are allowed")
        }
        // A copy of three bytes makes at most 64, so a length far beyond that is a lie: nothing is reserved for it.
        guard length <= bytes.count * 32 else {
            throw CompressionFailure(.damaged, at: 0, "\(bytes.count) bytes cannot unpack to \(length)")
        }
        var isUnpacked = false
        let content = [UInt8](unsafeUninitializedCapacity: length) { space, count in
            var written = length
            let status = withCharacters(bytes) { input in
                space.withMemoryRebound(to: CChar.self) { output in
                    snappy_uncompress(input.baseAddress, input.count, output.baseAddress, &written)
                }
            }
            isUnpacked = status == SNAPPY_OK && written == length
            count = isUnpacked ? length : 0
        }
        guard isUnpacked else { throw CompressionFailure(.damaged, at: 0, "no Snappy block") }
        return content
    }

    private static func withCharacters<Result>(
        _ bytes: [UInt8], _ body: (UnsafeBufferPointer<CChar>) -> Result
    ) -> Result {
        bytes.withUnsafeBufferPointer { $0.withMemoryRebound(to: CChar.self, body) }
    }
}
