import Compression
import Exposition
import Series
import Testing
import Units

/// Goal: what the reference sends is read, and what is written is what it would have sent. Method: bodies that Prometheus 2.42 sent while it
/// scraped itself (requests of remote write, and answers of remote read in both forms to the same question); each is read and written
/// again, to the same bytes.
@Suite struct ReferenceBodiesTests {
    func body(_ name: String) throws -> [UInt8] {
        let bytes = try #require(fileBytes("\(testFolder)/Golden/\(name)"))
        return name.hasSuffix(".snappy") ? try Snappy.decompress(bytes, limit: 1 << 20) : bytes
    }

    @Test func `samples of remote write`() throws {
        let bytes = try body("prometheus-write.snappy")
        let request = try parseWriteRequest(bytes, .v1)
        #expect(request.series.count > 20 && request.series.allSatisfy { $0.fault == nil && !$0.columns.times.isEmpty })
        #expect(
            request.series.contains {
                $0.columns.labels == Labels("up", ["instance": "127.0.0.1:19191", "job": "self"])
            })
        #expect(writeWriteRequest(request, .v1) == bytes)
        // Through version 2 and back nothing is lost.
        let second = try parseWriteRequest(writeWriteRequest(request, .v2), .v2)
        #expect(writeWriteRequest(second, .v1) == bytes)
    }

    @Test func `metadata of remote write`() throws {
        let bytes = try body("prometheus-write-metadata.snappy")
        let request = try parseWriteRequest(bytes, .v1)
        #expect(request.series.isEmpty && request.metadata.count > 50)
        let entry = try #require(request.metadata.first { $0.name == "go_goroutines" })
        #expect(entry == MetricMetadata("go_goroutines", .gauge, "Number of goroutines that currently exist."))
        #expect(writeWriteRequest(request, .v1) == bytes)
    }

    @Test func `both answers of remote read`() throws {
        let bytes = try body("prometheus-read.snappy")
        let samples = try parseReadResponse(bytes)
        #expect(samples.count == 1 && samples[0].count > 5 && samples[0].allSatisfy { $0.times.count > 5 })
        #expect(writeReadResponse(samples) == bytes)

        let stream = try body("prometheus-read.stream")
        let chunks = try parseStreamedChunks(stream, queryCount: 1)
        // The streams have whole chunks, the samples only what was asked for; here both are all there was.
        #expect(chunks.map { $0.map(\.labels) } == samples.map { $0.map(\.labels) })
        for (streamed, plain) in zip(chunks[0], samples[0]) {
            #expect(streamed.times.starts(with: plain.times) && streamed.values.starts(with: plain.values))
        }
        let again = chunks[0].flatMap { StreamedChunkWriter().frames(of: $0, query: 0).flatMap { $0 } }
        #expect(again == stream)
    }
}
