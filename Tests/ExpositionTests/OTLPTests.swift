import Exposition
import Series
import Testing

/// Goal: metrics of OpenTelemetry become the series that Prometheus makes of them. Method: one request with every kind of data, which
/// OpenTelemetry's own Python package wrote in both encodings (`Golden/otlp-metrics.pb`, `.json`), and the series that must come out;
/// names one by one, also those of which nothing is left; damage.
@Suite struct OTLPTests {
    func outcome(_ encoding: OTLPEncoding) throws -> OTLPOutcome {
        let name = encoding == .protobuf ? "otlp-metrics.pb" : "otlp-metrics.json"
        return try parseOTLPMetrics(try #require(fileBytes("\(testFolder)/Golden/\(name)")), encoding)
    }

    @Test(arguments: OTLPEncoding.allCases)
    func `every kind of data becomes the series of Prometheus`(encoding: OTLPEncoding) throws {
        let outcome = try outcome(encoding)
        let series = outcome.request.series
        #expect(series.allSatisfy { $0.columns.times == [1_700_000_000_123] })
        let job = "instance=\"web-1\", job=\"eu/shop\""
        #expect(
            series.map {
                "\($0.columns.labels) \($0.columns.histograms.isEmpty ? plainNumber($0.columns.values[0]) : "h")"
            }
                == [
                    "room_temperature_celsius{\(job), room_name=\"ü;two\"} 21.5",
                    "room_temperature_celsius{\(job)} -3", "room_temperature_celsius{gone=\"yes\", \(job)} NaN",
                    "cpu_utilization_ratio{\(job)} 0.5", "http_requests_total{http_status=\"200\", \(job)} 42",
                    "queue_size{\(job)} 7", "http_server_request_duration_seconds_sum{\(job)} 3.5",
                    "http_server_request_duration_seconds_count{\(job)} 6",
                    "http_server_request_duration_seconds_bucket{\(job), le=\"0.005\"} 1",
                    "http_server_request_duration_seconds_bucket{\(job), le=\"10\"} 3",
                    "http_server_request_duration_seconds_bucket{\(job), le=\"+Inf\"} 6",
                    "disk_latency_milliseconds{\(job)} h", "gc_pause_bytes_per_second_sum{\(job)} 0.5",
                    "gc_pause_bytes_per_second_count{\(job)} 2",
                    "gc_pause_bytes_per_second{\(job), quantile=\"0.5\"} 0.1",
                    "gc_pause_bytes_per_second{\(job), quantile=\"1\"} NaN",
                    "target_info{host_cpus=\"8\", host_load=\"0.25\", host_map=\"{\\\"b\\\":\\\"x\\\"}\", host_raw=\"AQL//g==\", host_tags=\"[\\\"a\\\",2]\", host_virtual=\"true\", \(job)} 1",
                    "_1st_metric 1",
                ])
        #expect(series[2].columns.values[0].isStaleMarker)
        #expect(series[4].createdTime == 1_600_000_000_000)
        #expect(
            series[4].exemplars.map(\.labels) == [
                [
                    "trace_id": "000102030405060708090a0b0c0d0e0f", "span_id": "0001020304050607", "user": "u1",
                ]
            ])
        #expect(series[9].exemplars.count == 1 && series[8].exemplars.isEmpty)
        #expect(
            outcome.request.metadata.contains(
                MetricMetadata("http_requests_total", .counter, "Requests", unit: "{request}")))
    }

    @Test func `an exponential histogram of too fine a scale is made coarser`() throws {
        let sample = try #require(try outcome(.protobuf).request.series[11].columns.histograms.first)
        let histogram = sample.histogram
        // Scale 10 to 8: four buckets become one. Offset -5…2 are -5>>2 = -2, then -1, and 0; one more for the other way of counting.
        #expect(histogram.schema == 8 && histogram.count == 12 && histogram.sum == -2.5 && histogram.zeroCount == 2)
        #expect(histogram.positiveSpans == [.init(offset: -1, length: 3)])
        #expect(histogram.positiveBuckets == [1, 0, 6] && histogram.negativeBuckets == [3])
        #expect(histogram.negativeSpans == [.init(offset: 1, length: 1)] && histogram.zeroThreshold == 1e-128)
    }

    @Test func `what cannot be stored is counted and named, the rest is taken`() throws {
        let outcome = try outcome(.protobuf)
        #expect(outcome.rejectedCount == 3)
        #expect(
            outcome.reasons == [
                "the metric 'delta.things' has delta temporality; only cumulative values are stored",
                "the histogram 'disk_latency_milliseconds' has scale -5, below the least that is stored, -4",
            ])
        let json = String(decoding: writeOTLPResponse(outcome, .json), as: UTF8.self)
        #expect(
            json.hasPrefix("{\"partialSuccess\":{\"errorMessage\":\"the metric")
                && json.contains("\"rejectedDataPoints\":\"3\""))
        #expect(writeOTLPResponse(OTLPOutcome(), .protobuf).isEmpty)
        #expect(writeOTLPResponse(OTLPOutcome(), .json) == Array("{}".utf8))
        #expect(writeOTLPResponse(outcome, .protobuf).prefix(1) == [0x0A])
    }

    /// As the reference refuses them: stored they would all be one series, without a name.
    @Test(arguments: ["é", "日本", "...", "  ", "_", "\"", String(repeating: "é", count: 5000)])
    func `a metric of whose name nothing is left is refused by name, and the others are stored`(name: String) throws {
        let escaped = name.replacing("\"", with: "\\\"")
        let point = #"{"timeUnixNano":"1700000000000000000","asDouble":1}"#
        let kinds = [
            #""gauge":{"dataPoints":[\#(point),\#(point)]}"#,
            #""sum":{"aggregationTemporality":2,"dataPoints":[\#(point)]}"#,
            #""histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700000000000000000","count":1}]}"#,
            #""exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1","count":1}]}"#,
            #""summary":{"dataPoints":[{"timeUnixNano":"1700000000000000000","count":1}]}"#,
        ]
        let metrics = kinds.map { #"{"name":"\#(escaped)",\#($0)}"# } + [#"{"name":"sent",\#(kinds[0])}"#]
        let body = #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics.joined(separator: ","))]}]}]}"#
        let outcome = try parseOTLPMetrics(Array(body.utf8), .json)
        #expect(outcome.request.series.map(\.columns.labels) == [Labels("sent")])
        #expect(outcome.request.metadata.map(\.name) == ["sent"])
        #expect(outcome.rejectedCount == 6)
        let shown = name.utf8.count > 200 ? "\(name.prefix(60))…" : escaped
        #expect(
            outcome.reasons == [
                "the name of the metric \"\(shown)\" has no letter, digit or colon of ASCII: none is left of it"
            ])
        let reply = String(decoding: writeOTLPResponse(outcome, .json), as: UTF8.self)
        #expect(reply.contains("\"rejectedDataPoints\":\"6\""), "\(reply)")
    }

    /// What the unit and the kind add is a name, also to the reference.
    @Test func `a name is made of unit and kind where nothing else is left`() throws {
        let points = #"{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asDouble":1}]}"#
        let metrics = [
            #"{"name":"é","unit":"s","sum":\#(points)}"#, #"{"name":"é","unit":"1","gauge":\#(points)}"#,
            #"{"name":":","gauge":\#(points)}"#,
        ].joined(separator: ",")
        let body = #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics)]}]}]}"#
        let outcome = try parseOTLPMetrics(Array(body.utf8), .json)
        #expect(outcome.request.series.map(\.columns.labels.name) == ["seconds_total", "ratio", ":"])
        #expect(outcome.rejectedCount == 0)
    }

    @Test(arguments: OTLPEncoding.allCases)
    func `damage is refused or read, and never traps`(encoding: OTLPEncoding) throws {
        let name = encoding == .protobuf ? "otlp-metrics.pb" : "otlp-metrics.json"
        let bytes = try #require(fileBytes("\(testFolder)/Golden/\(name)"))
        var random = Random(3)
        for _ in 0..<1500 {
            var damaged = bytes
            for _ in 0..<1 + random.next(3) {
                damaged[random.next(damaged.count)] = UInt8(truncatingIfNeeded: random.next(256))
            }
            if random.next(10) == 0 { damaged.removeLast(random.next(damaged.count)) }
            _ = try? parseOTLPMetrics(damaged, encoding)
        }
        #expect(throws: WireError.self) { try parseOTLPMetrics(Array("[]".utf8), .json) }
        #expect(throws: WireError.self) { try parseOTLPMetrics(bytes, encoding, limits: .init(sampleCountMax: 3)) }
    }

    @Test func `the content type says the encoding`() {
        #expect(OTLPEncoding(contentType: "application/json; charset=utf-8") == .json)
        #expect(OTLPEncoding(contentType: "application/x-protobuf") == .protobuf)
        #expect(OTLPEncoding(contentType: "text/plain") == nil && OTLPEncoding(contentType: nil) == nil)
    }
}
