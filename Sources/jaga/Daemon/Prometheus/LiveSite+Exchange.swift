import PromQL
import Compression
import Diagnostics
import Exposition
import Series
import TimeSeriesStore
import Units
import Web
import WebAPI

// Samples that other programs send: remote write and OTLP. What is acknowledged is in the store's log. A message is refused as a whole where
// it cannot be read; of one that can be read everything storable is stored, and the answer says what was not and why, with a
// status that tells the sender whether to try again (400: never; 5xx: later).
//
// Specifications: <https://prometheus.io/docs/specs/prw/remote_write_spec/>, <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

extension LiveSite {
    func exchange(_ message: ReceivedMessage) async throws -> SentMessage {
        do {
            switch message.kind {
            case .remoteWrite: return try await remoteWrite(message)
            case .remoteRead: return try await remoteRead(message)
            case .otlpMetrics: return try await otlpMetrics(message)
            }
        } catch let error as WireError {
            return .refusal(error.code == .tooMuch ? 413 : 400, error)
        } catch let error as CompressionFailure {
            return .refusal(400, error)
        } catch let fault as PromQL.QueryFault where fault.code == .storage {
            return .refusal(500, fault)
        } catch let error as StoreError {
            // The disk is full or failed: the sender keeps the samples and tries again.
            return .refusal(503, error)
        }
    }

    private func remoteWrite(_ message: ReceivedMessage) async throws -> SentMessage {
        guard let version = RemoteWriteVersion(contentType: message.headers["content-type"]) else {
            return .refusal(
                415, "the content type '\(message.headers["content-type"] ?? "")' is none of remote write's")
        }
        guard message.headers["content-encoding", default: "snappy"].lowercased() == "snappy" else {
            return .refusal(415, "the content encoding '\(message.headers["content-encoding"] ?? "")' is not snappy")
        }
        let limits = WriteLimits()
        let request = try parseWriteRequest(
            try Snappy.decompress(message.body, limit: limits.byteCountMax), version, limits: limits)
        let reply = try await store(request)
        return SentMessage(
            reply.status, headers: version == .v2 ? reply.headers : [], body: Array(reply.body.utf8))
    }

    /// Samples of all queries, as one message or as a stream of compressed chunks, whichever the asking program names first of what
    /// can hold the answer.
    private func remoteRead(_ message: ReceivedMessage) async throws -> SentMessage {
        let request = try parseReadRequest(try Snappy.decompress(message.body, limit: Self.readRequestBytesMax))
        var results: [[SeriesColumns]] = []
        var sampleCount = 0
        let limit = parts.engine(timeLimit: .seconds(120)).limits.samplesMax
        let memory = MemoryShare(of: parts.queryMemory)
        for query in request.queries {
            do {
                let found = try await readingSeries {
                    try await parts.select(
                        query.matchers, from: query.start, through: query.end,
                        within: SelectionBounds(samplesMax: limit - sampleCount, memory: memory))
                }
                // Once more for the message.
                let count = found.reduce(0) { $0 + $1.times.count }
                try memory.take(count * SelectionBounds.bytesPerSample)
                sampleCount += count
                results.append(found)
            } catch is TooManySamples {
                return .refusal(
                    400, "the answer has more than \(limit) samples; ask for a shorter range or fewer series")
            } catch let refusal as MemoryRefusal {
                return .refusal(refusal.isAlone ? 400 : 503, "the question is refused: \(refusal)")
            }
        }
        let canStream = results.allSatisfy { StreamedChunkWriter.canHold($0) }
        guard request.responseType == .streamedChunks, canStream else {
            return SentMessage(
                200, type: ReadResponseType.samples.contentType, headers: [("content-encoding", "snappy")],
                body: Snappy.compress(writeReadResponse(results)), memory: memory)
        }
        let writer = StreamedChunkWriter()
        var body: [UInt8] = []
        for (query, found) in results.enumerated() {
            for columns in found {
                for frame in writer.frames(of: columns, query: query) { body += frame }
            }
        }
        return SentMessage(200, type: ReadResponseType.streamedChunks.contentType, body: body, memory: memory)
    }

    private static let readRequestBytesMax = 1 << 20

