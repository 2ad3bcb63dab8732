import Exposition
import JSONCoding
import Series
import Testing
import Units

/// Goal: reading a page by comparison gives what reading it alone gives, whatever the page before was. Method: pages that are edited at
/// random (values, lines gone, new, moved, repeated, damaged) are read by one `ScrapePage` after another; a book of slots is kept
/// as a store would, and compared with `parseExposition`.
@Suite struct ScrapePageTests {
    /// What a store knows of a target: labels by slot.
    struct Book {
        var page = ScrapePage()
        var labels: [Int: Labels] = [:]

        mutating func read(_ bytes: [UInt8], _ format: ExpositionFormat) throws -> ScrapePage.Changes {
            let slotsBefore = page.slots
            let changes = try page.read(bytes, format)
            for series in changes.vanished {
                #expect(
                    labels.removeValue(forKey: series.slot) != nil, "slot \(series.slot) vanished and was not there")
            }
            for series in changes.appeared {
                #expect(
                    labels.updateValue(series.labels, forKey: series.slot) == nil, "slot \(series.slot) has two series")
            }
            if changes.isSameLayout { #expect(page.slots == slotsBefore) }
            return changes
        }

        /// The samples as `parseExposition` would give them.
        var rows: [String] {
            page.slots.indices.map { index in
                let time = page.times.isEmpty || page.times[index] == .min ? "" : " \(page.times[index])"
                return "\(labels[Int(page.slots[index])]!) \(page.values[index].bitPattern)\(time)"
            }
        }
    }

    /// The rows of a whole reading, without those that repeat a series and have no time.
    func rows(_ bytes: [UInt8], _ format: ExpositionFormat) throws -> [String] {
        let batch = try parseExposition(bytes, format, at: Timestamp(millisecondsSinceEpoch: 0))
        var seen: Set<Labels> = []
        return batch.rows.filter { seen.insert($0.labels).inserted || $0.timestamp != nil }.map { row in
            let time = row.timestamp.map { " \($0.millisecondsSinceEpoch)" } ?? ""
            return "\(row.labels) \(row.value.bitPattern)\(time)"
        }
    }

    func text(_ lines: String...) -> [UInt8] { Array(lines.map { $0 + "\n" }.joined().utf8) }

    @Test func `values change, series come, go and move, and keep their slots`() throws {
        var book = Book()
        var changes = try book.read(text("# TYPE a counter", "a{x=\"1\"} 1", "a{x=\"2\"} 2", "b 3"), .text)
        #expect(changes.appeared.map(\.slot) == [0, 1, 2] && !changes.isSameLayout)
        #expect(changes.metadata.map(\.name) == ["a"])

        changes = try book.read(text("# TYPE a counter", "a{x=\"1\"} 1", "a{x=\"2\"} 27.5", "b -3e5"), .text)
        #expect(changes.isSameLayout && changes.appeared.isEmpty && changes.metadata.isEmpty)
        #expect(book.page.values == [1, 27.5, -300_000])

        changes = try book.read(text("# TYPE a counter", "c 9", "b 4", "a{x=\"2\"} 5"), .text)
        #expect(changes.appeared == [.init(slot: 3, labels: Labels("c"))])
        #expect(changes.vanished == [.init(slot: 0, hadTime: false)] && changes.metadata.isEmpty)
        #expect(book.page.slots == [3, 2, 1] && book.page.values == [9, 4, 5])

        changes = try book.read(text("# TYPE a gauge", "c 9", "b 4", "a{x=\"2\"} 5", "d 1"), .text)
        #expect(changes.metadata == [MetricMetadata("a", .gauge, "")])
        #expect(changes.appeared == [.init(slot: 0, labels: Labels("d"))], "a slot is used again later")
        #expect(book.page.labels(ofSamples: [0, 2]) == [0: Labels("c"), 2: Labels("a", ["x": "2"])])
        #expect(book.page.metadata()["a"]?.type == .gauge)
    }

    @Test func `a series that is spelled another way stays the same series`() throws {
        var book = Book()
        _ = try book.read(text("a{x=\"1\",y=\"2\"} 1", "b 2"), .text)
        let changes = try book.read(text("a{y=\"2\",x=\"1\"} 3", "b 2", "{\"my.metric\",z=\"é\"} 4"), .text)
        #expect(changes.vanished.isEmpty && changes.appeared.map(\.labels) == [Labels("my.metric", ["z": "é"])])
        #expect(book.page.slots.prefix(2) == [0, 1] && book.page.values == [3, 2, 4])
    }

    @Test func `a repeated series counts once, with times it counts each time`() throws {
        var book = Book()
        let changes = try book.read(text("a 1", "a 2", "b 1 5", "b 2 6", "c 3"), .text)
        #expect(changes.appeared.count == 3 && book.page.values == [1, 1, 2, 3])
        #expect(book.page.repeatedSlots == [0])
        #expect(book.page.times == [.min, 5, 6, .min])
        #expect(try book.read(text("a 4", "a 5", "b 1 7", "b 2 8", "c 3"), .text).isSameLayout)
        #expect(book.page.values == [4, 1, 2, 3] && book.page.times == [.min, 7, 8, .min])
        #expect(book.page.repeatedSlots == [0], "the next page repeats it too")
        let gone = try book.read(text("a 4"), .text)
        #expect(gone.vanished == [.init(slot: 1, hadTime: true), .init(slot: 2, hadTime: false)])
        #expect(book.page.repeatedSlots.isEmpty)
        _ = try book.read(text("b{x=\"1\",y=\"2\"} 1", "b{x=\"1\",y=\"2\"} 2"), .text)
        _ = try book.read(text("b{y=\"2\",x=\"1\"} 1", "b{y=\"2\",x=\"1\"} 2"), .text)
        #expect(book.page.repeatedSlots == book.page.slots, "spelled another way it is the same series")
        _ = try book.read(text("# TYPE a gauge", "a{x=\"1\"} 1", "a{x=\"2\"} 1", "a{x=\"2\"} 2", "# EOF"), .openMetrics)
        #expect(book.page.repeatedSlots == [book.page.slots[1]] && book.page.values == [1, 1])
    }

    @Test func `a refused page changes nothing and names its place`() throws {
        var book = Book()
        _ = try book.read(text("a 1", "b 2"), .text)
        let before = book.rows
        for (bad, place) in [
            (text("a 5", "b x"), "line 2, column 3"), (text("a 5", "b 2 y"), "line 2, column 5"),
            (text("a 5", "c{d=\"} 2"), "line 2, column 5"), (text("a 5", "b 0x1F"), "line 2, column 3"),
        ] {
            let error = #expect(throws: ExpositionError.self) { try book.page.read(bad, .text) }
            #expect(error?.summary.hasPrefix(place) == true, "\(String(describing: error?.summary))")
            #expect(book.rows == before)
        }
        #expect(try book.read(text("a 6", "b 7"), .text).isSameLayout)
        #expect(book.page.values == [6, 7])
    }

    @Test func `histograms of OpenMetrics are judged again when a value changes`() throws {
        func page(_ one: String, _ two: String, _ count: String, _ tail: String = "") -> [UInt8] {
            text(
                "# TYPE h histogram", "h_bucket{le=\"1\"} \(one)\(tail)", "h_bucket{le=\"+Inf\"} \(two)",
                "h_count \(count)",
                "h_sum 4.5", "# TYPE t counter", "t_total 7", "# EOF")
        }
        var book = Book()
        _ = try book.read(page("1", "2", "2"), .openMetrics)
        #expect(try book.read(page("2", "3", "3"), .openMetrics).isSameLayout)
        for bad in [page("4", "3", "3"), page("2", "3", "4"), page("-2", "3", "3"), page("1.5", "3", "3")] {
            #expect(throws: ExpositionError.self) { try book.page.read(bad, .openMetrics) }
        }
        #expect(book.page.values == [2, 3, 3, 4.5, 7])
        var changes = try book.read(page("3", "4", "4", " # {trace=\"x\"} 0.5 1520879607.7"), .openMetrics)
        #expect(changes.isSameLayout)
        #expect(
            changes.exemplars == [
                .init(sample: 0, labels: ["trace": "x"], value: 0.5, timestamp: 1_520_879_607_700)
            ])
        changes = try book.read(page("4", "5", "5", " # {trace=\"x\"} 0.5 1520879607.7"), .openMetrics)
        #expect(changes.exemplars.isEmpty && book.page.values[0] == 4)
        changes = try book.read(page("5", "6", "6", " # {trace=\"yy\"} 0.5"), .openMetrics)
        #expect(changes.exemplars.map(\.labels) == [["trace": "yy"]])
    }

    @Test func `the shared cases have the same verdict after any other of them`() throws {
        guard let file = fileBytes(testFolder + "/../../../shared/conformance/openmetrics-cases.jsonl") else {
            print("skipped: ../shared/conformance is not beside the project")
            return
        }
        var book = Book()
        var count = 0
        let cases = try file.split(separator: UInt8(ascii: "\n")).map {
            try JSONValue(parsing: String(decoding: $0, as: UTF8.self))
        }
        // Once by the long way, once with the page itself before it, once after its neighbour.
        for test in cases + cases.reversed() {
            let isGood = test["shouldParse"]?.boolValue == true
            let page = try #require(test["metrics"]?.stringValue).unicodeScalars.map { UInt8($0.value) }
            for _ in 0..<2 {
                do {
                    _ = try book.read(page, .openMetrics)
                    #expect(isGood, "\(test["name"]?.stringValue ?? "") was accepted")
                    #expect(book.rows == (try rows(page, .openMetrics)))
                } catch let error as ExpositionError {
                    #expect(!isGood, "\(test["name"]?.stringValue ?? ""): \(error)")
                }
                count += 1
            }
        }
        #expect(count > 320)
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `random edits give what a whole reading gives`(seed: UInt64) throws {
        var random = Random(seed)
        for format in [ExpositionFormat.text, .openMetrics] {
            var lines = try startingLines(format)
            var book = Book()
            for step in 0..<60 {
                edit(&lines, &random, isHarsh: step % 7 == 6)
                var page = Array(lines.joined(separator: "\n").utf8)
                if random.next(3) > 0 { page.append(UInt8(ascii: "\n")) }
                if random.next(12) == 0, !page.isEmpty {
                    page[random.next(page.count)] = UInt8(truncatingIfNeeded: random.next(256))
                }
                let before = book.rows
                let expected: [String]
                do {
                    expected = try rows(page, format)
                } catch let error as ExpositionError {
                    let own = #expect(throws: ExpositionError.self, "seed \(seed)") { try book.page.read(page, format) }
                    #expect(own == error, "seed \(seed), step \(step)")
                    #expect(book.rows == before, "seed \(seed), step \(step)")
                    lines = try startingLines(format)
                    continue
                }
                _ = try book.read(page, format)
                #expect(book.rows == expected, "seed \(seed), step \(step), \(format)")
                #expect(book.labels.count == Set(book.page.slots).count)
            }
        }
    }

    private func startingLines(_ format: ExpositionFormat) throws -> [String] {
        if format == .text {
            let page = try #require(fileBytes(testFolder + "/Golden/node_exporter.txt"))
            return String(decoding: page, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        return """
            # TYPE go_threads gauge
            go_threads 7
            # TYPE req counter
            # HELP req requests
            req_total{code="200"} 17
            req_total{code="500"} 1
            # TYPE lat histogram
            lat_bucket{h="a",le="0.5"} 1 # {trace="x"} 0.4
            lat_bucket{h="a",le="+Inf"} 2
            lat_count{h="a"} 2
            lat_sum{h="a"} 1.5
            lat_bucket{h="b",le="0.5"} 1
            lat_bucket{h="b",le="+Inf"} 2
            lat_count{h="b"} 2
            lat_sum{h="b"} 1.5
            # TYPE s stateset
            s{s="on"} 1
            s{s="off"} 0
            # TYPE i info
            i_info{version="1"} 1
            # TYPE t gauge
            t 4 123.5
            # EOF
            """.split(separator: "\n").map(String.init)
    }

    private func edit(_ lines: inout [String], _ random: inout Random, isHarsh: Bool) {
        for _ in 0..<random.next(6) {
            let index = random.next(lines.count)
            guard !lines[index].hasPrefix("#"), let blank = lines[index].lastIndex(of: " ") else { continue }
            let value = [
                "\(random.next(1000))", "\(Double(random.next(100_000)) / 1000)", "1e\(random.next(20))", "NaN", "3",
            ]
            lines[index] = lines[index][..<blank] + " " + value[random.next(value.count)]
            if random.next(20) == 0 { lines[index] += " \(random.next(2000))" }
        }
        guard isHarsh else { return }
        switch random.next(5) {
        case 0: lines.remove(at: random.next(lines.count))
        case 1: lines.swapAt(random.next(lines.count), random.next(lines.count))
        case 2:
            lines.insert(
                "new_\(random.next(9)){a=\"\(random.next(9))\"} \(random.next(9))", at: random.next(lines.count))
        case 3: lines.insert(lines[random.next(lines.count)], at: random.next(lines.count))
        default: lines.insert("# HELP new_\(random.next(9)) words", at: random.next(lines.count))
        }
    }
}

/// A small seeded generator.
struct Random {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func bits() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func next(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(bits() >> 11) % bound }
}
