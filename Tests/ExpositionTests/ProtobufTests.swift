import Exposition
import Series
import Testing
import Units

/// Goal: the protobuf exposition is read in full. Method: families of every type are written, read again and compared; a message that was
/// put together by hand; each shorter prefix and damaged bytes.
@Suite struct ProtobufTests {
    static func families() -> [MetricFamily] {
        var native = NativeHistogram(schema: 3)
        native.zeroThreshold = 0.001
        native.zeroCount = 2
        native.count = 17
        native.sum = 12.5
        native.positiveSpans = [.init(offset: -2, length: 2), .init(offset: 3, length: 1)]
        native.positiveBuckets = [1, 9, 2]
        native.negativeSpans = [.init(offset: 0, length: 1)]
        native.negativeBuckets = [3]
        var fractional = native
        fractional.count = 17.5
        fractional.positiveBuckets[0] = 1.5
        let example = MetricFamily.Example(labels: ["trace_id": "ab"], value: 0.25, timestamp: 1_700_000_000_123)
        return [
            MetricFamily(
                name: "requests_total", help: "Requests\nby code", type: .counter,
                metrics: [
                    .init(
                        labels: ["code": "200"], value: .number(12), createdTime: 1_600_000_000_000,
                        exemplars: [example]),
                    .init(labels: ["code": "500"], value: .number(0), timestamp: -5),
                ]),
            MetricFamily(
                name: "temperature", type: .gauge, unit: "celsius",
                metrics: [.init(labels: ["größe": "é"], value: .number(-3.5))]),
            MetricFamily(name: "odd", metrics: [.init(labels: [:], value: .number(.nan))]),
            MetricFamily(
                name: "latency", type: .summary,
                metrics: [
                    .init(
                        labels: [:], value: .summary(count: 3, sum: 1.5, quantiles: [.init(0.5, 0.4), .init(1, .nan)]))
                ]),
            MetricFamily(
                name: "classic", type: .histogram,
                metrics: [
                    .init(
                        labels: ["a": "b"],
                        value: .histogram(
                            count: 5, sum: 4, buckets: [.init(0.5, 2, exemplar: example), .init(10, 4)], native: nil))
                ]),
            MetricFamily(
                name: "native", type: .histogram,
                metrics: [
                    .init(
                        labels: ["a": "1"],
                        value: .histogram(count: 17, sum: 12.5, buckets: [.init(1, 3)], native: native),
                        createdTime: 1_600_000_000_001, exemplars: [example]),
                    .init(
                        labels: ["a": "2"], value: .histogram(count: 17.5, sum: 12.5, buckets: [], native: fractional)),
                    .init(
                        labels: ["a": "3"],
                        value: .histogram(count: 0, sum: 0, buckets: [], native: NativeHistogram(schema: 0))),
                ]),
        ]
    }

    @Test func `what is written is read`() throws {
        let families = Self.families()
        let again = try parseMetricFamilies(writeMetricFamilies(families))
        #expect("\(again)" == "\(families)")
    }

    @Test func `families become samples`() throws {
        let page = writeMetricFamilies(Self.families())
        let batch = try parseExposition(page, .protobuf, at: Timestamp(millisecondsSinceEpoch: 7))
        #expect(
            batch.rows.map { "\($0.labels) \(plainNumber($0.value))" } == [
                "requests_total{code=\"200\"} 12", "requests_total{code=\"500\"} 0",
                "temperature{\"größe\"=\"é\"} -3.5",
                "odd NaN", "latency_count 3", "latency_sum 1.5", "latency{quantile=\"0.5\"} 0.4",
                "latency{quantile=\"1.0\"} NaN", "classic_count{a=\"b\"} 5", "classic_sum{a=\"b\"} 4",
                "classic_bucket{a=\"b\", le=\"0.5\"} 2", "classic_bucket{a=\"b\", le=\"10.0\"} 4",
                "classic_bucket{a=\"b\", le=\"+Inf\"} 5", "native{a=\"1\"} NaN", "native{a=\"2\"} NaN",
                "native{a=\"3\"} NaN",
            ])
        #expect(batch.rows.compactMap(\.histogram).map(\.count) == [17, 17.5, 0])
        #expect(batch.rows[1].timestamp?.millisecondsSinceEpoch == -5)
        #expect(batch.exemplars.count == 3 && batch.exemplars[0].timestamp == 1_700_000_000_123)
        #expect(batch.metadata["temperature"] == MetricMetadata("temperature", .gauge, "", unit: "celsius"))
    }

    @Test func `a page of protobuf is remembered as others are`() throws {
        var page = ScrapePage()
        let families = Self.families()
        let first = try page.read(writeMetricFamilies(families), .protobuf)
        #expect(first.appeared.count == 16 && page.histograms.map(\.index) == [13, 14, 15])
        #expect(try page.read(writeMetricFamilies(families), .protobuf).isSameLayout)
        let next = try page.read(writeMetricFamilies(families.reversed().dropLast()), .protobuf)
        #expect(next.appeared.isEmpty && next.vanished.map(\.slot) == [0, 1])
        #expect(page.labels(ofSamples: [0]) == [0: Labels("native", ["a": "1"])])
        #expect(page.metadata().count == 5)
    }

    @Test func `a message made by hand is read, unknown fields are skipped`() throws {
        // name "a", type gauge, metric { gauge { value 2 }, field 99 "x" }
        let gauge: [UInt8] = [0x0A, 0x01, 0x61, 0x18, 0x01, 0x22, 0x0F]
        let metric: [UInt8] = [0x12, 0x09, 0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x9A, 0x06, 0x01, 0x78]
        let page = [UInt8(gauge.count + metric.count)] + gauge + metric
        let family = try #require(try parseMetricFamilies(page).first)
        #expect(family == MetricFamily(name: "a", type: .gauge, metrics: [.init(labels: [:], value: .number(2))]))
    }

    @Test func `a cut page is refused unless it ends between families, damage never traps`() throws {
        let page = writeMetricFamilies(Self.families())
        var accepted = 0
        for count in page.indices {
            if (try? parseMetricFamilies(Array(page.prefix(count)))) != nil { accepted += 1 }
        }
        #expect(accepted == Self.families().count)
        var random = Random(5)
        for _ in 0..<3000 {
            var damaged = page
            for _ in 0..<1 + random.next(4) {
                damaged[random.next(damaged.count)] = UInt8(truncatingIfNeeded: random.next(256))
            }
            _ = try? parseExposition(damaged, .protobuf, at: Timestamp(millisecondsSinceEpoch: 0))
        }
    }

    @Test func `histograms that contradict themselves are refused`() {
        var bad = NativeHistogram(schema: 0)
        bad.count = 3
        bad.positiveSpans = [.init(offset: 0, length: 1)]
        bad.positiveBuckets = [2]
        let family = MetricFamily(
            name: "h", type: .histogram,
            metrics: [.init(labels: [:], value: .histogram(count: 3, sum: 1, buckets: [], native: bad))])
        let error = #expect(throws: ExpositionError.self) { try parseMetricFamilies(writeMetricFamilies([family])) }
        #expect(error?.message.contains("2 observations found in buckets, but the Count field is 3") == true)
    }

    @Test func `the header asks as Prometheus 3 does`() {
        #expect(
            ExpositionFormat.accept()
                == "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
        #expect(ExpositionFormat.accept(protobuf: true).hasPrefix("application/vnd.google.protobuf;proto="))
        for format in ExpositionFormat.allCases {
            #expect(ExpositionFormat(contentType: format.contentType) == format)
        }
    }
}