    private func otlpMetrics(_ message: ReceivedMessage) async throws -> SentMessage {
        guard let encoding = OTLPEncoding(contentType: message.headers["content-type"]) else {
            return .refusal(
                415, "the content type '\(message.headers["content-type"] ?? "")' is none of OTLP's")
        }
        let limits = WriteLimits()
        let body: [UInt8]
        switch message.headers["content-encoding", default: "identity"].lowercased() {
        case "identity", "": body = message.body
        case "gzip": body = try Gzip.decompress(message.body, limit: limits.byteCountMax)
        case let other: return .refusal(415, "the content encoding '\(other)' is none of gzip and identity")
        }
        var outcome = try parseOTLPMetrics(body, encoding, limits: limits)
        let stored = try await store(outcome.request)
        let sent = outcome.request.sampleCount + outcome.request.histogramCount
        let refused = max(0, sent - stored.writtenSamples - stored.writtenHistograms)
        for (place, fault) in stored.faults.enumerated() { outcome.reject(place == 0 ? refused : 0, fault) }
        return SentMessage(200, type: encoding.contentType, body: writeOTLPResponse(outcome, encoding))
    }

    /// Stores what can be stored, in the order of time that the sender has.
    func store(_ request: WriteRequest) async throws -> WriteReply {
        var reply = WriteReply()
        reply.faults = request.faults
        var batch = SampleBatch(at: parts.clock.now)
        for entry in request.metadata { batch.metadata[entry.name] = entry }
        for series in request.series {
            if let fault = series.fault {
                reply.faults.append(fault)
                continue
            }
            if let metadata = series.metadata { batch.metadata[metadata.name] = metadata }
            let columns = series.columns
            var histograms = columns.histograms[...]
            for row in columns.times.indices {
                let time = Timestamp(millisecondsSinceEpoch: columns.times[row])
                if histograms.first?.index == row {
                    batch.rows.append(
                        .init(labels: columns.labels, histogram: histograms.removeFirst().histogram, timestamp: time))
                } else {
                    batch.rows.append(.init(labels: columns.labels, value: columns.values[row], timestamp: time))
                }
            }
            batch.exemplars += series.exemplars
            reply.writtenExemplars += series.exemplars.count
        }
        let outcome = try await parts.feed.append(batch)
        // Both stand in one count of the store's. What lies too far ahead it refuses before it looks at anything else.
        func isAhead(_ row: SampleBatch.Row) -> Bool {
            row.timestamp.map { $0 - batch.timestamp > TimeSeriesStore.aheadMax } ?? false
        }
        let misplaced = outcome.leftOut.filter { $0.reason == .outOfOrder }
        let ahead = misplaced.filter { isAhead(batch.rows[$0.index]) }
        let late = misplaced.filter { !isAhead(batch.rows[$0.index]) }
        for (count, leftOut, reason) in [
            (
                outcome.outOfOrder - ahead.count, late,
                misplaced.count < outcome.outOfOrder
                    ? "out of order, too old or too far in the future" : "out of order or too old"
            ),
            (
                ahead.count, ahead,
                "too far in the future, more than \(TimeSeriesStore.aheadMax.briefText) ahead of this machine's clock"
            ),
            (
                outcome.duplicate, outcome.leftOut.filter { $0.reason == .duplicate },
                "for an instant that has another value"
            ),
            (
                outcome.overLimit, outcome.leftOut.filter { $0.reason == .overLimit },
                "of series above a limit on their number or on the length of labels"
            ),
        ] where count > 0 {
            let first = leftOut.first.map { ", the first of \(Self.shortened(batch.rows[$0.index].labels))" }
            reply.faults.append(
                "\(count) \(count == 1 ? "sample was" : "samples were") not stored: \(reason)\(first ?? "")")
        }
        let refused = outcome.outOfOrder + outcome.duplicate + outcome.overLimit
        reply.writtenHistograms = batch.rows.count { $0.histogram != nil }
        reply.writtenSamples = max(0, batch.rows.count - reply.writtenHistograms - refused)
        return reply
    }

    /// A series for a message, which does not grow with what was sent.
    private static func shortened(_ labels: Labels) -> String {
        let text = labels.description
        return text.utf8.count <= 500 ? text : "\(text.prefix(200))…"
    }
}

extension SentMessage {
    static func refusal(_ status: Int, _ error: any Failure) -> SentMessage { refusal(status, error.oneLine) }

    static func refusal(_ status: Int, _ text: String) -> SentMessage { SentMessage(status, body: Array(text.utf8)) }
}
