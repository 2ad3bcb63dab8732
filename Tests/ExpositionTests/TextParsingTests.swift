import Exposition
import Series
import Testing
import Units

/// Goal: pages of real programs are read as Prometheus reads them, and faults are named with their place. Method: the cases of
/// the format's description, a page of a real node_exporter, and texts that break each rule.
@Suite struct TextParsingTests {
    let now = Timestamp(millisecondsSinceEpoch: 1_800_000_000_000)

    func parse(_ text: String, _ limits: ExpositionLimits = ExpositionLimits()) throws -> SampleBatch {
        try parseExposition(Array(text.utf8), .text, at: now, limits: limits)
    }

    @Test func `the example of the format's description is read in full`() throws {
        let batch = try parse(
            #"""
            # HELP http_requests_total The total number of HTTP requests.
            # TYPE http_requests_total counter
            http_requests_total{method="post",code="200"} 1027 1395066363000
            http_requests_total{method="post",code="400"}    3 1395066363000

            # Escaping in label values:
            msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

            # Minimalistic line:
            metric_without_timestamp_and_labels 12.47

            # A weird metric from before the epoch:
            something_weird{problem="division by zero"} +Inf -3982045

            # HELP rpc_duration_seconds A summary of the \\ RPC\nduration in "seconds".
            # TYPE rpc_duration_seconds summary
            rpc_duration_seconds{quantile="0.01",} 3102
            rpc_duration_seconds_sum 1.7560473e+07
            """#)
        #expect(batch.rows.count == 7)
        #expect(batch.rows[0].labels == Labels("http_requests_total", ["code": "200", "method": "post"]))
        #expect(batch.rows[0].timestamp == Timestamp(millisecondsSinceEpoch: 1_395_066_363_000))
        #expect(batch.rows[2].labels["path"] == #"C:\DIR\FILE.TXT"#)
        #expect(batch.rows[2].labels["error"] == "Cannot find file:\n\"FILE.TXT\"")
        #expect(batch.rows[3] == .init(labels: Labels("metric_without_timestamp_and_labels"), value: 12.47))
        #expect(batch.rows[4].value == .infinity && batch.rows[4].timestamp?.millisecondsSinceEpoch == -3_982_045)
        #expect(batch.rows[6].value == 17_560_473)
        #expect(batch.metadata["http_requests_total"]?.type == .counter)
        #expect(
            batch.metadata["rpc_duration_seconds"]
                == MetricMetadata("rpc_duration_seconds", .summary, "A summary of the \\ RPC\nduration in \"seconds\".")
        )
    }

    @Test(arguments: [
        #"a{__name__="zzz"} 1"#, #"a{"__name__"="zzz"} 1"#, #"{"a",__name__="b"} 1"#, #"{__name__="b"} 1"#,
        #"{"a","b"} 1"#,
        #"a{"b"} 1"#, #"a{x="1",x="2"} 1"#, #"a{x="1","x"="2"} 1"#, #"a{""="x"} 1"#, #"{"",a="b"} 1"#, #"{""} 1"#,
        #"{} 1"#,
    ]) func `a name that is missing, empty or stands twice is refused`(_ line: String) {
        for format in [ExpositionFormat.text, .openMetrics] {
            let page = Array((line + (format == .text ? "\n" : "\n# EOF\n")).utf8)
            #expect(throws: ExpositionError.self) { try parseExposition(page, format, at: now) }
            #expect(throws: ExpositionError.self) {
                var scraped = ScrapePage(limits: ExpositionLimits())
                _ = try scraped.read(page, format)
            }
        }
    }

    @Test func `quoted names and labels are taken, twins of Unicode apart`() throws {
        let batch = try parse(
            "{\"quoted.name\",a=\"b\",\"c.d\"=\"e\"} 1\nm{\"caf\u{E9}\"=\"1\",\"cafe\u{301}\"=\"2\"} 1\n")
        #expect(batch.rows[0].labels == Labels("quoted.name", ["a": "b", "c.d": "e"]))
        #expect(batch.rows[1].labels.pairs.count == 3)
    }

    @Test func `a page of a real node_exporter comes through, and again after writing it`() throws {
        let page = try #require(fileBytes(testFolder + "/Golden/node_exporter.txt"))
        let batch = try parseExposition(page, .text, at: now)
        let lines = page.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }
        #expect(batch.rows.count == lines.count && lines.count > 40)
        #expect(batch.metadata["node_cpu_seconds_total"]?.type == .counter)
        #expect(batch.rows.contains { $0.labels["nodename"] == "web-1" })
        for format in ExpositionFormat.allCases where format == .text {
            let again = try parseExposition(writeExposition(batch, format), format, at: now)
            #expect(Set(again.rows) == Set(batch.rows))
            #expect(again.metadata == batch.metadata)
        }
    }

    @Test func `blanks, line ends of other systems and quoted names are understood`() throws {
        let batch = try parse("  a { b = \"c\" , }\t1\t5 \n\r\n{\"my.metric\", \"a label\"=\"x\"} 2\n")
        #expect(batch.rows[0].labels == Labels("a", ["b": "c"]))
        #expect(batch.rows[0].timestamp?.millisecondsSinceEpoch == 5)
        #expect(batch.rows[1].labels == Labels("my.metric", ["a label": "x"]))
    }

    @Test(arguments: [
        ("a", 1, 2, "a number must stand here"),
        ("ok 1\na{b=\"c\" 1", 2, 9, "',' or '}' must follow the label"),
        ("a{b=c} 1", 1, 5, "a text in quotation marks must stand here"),
        ("a{b=\"é\",b=\"d\"} 1", 1, 9, "the label 'b' stands twice"),
        ("a{b=\"c} 1", 1, 5, "the text that begins here has no closing quotation mark"),
        ("a 1_000", 1, 3, "a number must stand here"),
        ("a 0x10", 1, 3, "a number must stand here"),
        ("a 1 1.5", 1, 5, "a time in whole milliseconds must stand here"),
        ("a 1 1 1", 1, 7, "nothing may follow the time"),
        ("1a 1", 1, 1, "a metric's name must stand here"),
        ("{b=\"c\"} 1", 1, 1, "the metric has no name"),
        (
            "# TYPE a meh", 1, 10,
            "'meh' is no type; it must be counter, gauge, histogram, summary or untyped"
        ),
    ])
    func `a fault is named with line and column`(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: ExpositionError.self) { try parse(text) }
        #expect(error?.summary == "line \(line), column \(column): \(message)")
    }

    @Test func `limits are named when they bite`() {
        let cases: [(String, ExpositionLimits, String)] = [
            ("a 1\nb 2\n", .init(sampleCountMax: 1), "line 2, column 3: the page has more than 1 samples"),
            (
                "a 1\nb 2\n", .init(byteCountMax: 7),
                "line 1, column 1: the page has 8 bytes, more than the 7 that are read"
            ),
            ("a{b=\"1\",c=\"2\"} 1", .init(labelCountMax: 1), "line 1, column 9: the sample has more than 1 labels"),
            ("a{b=\"123456\"} 1", .init(textByteCountMax: 5), "line 1, column 6: the text has more than 5 bytes"),
        ]
        for (text, limits, expected) in cases {
            let error = #expect(throws: ExpositionError.self) { try parse(text, limits) }
            #expect(error?.code == .tooMuch)
            #expect(error?.summary == expected)
        }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: ExpositionError.self) {
            try parseExposition(Array("a{b=\"".utf8) + [0xC3, 0x28] + Array("\"} 1\n".utf8), .text, at: now)
        }
    }

    @Test(arguments: [
        "0", "-0", "1", "007", "1.5", ".5", "5.", "1e3", "1E-3", "123456789012345", "9007199254740993", "0.1", "1e22",
        "1e23", "4.9e-324", "1.7976931348623157e308", "1e400", "-1.25e+2", "3.0000000000000004", "123456789.123456789",
    ])
    func `numbers are read to the last bit`(text: String) throws {
        let value = try parse("a \(text)").rows[0].value
        #expect(value.bitPattern == Double(text.hasPrefix(".") ? "0" + text : text)?.bitPattern)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `random numbers are read to the last bit, random damage never traps`(seed: UInt64) throws {
        var state = seed
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 31
        }
        for _ in 0..<500 {
            let value =
                seed.isMultiple(of: 2) ? Double(bitPattern: random()) : Double(Int64(random() % 1_000_000)) / 1000
            guard value.isFinite else { continue }
            #expect(try parse("a \(value)").rows[0].value.bitPattern == value.bitPattern, "seed \(seed)")
        }
        let page = try #require(fileBytes(testFolder + "/Golden/node_exporter.txt"))
        for format in ExpositionFormat.allCases {
            for _ in 0..<40 {
                var damaged = Array(page.prefix(2000))
                for _ in 0..<3 { damaged[Int(random() % 2000)] = UInt8(truncatingIfNeeded: random()) }
                _ = try? parseExposition(damaged, format, at: now)
            }
        }
    }

    @Test(
        arguments: [
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", ExpositionFormat.openMetrics),
            ("text/plain; version=0.0.4", .text), (nil, .text), ("Application/OpenMetrics-Text", .openMetrics),
        ] as [(String?, ExpositionFormat)])
    func `the content type says the format`(type: String?, format: ExpositionFormat) {
        #expect(ExpositionFormat(contentType: type) == format)
    }
}

/// Goal: bounds are spelled in one way, as Prometheus 3 does. Method: pages of both formats and the remembered page.
@Suite struct BoundSpellingTests {
    @Test func `bounds of histograms and quantiles have a point, other labels are left alone`() throws {
        let text = Array(
            """
            # TYPE h histogram
            h_bucket{le="1"} 1
            h_bucket{le="1e1"} 2
            h_bucket{le="+Inf"} 3
            # TYPE s summary
            s{quantile="1",le="1"} 4
            # TYPE g gauge
            g{le="1"} 5

            """.utf8)
        let expected = [
            Labels("h_bucket", ["le": "1.0"]), Labels("h_bucket", ["le": "10.0"]), Labels("h_bucket", ["le": "+Inf"]),
            Labels("s", ["quantile": "1.0", "le": "1"]), Labels("g", ["le": "1"]),
        ]
        let now = Timestamp(millisecondsSinceEpoch: 0)
        #expect(try parseExposition(text, .text, at: now).rows.map(\.labels) == expected)
        var page = ScrapePage()
        #expect(try page.read(text, .text).appeared.map(\.labels) == expected)
        #expect(page.labels(ofSamples: [1, 3]) == [1: expected[1], 3: expected[3]])
        let more = Array("# TYPE h2 histogram\nh2{le=\"7\"} 1\n".utf8) + text
        #expect(try page.read(more, .text).appeared.map(\.labels) == [Labels("h2", ["le": "7.0"])])
        let strict = Array("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n# EOF\n".utf8)
        #expect(try parseExposition(strict, .openMetrics, at: now).rows[0].labels["le"] == "1.0")
    }
}
