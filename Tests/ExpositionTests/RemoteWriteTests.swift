import Exposition
import Series
import Testing
import Units

/// Goal: both versions of remote write carry everything. Method: requests are written, read again and compared; faults of single
/// series and of whole messages; a message put together by hand; damage.
@Suite struct RemoteWriteTests {
    static func makeRequest(_ version: RemoteWriteVersion) -> WriteRequest {
        var native = NativeHistogram(schema: -1)
        native.count = 6
        native.zeroCount = 1
        native.zeroThreshold = 1e-128
        native.sum = -4
        native.resetHint = .notReset
        native.positiveSpans = [.init(offset: -3, length: 1), .init(offset: 5, length: 2)]
        native.positiveBuckets = [1, 3, 0]
        native.negativeSpans = [.init(offset: 2, length: 1)]
        native.negativeBuckets = [1]
        var fractional = native
        fractional.count = 6.5
        fractional.positiveBuckets[1] = 3.5
        fractional.resetHint = .gauge
        var custom = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
        custom.count = 3
        custom.sum = 2
        custom.customBounds = [0.5, 1, 2.5]
        custom.positiveSpans = [.init(offset: 0, length: 1), .init(offset: 2, length: 1)]
        custom.positiveBuckets = [1, 2]
        let counter = Labels("requests_total", ["code": "200", "job": "shop", "ü": "é\"\n"])
        let series = [
            WrittenSeries(
                columns: SeriesColumns(
                    labels: counter, times: [-1, 0, 1_700_000_000_000], values: [1, .infinity, staleMarker]),
                exemplars: [
                    Exemplar(series: counter, labels: ["trace_id": "ab"], value: 0.5, timestamp: 1_700_000_000_001)
                ],
                metadata: version == .v1
                    ? nil : MetricMetadata("requests_total", .counter, "All requests", unit: "requests"),
                createdTime: version == .v1 ? nil : 1_600_000_000_000),
            WrittenSeries(
                columns: SeriesColumns(
                    labels: Labels("latency", ["job": "shop"]), times: [1, 2, 3, 4], values: [.nan, .nan, 7, .nan],
                    histograms: [
                        .init(index: 0, histogram: native), .init(index: 1, histogram: fractional),
                        .init(index: 3, histogram: custom),
                    ])),
        ]
        let metadata = MetricMetadata("latency", .gaugeHistogram, "How \\ long", unit: "seconds")
        return WriteRequest(series: series, metadata: version == .v1 ? [metadata] : [])
    }

    @Test(arguments: RemoteWriteVersion.allCases)
    func `what is written is read`(version: RemoteWriteVersion) throws {
        let request = Self.makeRequest(version)
        let bytes = writeWriteRequest(request, version)
        let again = try parseWriteRequest(bytes, version)
        #expect("\(again)" == "\(request)")
        // The printed form hides which NaN it is.
        #expect(again.series[0].columns.values[2].isStaleMarker)
        #expect(writeWriteRequest(again, version) == bytes)
        #expect(again.sampleCount == 4 && again.histogramCount == 3 && again.exemplarCount == 1)
    }

