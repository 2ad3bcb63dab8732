import BinaryCoding
public import Series

// A streamed answer is a row of frames, each of which is a whole message that can be sent and forgotten:
//
//     varint length │ CRC32C of the message, big-endian │ prometheus.ChunkedReadResponse
//
// A message holds one series, or a part of one where its chunks pass the size of a frame; parts of a series follow each other.

/// Writes the frames of a streamed answer, a series at a time. Series must come in the order of their labels, as `select` gives them.
///
/// Histograms have no place in a frame here: `canHold` says so, and the answer is then given as samples, which the protocol allows.
public struct StreamedChunkWriter: Sendable {
    /// Samples of a chunk, as Prometheus makes them.
    private static let chunkSampleCount = 120
    private let frameBytesMax: Int

    /// - Parameter frameBytesMax: chunks are spread over frames of about this size; Prometheus' own limit is 1 MiB.
    public init(frameBytesMax: Int = 1 << 20) {
        self.frameBytesMax = frameBytesMax
    }

    public static func canHold(_ series: some Sequence<SeriesColumns>) -> Bool {
        series.allSatisfy { $0.histograms.isEmpty }
    }

    /// The frames for one series of the answer to query number `query`.
    public func frames(of columns: SeriesColumns, query: Int) -> [[UInt8]] {
        precondition(columns.histograms.isEmpty, "histograms are not sent as chunks")
        var frames: [[UInt8]] = []
        var pending = ProtobufWriter()
        for start in stride(from: 0, to: columns.times.count, by: Self.chunkSampleCount) {
            let end = min(start + Self.chunkSampleCount, columns.times.count)
            let data = XORChunk.encode(times: columns.times[start..<end], values: columns.values[start..<end])
            pending.message(2) {
                $0.signed(1, columns.times[start])
                $0.signed(2, columns.times[end - 1])
                $0.unsigned(3, 1)
                $0.bytes(4, data)
            }
            if pending.bytes.count >= frameBytesMax {
                frames.append(frame(columns.labels, pending, query))
                pending = ProtobufWriter()
            }
        }
        if !pending.bytes.isEmpty || columns.times.isEmpty { frames.append(frame(columns.labels, pending, query)) }
        return frames
    }

    private func frame(_ labels: Labels, _ chunks: ProtobufWriter, _ query: Int) -> [UInt8] {
        var message = ProtobufWriter()
        message.message(1) {
            $0.labels(labels)
            $0.append(chunks)
        }
        message.signed(2, Int64(query))
        var frame = ProtobufWriter()
        frame.rawVarint(UInt64(message.bytes.count))
        let sum = Checksum.of(message.bytes)
        return frame.bytes + (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * $0)) } + message.bytes
    }
}

/// Reads a whole streamed answer: for each query its series.
/// - Throws: `WireError` where a checksum is wrong, the stream ends within a frame, or a chunk is of a kind that is not read.
public func parseStreamedChunks(
    _ stream: [UInt8], queryCount: Int, limits: WriteLimits = WriteLimits()
) throws(WireError) -> [[SeriesColumns]] {
    var reader = ByteReader(stream)
    var results = [[SeriesColumns]](repeating: [], count: queryCount)
    var sampleCount = 0
    while !reader.isAtEnd {
        let start = reader.offset
        let message: [UInt8]
        do {
            let length = try reader.count(limit: limits.byteCountMax)
            let sum = UInt32(bigEndian: try reader.fixed(UInt32.self).littleEndian)
            message = Array(try reader.raw(length))
            guard Checksum.of(message) == sum else {
                throw fault(start, "the checksum of a frame is wrong")
            }
        } catch let error as CodingError {
            throw fault(start, error.reason.rawValue)
        } catch let error as WireError {
            throw error
        } catch {
            throw fault(start, "\(error)")
        }
        let (series, query) = try readFrame(message, at: start)
        guard results.indices.contains(query) else {
            throw fault(start, "a frame answers query \(query) of \(queryCount)")
        }
        for part in series {
            sampleCount += part.times.count
            guard sampleCount <= limits.sampleCountMax, results[query].count < limits.seriesCountMax else {
                throw WireError(
                    .tooMuch, "prometheus.ChunkedReadResponse", at: start, "more than \(limits.sampleCountMax) samples")
            }
            if let last = results[query].indices.last, results[query][last].labels == part.labels {
                results[query][last].times += part.times
                results[query][last].values += part.values
            } else {
                results[query].append(part)
            }
        }
    }
    return results
}

private func fault(_ offset: Int, _ reason: String) -> WireError {
    WireError(.syntax, "prometheus.ChunkedReadResponse", at: offset, reason)
}

private func readFrame(
    _ bytes: [UInt8], at offset: Int
) throws(WireError) -> (series: [SeriesColumns], query: Int) {
    do {
        return try withProtobuf(bytes) { message throws(ProtobufFault) in
            var series: [SeriesColumns] = []
            var query = 0
            while let field = try message.field() {
                switch field {
                case 1:
                    var inner = try message.message()
                    series.append(try readSeries(&inner))
                case 2: query = Int(try message.signed())
                default: try message.skip()
                }
            }
            return (series, query)
        }
    } catch {
        throw fault(offset + error.offset, error.message)
    }
}

private func readSeries(_ message: inout ProtobufReader) throws(ProtobufFault) -> SeriesColumns {
    var pairs: [(String, String)] = []
    var times: [Int64] = []
    var values: [Double] = []
    while let field = try message.field() {
        switch field {
        case 1:
            var inner = try message.message()
            var pair = ("", "")
            while let field = try inner.field() {
                switch field {
                case 1: pair.0 = try inner.text()
                case 2: pair.1 = try inner.text()
                default: try inner.skip()
                }
            }
            pairs.append(pair)
        case 2:
            var inner = try message.message()
            var kind: UInt64 = 0
            var data: [UInt8] = []
            while let field = try inner.field() {
                switch field {
                case 3: kind = try inner.unsigned()
                case 4: data = Array(try inner.bytes())
                default: try inner.skip()
                }
            }
            guard kind == 1 else { throw inner.fault("a chunk of kind \(kind) is not read; ask for samples instead") }
            do {
                let chunk = try XORChunk.decode(data)
                times += chunk.times
                values += chunk.values
            } catch {
                throw inner.fault("a chunk is damaged: \(error.reason.rawValue)")
            }
        default: try message.skip()
        }
    }
    return SeriesColumns(labels: Labels(pairs), times: times, values: values)
}
