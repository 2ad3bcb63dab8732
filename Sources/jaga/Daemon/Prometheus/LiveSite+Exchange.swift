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

    /// Stores what can be stored, in the order of time that the sender has.
    func store(_ request: WriteRequest) async throws -> WriteReply {
        var reply = WriteReply()
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
        for (count, reason) in [
            (outcome.outOfOrder, "out of order or too old"),
            (outcome.duplicate, "for an instant that has another value"),
            (outcome.overLimit, "of series above a limit on their number"),
        ] where count > 0 {
            reply.faults.append("\(count) samples were not stored: \(reason)")
        }
        let refused = outcome.outOfOrder + outcome.duplicate + outcome.overLimit
        reply.writtenHistograms = batch.rows.count { $0.histogram != nil }
        reply.writtenSamples = max(0, batch.rows.count - reply.writtenHistograms - refused)
        return reply
    }
}

extension SentMessage {
    static func refusal(_ status: Int, _ error: any Failure) -> SentMessage { refusal(status, error.oneLine) }

    static func refusal(_ status: Int, _ text: String) -> SentMessage { SentMessage(status, body: Array(text.utf8)) }
}
