import Exposition
import JSONCoding
import Series
import Testing
import Units

/// Goal: OpenMetrics pages are accepted and refused as the specification says. Method: single cases, and the shared cases of the
/// OpenMetrics project where they lie beside the project.
@Suite struct OpenMetricsTests {
    let now = Timestamp(millisecondsSinceEpoch: 1_800_000_000_000)

    func parse(_ text: String) throws -> SampleBatch { try parseExposition(Array(text.utf8), .openMetrics, at: now) }

    @Test func `types, times in seconds and exemplars are read`() throws {
        let batch = try parse(
            """
            # TYPE foo_seconds counter
            # UNIT foo_seconds seconds
            # HELP foo_seconds A "quoted\\" help
            foo_seconds_total{a="b"} 17.0 1520879607.789 # {trace="x"} 0.5 1520879607.7
            foo_seconds_created{a="b"} 1520872607.123 1520879607.789
            # TYPE bar gauge
            bar 1
            # EOF
            """)
        #expect(batch.rows.count == 3)
        #expect(batch.rows[0].timestamp?.millisecondsSinceEpoch == 1_520_879_607_789)
        #expect(
            batch.metadata["foo_seconds"]
                == MetricMetadata("foo_seconds", .counter, "A \"quoted\" help", unit: "seconds"))
        #expect(
            batch.exemplars == [
                Exemplar(
                    series: Labels("foo_seconds_total", ["a": "b"]), labels: ["trace": "x"], value: 0.5,
                    timestamp: 1_520_879_607_700)
            ])
        #expect(batch.metadata["bar"]?.type == .gauge)
    }

    @Test(arguments: [
        ("a 1\n", "line 1, column 4: the page must end with '# EOF'"),
        ("a  1\n# EOF\n", "line 1, column 3: a number must stand here"),
        ("\n# EOF\n", "line 1, column 1: a metric's name must stand here"),
        ("# EOF\na 1\n", "line 2, column 1: nothing may follow '# EOF'"),
        ("# TYPE a counter\na 1\n# EOF\n", "line 3, column 1: the name 'a' is used by two metrics"),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
            "line 3, column 1: 'a': a bucket counts less than the one before"
        ),
    ])
    func `a fault is named with its place`(text: String, expected: String) {
        let error = #expect(throws: ExpositionError.self) { try parse(text) }
        #expect(error?.summary == expected)
    }

    @Test func `the shared cases are accepted and refused as they say`() throws {
        guard let file = fileBytes(testFolder + "/../../../shared/conformance/openmetrics-cases.jsonl") else {
            print("skipped: ../shared/conformance is not beside the project")
            return
        }
        var count = 0
        for line in file.split(separator: UInt8(ascii: "\n")) {
            let test = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
            let name = try #require(test["name"]?.stringValue)
            let isGood = test["shouldParse"]?.boolValue == true
            // The page is in Latin-1, so that every byte of it survives JSON.
            let page = try #require(test["metrics"]?.stringValue).unicodeScalars.map { UInt8($0.value) }
            do {
                _ = try parseExposition(page, .openMetrics, at: now)
                #expect(isGood, "\(name) was accepted")
            } catch {
                #expect(!isGood, "\(name): \(error)")
            }
            count += 1
        }
        #expect(count > 80)
    }

    /// Histograms of several instants in one label set, as a dump of a past has them.
    @Test func `every series of a label set comes again at each time`() throws {
        var page = "# TYPE h histogram\n"
        for time in 1...3 {
            page += "h_bucket{le=\"1\"} \(time) \(time)\nh_bucket{le=\"+Inf\"} \(time) \(time)\n"
            page += "h_count \(time) \(time)\nh_sum 1 \(time)\n"
        }
        let batch = try parse(page + "# EOF\n")
        #expect(batch.rows.count == 12)
        let times = Dictionary(grouping: batch.rows, by: \.labels).values.map {
            $0.map { $0.timestamp!.millisecondsSinceEpoch }
        }
        #expect(times.count == 4 && times.allSatisfy { $0 == [1000, 2000, 3000] })
    }
}
