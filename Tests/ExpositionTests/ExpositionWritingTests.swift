import Exposition
import Series
import Testing
import Units

/// Goal: what is written is what the formats ask for. Method: exact pages, and the strict reader on the result.
@Suite struct ExpositionWritingTests {
    func makeBatch() -> SampleBatch {
        var batch = SampleBatch(at: Timestamp(millisecondsSinceEpoch: 1_800_000_000_000))
        batch.add("jaga_samples_total", ["result": "stored"], 12)
        batch.add("jaga_up", [:], 1)
        batch.add("jaga_duration_seconds_count", [:], 3)
        batch.add("jaga_duration_seconds_sum", [:], 0.25)
        batch.add("jaga_duration_seconds_bucket", ["le": "+Inf"], 3)
        batch.add("jaga_duration_seconds_bucket", ["le": "10.0"], 2)
        batch.add("jaga_duration_seconds_bucket", ["le": "2.5"], 1)
        batch.rows.append(
            .init(
                labels: Labels("odd", ["path": "a\\b\"c\n"]), value: .nan,
                timestamp: Timestamp(millisecondsSinceEpoch: 1500)))
        batch.metadata = [
            "jaga_samples_total": MetricMetadata(
                "jaga_samples_total", .counter, "Samples by \\ result\nsince the start"),
            "jaga_up": MetricMetadata("jaga_up", .gauge, "Always 1"),
            "jaga_duration_seconds": MetricMetadata("jaga_duration_seconds", .histogram, "How long"),
        ]
        return batch
    }

    @Test func `native histograms stand in protobuf alone`() throws {
        var batch = SampleBatch(at: Timestamp(millisecondsSinceEpoch: 0))
        var histogram = NativeHistogram(schema: 0)
        histogram.count = 3
        histogram.sum = 4
        histogram.positiveSpans = [.init(offset: 0, length: 1)]
        histogram.positiveBuckets = [3]
        batch.rows = [
            .init(labels: Labels("h"), histogram: histogram, timestamp: Timestamp(millisecondsSinceEpoch: 7)),
            .init(labels: Labels("plain"), value: 1),
        ]
        batch.metadata = ["h": MetricMetadata("h", .histogram, "")]
        #expect(String(decoding: writeExposition(batch, .text), as: UTF8.self) == "plain 1\n")
        #expect(String(decoding: writeExposition(batch, .openMetrics), as: UTF8.self) == "plain 1\n# EOF\n")
        let read = try parseExposition(
            writeExposition(batch, .protobuf), .protobuf, at: Timestamp(millisecondsSinceEpoch: 0))
        #expect(read.rows.compactMap(\.histogram) == [histogram])
    }

    @Test(
        arguments: [
            (nil, ExpositionFormat.text), ("*/*", .text), ("text/plain;version=0.0.4", .text),
            ("application/openmetrics-text;version=1.0.0", .text), (ExpositionFormat.accept(protobuf: true), .protobuf),
            (ExpositionFormat.accept(), .text), ("application/vnd.google.protobuf", .text),
            (
                "text/plain;q=0.5,application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited;q=0.7",
                .protobuf
            ),
            (
                "text/plain,application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7",
                .text
            ),
        ] as [(String?, ExpositionFormat)]) func `the format is the one that is preferred`(
            _ accept: String?, _ format: ExpositionFormat
        )
    {
        #expect(ExpositionFormat.preferred(by: accept) == format)
    }

    @Test func `a page of text`() {
        #expect(
            String(decoding: writeExposition(makeBatch(), .text), as: UTF8.self) == #"""
                # HELP jaga_duration_seconds How long
                # TYPE jaga_duration_seconds histogram
                jaga_duration_seconds_bucket{le="2.5"} 1
                jaga_duration_seconds_bucket{le="10.0"} 2
                jaga_duration_seconds_bucket{le="+Inf"} 3
                jaga_duration_seconds_count 3
                jaga_duration_seconds_sum 0.25
                # HELP jaga_samples_total Samples by \\ result\nsince the start
                # TYPE jaga_samples_total counter
                jaga_samples_total{result="stored"} 12
                # HELP jaga_up Always 1
                # TYPE jaga_up gauge
                jaga_up 1
                odd{path="a\\b\"c\n"} NaN 1500

                """#)
    }

    @Test func `a page of OpenMetrics names counters without their suffix and passes the strict reader`() throws {
        let batch = makeBatch()
        let page = writeExposition(batch, .openMetrics)
        let text = String(decoding: page, as: UTF8.self)
        #expect(text.contains("# TYPE jaga_samples counter\njaga_samples_total{result=\"stored\"} 12\n"))
        #expect(text.contains("NaN 1.5\n") && text.hasSuffix("# EOF\n"))
        let again = try parseExposition(page, .openMetrics, at: batch.timestamp)
        #expect(Set(again.rows.map(\.labels)) == Set(batch.rows.map(\.labels)))
        #expect(again.metadata["jaga_duration_seconds"]?.type == .histogram)
    }

    @Test func `a page of protobuf holds the same samples`() throws {
        let batch = makeBatch()
        let again = try parseExposition(writeExposition(batch, .protobuf), .protobuf, at: batch.timestamp)
        #expect(again.rows.count == batch.rows.count)
        #expect(again.rows.first { $0.labels.name == "jaga_duration_seconds_sum" }?.value == 0.25)
        #expect(again.rows.contains { $0.labels["le"] == "2.5" && $0.value == 1 })
        #expect(again.metadata["jaga_samples_total"]?.type == .counter)
    }

    @Test func `an empty batch is an empty page`() {
        let batch = SampleBatch(at: Timestamp(millisecondsSinceEpoch: 0))
        #expect(writeExposition(batch, .text).isEmpty)
        #expect(writeExposition(batch, .openMetrics) == Array("# EOF\n".utf8))
    }
}