    @Test func `a message made by hand is read`() throws {
        // series { label { "__name__" "up" } sample { value 1, time 1000 } sample { time 2000 } }
        let name: [UInt8] = [0x0A, 0x0E, 0x0A, 0x08] + Array("__name__".utf8) + [0x12, 0x02] + Array("up".utf8)
        let one: [UInt8] = [0x12, 0x0C, 0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0xE8, 0x07]
        let two: [UInt8] = [0x12, 0x03, 0x10, 0xD0, 0x0F]
        let inner = name + one + two
        let request = try parseWriteRequest([0x0A, UInt8(inner.count)] + inner, .v1)
        #expect(
            request.series == [
                .init(columns: SeriesColumns(labels: Labels("up"), times: [1000, 2000], values: [1, 0]))
            ])
    }

    @Test func `a series that cannot be stored is named, the others stand`() throws {
        let good = Labels("up")
        var request = WriteRequest()
        for labels in [Labels([("job", "x")]), good] {
            request.series.append(.init(columns: SeriesColumns(labels: labels, times: [1], values: [1])))
        }
        var bad = NativeHistogram(schema: 0)
        bad.count = -1
        request.series.append(
            .init(
                columns: SeriesColumns(
                    labels: Labels("h"), times: [1], values: [.nan], histograms: [.init(index: 0, histogram: bad)])))
        for version in RemoteWriteVersion.allCases {
            let again = try parseWriteRequest(writeWriteRequest(request, version), version)
            #expect(again.series.map { $0.fault != nil } == [true, false, true])
            #expect(again.series[0].fault == "the series {job=\"x\"} has no metric name")
            #expect(again.series[2].fault == "histogram has a negative observation count")
        }
        let far = WrittenSeries(columns: SeriesColumns(labels: good, times: [1, .max], values: [1, 1]))
        let late = try parseWriteRequest(writeWriteRequest(WriteRequest(series: [far]), .v2), .v2)
        #expect(late.series[0].fault == "a sample of up has a time out of range")
        // label "a" twice
        let pair: [UInt8] = [0x0A, 0x06, 0x0A, 0x01, 0x61, 0x12, 0x01, 0x62]
        let twice = try parseWriteRequest([0x0A, 16] + pair + pair, .v1)
        #expect(twice.series[0].fault?.contains("stands twice") == true)
    }

    /// Texts of one byte 01 stand for those that are no UTF-8 until the message is written.
    @Test(arguments: RemoteWriteVersion.allCases)
    func `what is no UTF-8 is left out alone and named`(version: RemoteWriteVersion) throws {
        func series(
            _ labels: Labels, trace: String = "t", help: String = "help"
        ) -> WrittenSeries {
            WrittenSeries(
                columns: SeriesColumns(labels: labels, times: [1], values: [1]),
                exemplars: [Exemplar(series: labels, labels: ["trace_id": trace], value: 1, timestamp: 1)],
                metadata: version == .v1 ? nil : MetricMetadata(labels.name, .gauge, help))
        }
        let broken = "\u{1}\u{1}"
        let request = WriteRequest(
            series: [
                series(Labels("first", ["job": "x"])), series(Labels("value", ["job": broken])),
                series(Labels("label", [broken: "x"])), series(Labels(broken)),
                series(Labels("exemplar"), trace: broken), series(Labels("metadata"), help: broken),
                series(Labels("last", ["job": "x"])),
            ],
            metadata: version == .v1 ? [.init("first", .gauge, "help"), .init("metadata", .gauge, broken)] : [])
        let bytes = writeWriteRequest(request, version)
        #expect(try parseWriteRequest(bytes, version).series.allSatisfy { $0.fault == nil })
        var damaged = bytes
        for place in bytes.indices.dropLast() where bytes[place] == 1 && bytes[place + 1] == 1 {
            damaged.replaceSubrange(place...place + 1, with: [0xFF, 0xFE])
        }
        let again = try parseWriteRequest(damaged, version)
        #expect(again.series.map { $0.fault != nil } == [false, true, true, true, false, false, false])
        #expect(again.series[1].fault == "a label of value{job=\"\u{FFFD}\u{FFFD}\"} is not UTF-8")
        #expect([0, 6].allSatisfy { again.series[$0] == request.series[$0] })
        #expect(again.series[4].columns == request.series[4].columns && again.series[4].exemplars.isEmpty)
        #expect(again.series[5].columns == request.series[5].columns && again.series[5].metadata == nil)
        #expect(again.metadata == Array(request.metadata.prefix(1)))
        #expect(again.faults.count == 2, "\(again.faults)")
        #expect(again.faults.allSatisfy { $0.contains("left out") && $0.contains("not UTF-8") })
    }

    @Test func `samples come in the order of time`() throws {
        var reversed = Self.makeRequest(.v1).series[1]
        reversed.columns.times = [9, 8, 3, 1]
        let again = try parseWriteRequest(writeWriteRequest(WriteRequest(series: [reversed]), .v1), .v1).series[0]
        #expect(again.columns.times == [1, 3, 8, 9] && again.columns.values[1] == 7)
        #expect(again.columns.histograms.map(\.index) == [0, 2, 3])
        #expect(again.columns.histograms[0].histogram.customBounds == [0.5, 1, 2.5])
    }

    @Test func `limits are kept and symbols are looked up with care`() {
        let bytes = writeWriteRequest(Self.makeRequest(.v1), .v1)
        for limits in [
            WriteLimits(byteCountMax: 10), .init(seriesCountMax: 1), .init(sampleCountMax: 5),
        ] {
            #expect(throws: WireError.self) { try parseWriteRequest(bytes, .v1, limits: limits) }
        }
        // A series with the symbols 1 and 2 of a table of one.
        #expect(throws: WireError.self) { try parseWriteRequest([0x22, 0, 0x2A, 4, 0x0A, 2, 1, 2], .v2) }
        #expect(throws: WireError.self) { try parseWriteRequest([0x22, 1, 0x61], .v2) }
    }

    /// One odd series must not keep the others of its sender out for ever.
    @Test(arguments: RemoteWriteVersion.allCases)
    func `a series with too many or too long labels is at fault alone`(version: RemoteWriteVersion) throws {
        let many = Labels((0..<20).map { ("l\($0)", "v") } + [("__name__", "many")])
        let long = Labels("long", ["a": String(repeating: "x", count: 500)])
        let series = [Labels("before"), many, long, Labels("after", ["a": "b"])].map {
            WrittenSeries(columns: SeriesColumns(labels: $0, times: [1], values: [2]))
        }
        let request = try parseWriteRequest(
            writeWriteRequest(WriteRequest(series: series), version), version,
            limits: WriteLimits(labelCountMax: 12, labelByteCountMax: 400))
        #expect(request.series.map { $0.fault != nil } == [false, true, true, false])
        #expect(request.series[1].fault?.contains("more than 12 labels") == true)
        #expect(request.series[2].fault == "the series long has labels of more than 400 bytes")
        #expect(request.series[3].columns.labels == Labels("after", ["a": "b"]))
    }

    @Test(arguments: RemoteWriteVersion.allCases)
    func `damage never traps`(version: RemoteWriteVersion) throws {
        let bytes = writeWriteRequest(Self.makeRequest(version), version)
        for count in bytes.indices { _ = try? parseWriteRequest(Array(bytes.prefix(count)), version) }
        var random = Random(11)
        for _ in 0..<5000 {
            var damaged = bytes
            for _ in 0..<1 + random.next(4) {
                damaged[random.next(damaged.count)] = UInt8(truncatingIfNeeded: random.next(256))
            }
            guard let request = try? parseWriteRequest(damaged, version) else { continue }
            _ = try parseWriteRequest(writeWriteRequest(request, version), version)
        }
    }

    @Test func `the content type says the version`() {
        #expect(RemoteWriteVersion(contentType: "application/x-protobuf") == .v1)
        #expect(RemoteWriteVersion(contentType: "application/x-protobuf; proto=prometheus.WriteRequest") == .v1)
        #expect(RemoteWriteVersion(contentType: RemoteWriteVersion.v2.contentType) == .v2)
        #expect(RemoteWriteVersion(contentType: "application/x-protobuf;proto=other") == nil)
        #expect(
            RemoteWriteVersion(contentType: "application/json") == nil && RemoteWriteVersion(contentType: nil) == nil)
        var reply = WriteReply()
        reply.writtenSamples = 3
        #expect(reply.status == 204 && reply.headers[0].value == "3")
        reply.faults = ["x"]
        #expect(reply.status == 400)
    }
}
