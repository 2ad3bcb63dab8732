import ClientSettings
import Diagnostics
import Exposition
import Foundation
import Logging
import Relabelling
import Series
import TestSupport
import Testing
import Units

@testable import Scraping

/// Goal: what a scrape stores, and what it says when it fails, is what the reference stores and says. Method: a real HTTP server
/// whose pages the test writes, a clock that the test moves, and a store that remembers.
@Suite struct ScrapeLoopTests {
    /// A running manager over one server.
    final class Site: Sendable {
        let server: PageServer
        let store = RecordingStore()
        let clock = ManualClock()
        let manager: ScrapeManager

        init(_ change: (inout ScrapeJob) throws -> Void = { _ in }) throws {
            server = try PageServer()
            try server.write("metrics", "a 1\nb{x=\"1\"} 2\n")
            manager = ScrapeManager(
                [try Self.job(server, change)], appendingTo: store, clock: clock, wallClock: clock.wall,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, userAgent: "jaga/test")
        }

        static func job(_ server: PageServer, _ change: (inout ScrapeJob) throws -> Void = { _ in }) throws -> ScrapeJob
        {
            var job = ScrapeJob(name: "shop", interval: .seconds(15), timeout: .seconds(10))
            job.discoveries = [.fixed(targets: [server.address], labels: ["rack": "r1"])]
            try change(&job)
            return job
        }

        /// Runs the manager while `body` does its steps.
        func run(_ body: () async throws -> Void) async throws {
            let task = Task { await manager.run() }
            do {
                try await body()
            } catch {
                task.cancel()
                await task.value
                throw error
            }
            task.cancel()
            await task.value
        }

        /// Moves the clock to the next scrape and waits until it is done.
        func scrape(_ times: Int = 1) async throws {
            for _ in 0..<times {
                let before = scrapeCount
                try await waitUntil("a scrape") {
                    if scrapeCount > before { return true }
                    if clock.sleeperCount > 0 { try await clock.advanceToNextSleeper() }
                    return false
                }
                try await clock.waitForSleepers()
            }
        }

        var scrapeCount: Int { manager.report.active.reduce(0) { $0 + $1.scrapeCount } }
        var target: TargetStatus? { manager.report.active.first }
    }

    @Test func `a page becomes samples with the target's labels, and the scrape reports of itself`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape()
            let instance = site.server.address
            #expect(
                site.store.series("b") == [
                    ["__name__": "b", "x": "1", "job": "shop", "instance": instance, "rack": "r1"]
                ])
            #expect(site.store.values("a") == ["1.0"])
            #expect(site.store.values("up") == ["1.0"])
            #expect(site.store.values("scrape_samples_scraped") == ["2.0"])
            #expect(site.store.values("scrape_samples_post_metric_relabeling") == ["2.0"])
            #expect(site.store.values("scrape_series_added") == ["2.0"])
            #expect(site.store.samples("scrape_duration_seconds").count == 1)
            #expect(site.store.series("scrape_timeout_seconds").isEmpty)
            let target = try #require(site.target)
            #expect(target.health == .up && target.lastError == nil && target.sampleCount == 2)
        }
    }

    @Test func `the time from scrape to scrape is a summary by interval, as the reference has it`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape(4)
            var batch = SampleBatch(at: site.clock.time)
            site.manager.reportIntervals(into: &batch)
            let name = "prometheus_target_interval_length_seconds"
            let shares = ["0.01", "0.05", "0.5", "0.9", "0.99"]
            #expect(
                batch.rows.map(\.labels)
                    == shares.map { Labels(name, ["interval": "15s", "quantile": $0]) }
                    + ["_sum", "_count"].map { Labels(name + $0, ["interval": "15s"]) })
            // The test's clock may move while a scrape is under way, so that single ones come late, as on a busy machine.
            #expect(batch.rows[6].value == 3 && batch.rows[5].value >= 30 && batch.rows[0].value > 0)
            #expect(batch.metadata[name]?.type == .summary)
        }
    }

    @Test func `lengths are kept apart by the interval that was asked for`() {
        let lengths = IntervalLengths()
        let now = Timestamp(secondsSinceEpoch: 1_800_000_000)
        for seconds in [15.0, 15, 16] { lengths.add(.seconds(seconds), of: .seconds(15), at: now) }
        lengths.add(.seconds(61), of: .seconds(60), at: now)
        var batch = SampleBatch(at: now)
        lengths.report(into: &batch)
        #expect(batch.rows.filter { $0.labels["interval"] == "15s" }.map(\.value) == [15, 15, 15, 16, 16, 46, 3])
        #expect(batch.rows.filter { $0.labels["interval"] == "1m" }.map(\.value) == [61, 61, 61, 61, 61, 61, 1])
    }

    @Test func `the request says what it wants`() async throws {
        let site = try Site {
            $0.client.headers = [.init(name: "X-Own", values: [.text(Secret("1")), .text(Secret("2"))])]
            $0.client.authorization = .header(type: "Bearer", credentials: .text(Secret("token")))
            $0.params = ["q": ["a b"]]
        }
        try await site.run {
            try await site.scrape()
            let request = try site.server.lastRequest()
            #expect(request.hasPrefix("/metrics?q=a+b\n"))
            for line in [
                "accept: application/openmetrics-text;version=1.0.0;", "x-prometheus-scrape-timeout-seconds: 10",
                "user-agent: jaga/test", "accept-encoding: gzip", "authorization: Bearer token", "x-own: 1", "x-own: 2",
            ] { #expect(request.contains("\n\(line)"), "\(line) in \(request)") }
        }
    }

    /// A page that was cut off looks like one whose series have vanished.
    @Test func `gzip that is not whole is no page`() async throws {
        let site = try Site()
        try await site.run {
            for kind in ["cut", "no-sum", "wrong-sum", "empty", "zlib"] {
                try site.server.write("gzip", kind)
                try await site.scrape()
                #expect(site.target?.lastError?.contains("cannot be unpacked") == true, "\(kind)")
            }
            #expect(site.store.values("up") == [String](repeating: "0.0", count: 5) && site.store.values("a") == [])
            try site.server.write("gzip", "two")
            try await site.scrape()
            #expect(site.store.values("up").last == "1.0" && site.store.values("a") == ["1.0"])
        }
    }

    @Test func `series that vanish and scrapes that fail end with stale markers`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape()
            try site.server.write("metrics", "b{x=\"1\"} 3\n")
            try await site.scrape()
            #expect(site.store.values("a") == ["1.0", "stale"])
            #expect(site.store.values("scrape_series_added") == ["2.0", "0.0"])
            try site.server.write("status", "500")
            try await site.scrape(2)
            #expect(site.store.values("b") == ["2.0", "3.0", "stale"])
            #expect(site.store.values("up") == ["1.0", "1.0", "0.0", "0.0"])
            #expect(site.target?.lastError == "server returned HTTP status 500")
            site.server.remove("status")
            try await site.scrape()
            #expect(site.store.values("b") == ["2.0", "3.0", "stale", "3.0"])
            #expect(site.store.values("a") == ["1.0", "stale"])
            #expect(site.target?.failureCount == 2)
        }
    }

    @Test func `a target that is taken out ends, one that stays goes on`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape()
            site.manager.replace(with: [try Site.job(site.server)])
            try await site.scrape()
            #expect(site.store.values("a") == ["1.0", "1.0"])
            #expect(site.target?.scrapeCount == 2)
            site.manager.replace(with: [])
            try await waitUntil("the end") { site.store.values("up").last == "stale" }
            #expect(site.store.values("a") == ["1.0", "1.0", "stale"])
            #expect(site.manager.report.active.isEmpty)
        }
    }

    @Test func `a stop of the program writes no ends`() async throws {
        let site = try Site()
        try await site.run { try await site.scrape() }
        #expect(site.store.values("a") == ["1.0"])
    }

    @Test func `clashing labels are kept as exported, or win where they are honoured`() async throws {
        let page = "a{job=\"own\",exported_job=\"old\",rack=\"x\"} 1\n"
        let plain = try Site()
        try plain.server.write("metrics", page)
        try await plain.run {
            try await plain.scrape()
            let labels = try #require(plain.store.series("a").first)
            #expect(labels["job"] == "shop" && labels["rack"] == "r1" && labels["exported_rack"] == "x")
            #expect(labels["exported_job"] == "old" && labels["exported_exported_job"] == "own")
        }
        let honest = try Site { $0.honorsLabels = true }
        try honest.server.write("metrics", page)
        try await honest.run {
            try await honest.scrape()
            let labels = try #require(honest.store.series("a").first)
            #expect(labels["job"] == "own" && labels["rack"] == "x" && labels["exported_job"] == "old")
        }
    }

    @Test func `times of the page count unless told otherwise`() async throws {
        let time: Int64 = 1_767_225_000_000
        let site = try Site()
        try site.server.write("metrics", "a 1 \(time)\nb 2\n")
        try await site.run {
            try await site.scrape()
            #expect(site.store.samples("a").map(\.time) == [time])
            try site.server.write("metrics", "c 2\n")
            try await site.scrape()
            // The series had times of its own, so its end is not ours to say.
            #expect(site.store.values("a") == ["1.0"])
            #expect(site.store.values("b") == ["2.0", "stale"])
        }
        let deaf = try Site { $0.honorsTimestamps = false }
        try deaf.server.write("metrics", "a 1 \(time)\n")
        try await deaf.run {
            try await deaf.scrape()
            #expect(deaf.store.samples("a").map(\.time) == [deaf.target!.lastScrape!.millisecondsSinceEpoch])
        }
        let tracking = try Site { $0.tracksTimestampStaleness = true }
        try tracking.server.write("metrics", "a 1 \(time)\n")
        try await tracking.run {
            try await tracking.scrape()
            try tracking.server.write("metrics", "b 1\n")
            try await tracking.scrape()
            #expect(tracking.store.values("a") == ["1.0", "stale"])
        }
    }

    @Test func `metric relabelling drops and renames, also when two series become one`() async throws {
        let site = try Site {
            $0.metricRelabelRules = [
                try RelabelRule(action: .drop, sourceLabels: ["__name__"], pattern: "go_.*"),
                try RelabelRule(
                    sourceLabels: ["__name__"], targetLabel: "__name__", pattern: "old_(.*)", replacement: "new_$1"),
                try RelabelRule(action: .labeldrop, pattern: "pod"),
            ]
        }
        try site.server.write("metrics", "go_x 1\nold_y 2\nz{pod=\"1\"} 3\nz{pod=\"2\"} 4\n")
        try await site.run {
            try await site.scrape()
            #expect(site.store.values("new_y") == ["2.0"])
            #expect(!site.store.names.contains("go_x"))
            #expect(site.store.values("scrape_samples_scraped") == ["4.0"])
            #expect(site.store.values("scrape_samples_post_metric_relabeling") == ["3.0"])
            // What a page repeats is stored once and counts each time, in each scrape.
            try site.server.write("metrics", "go_x 1\ngo_x 1\nold_y 2\nold_y 3\nz{pod=\"1\"} 3\nz{pod=\"2\"} 4\n")
            for _ in 1...2 {
                try await site.scrape()
                #expect(site.store.values("new_y").last == "2.0")
                #expect(site.store.values("scrape_samples_scraped").last == "6.0")
                #expect(site.store.values("scrape_samples_post_metric_relabeling").last == "4.0")
            }
            // One of the two goes; the series that both became lives on.
            try site.server.write("metrics", "old_y 2\nz{pod=\"2\"} 5\n")
            try await site.scrape()
            #expect(site.store.values("z").last == "5.0")
        }
    }

    @Test(arguments: [
        ("sample_limit", "sample limit exceeded"), ("label_limit", "label_limit exceeded (metric: b"),
        ("label_name_length_limit", "label_name_length_limit exceeded"),
        ("label_value_length_limit", "label_value_length_limit exceeded"),
        ("body_size_limit", "body size limit exceeded"),
        ("target_limit", "target_limit exceeded"),
    ])
    func `over a limit the scrape fails as a whole and recovers`(limit: String, words: String) async throws {
        let site = try Site {
            switch limit {
            case "sample_limit": $0.limits.samples = 3
            case "label_limit": $0.limits.labels = 6
            case "label_name_length_limit": $0.limits.labelNameBytes = 10
            case "label_value_length_limit": $0.limits.labelValueBytes = 25
            case "body_size_limit": $0.limits.body = ByteCount(200)
            default: $0.limits.targets = 0
            }
        }
        let good = "a 1\nb{x=\"1\"} 2\n"
        let bad =
            "a 1\nb{x=\"1\"} 2\nb{x=\"2\",y=\"1\",z=\"1\"} 3\nc{averylongname=\"\(String(repeating: "v", count: 40))\"} 2\n"
            + "# \(String(repeating: "-", count: 200))\n"
        try await site.run {
            if limit == "target_limit" {
                try await site.scrape()
                #expect(site.target?.lastError?.contains(words) == true)
                #expect(site.store.values("up") == ["0.0"])
                return
            }
            try site.server.write("metrics", good)
            try await site.scrape()
            try site.server.write("metrics", bad)
            try await site.scrape(2)
            #expect(site.target?.lastError?.contains(words) == true, "\(site.target?.lastError ?? "")")
            #expect(site.store.values("up") == ["1.0", "0.0", "0.0"])
            #expect(site.store.values("a") == ["1.0", "stale"])
            if limit == "sample_limit" {
                #expect(site.store.values("scrape_samples_scraped").last == "4.0")
                #expect(site.store.values("scrape_samples_post_metric_relabeling").last == "4.0")
            }
            try site.server.write("metrics", good)
            try await site.scrape()
            #expect(site.store.values("a") == ["1.0", "stale", "1.0"])
            #expect(site.target?.health == .up && site.target?.lastError == nil)
        }
    }

    @Test func `a page that is none fails, and the type of it must be known`() async throws {
        let site = try Site()
        try await site.run {
            try site.server.write("metrics", "a{ 1\n")
            try await site.scrape()
            #expect(site.target?.lastError?.contains("line 1") == true)
            try site.server.write("metrics", "a 1\n")
            try site.server.write("type", "text/html")
            try await site.scrape()
            #expect(
                site.target?.lastError
                    == "received unsupported Content-Type 'text/html' and no fallback_scrape_protocol specified for target"
            )
            try site.server.write("type", "application/openmetrics-text; version=1.0.0")
            try site.server.write("metrics", "# TYPE a counter\na_total 1 # {trace_id=\"t\"} 0.5\n# EOF\n")
            try await site.scrape()
            #expect(site.store.values("a_total") == ["1.0"])
            #expect(site.store.metadata["a"]?.type == .counter)
            #expect(site.store.exemplars.map(\.labels) == [["trace_id": "t"]])
            #expect(site.store.exemplars.first?.series["rack"] == "r1")
        }
        let lenient = try Site { $0.fallbackProtocol = .text004 }
        try lenient.server.write("type", "")
        try await lenient.run {
            try await lenient.scrape()
            #expect(lenient.store.values("a") == ["1.0"])
        }
    }

    @Test func `a slow target fails in time`() async throws {
        let site = try Site { $0.timeout = .milliseconds(300) }
        try site.server.write("slow", "5")
        try await site.run {
            try await site.scrape()
            #expect(site.store.values("up") == ["0.0"])
            #expect(site.target?.lastError?.contains("timed out") == true, "\(site.target?.lastError ?? "")")
        }
    }

    @Test func `a store that forgot is asked again, one that is full is not`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape()
            site.store.forgetAll()
            try await site.scrape(2)
            #expect(site.store.values("a") == ["1.0", "1.0", "1.0"])
            #expect(site.store.values("up").count >= 2)
            let asked = site.store.askedCount
            try await site.scrape(3)
            #expect(site.store.askedCount == asked)
            site.store.limitSeries(to: 0)
            try site.server.write("metrics", "a 1\nb{x=\"1\"} 2\nnew 3\n")
            try await site.scrape()
            #expect(!site.store.names.contains("new"))
            #expect(site.target?.refusedSampleCount == 1)
            // The page does not change, and what is refused of it is counted all the same.
            try await site.scrape(3)
            #expect(site.store.refusedCounts.suffix(3) == [1, 1, 1])
        }
    }

    @Test func `further metrics are written where they are asked for`() async throws {
        let site = try Site {
            $0.hasExtraMetrics = true
            $0.limits.samples = 100
        }
        try await site.run {
            try await site.scrape()
            #expect(site.store.values("scrape_timeout_seconds") == ["10.0"])
            #expect(site.store.values("scrape_sample_limit") == ["100.0"])
            #expect(site.store.values("scrape_body_size_bytes") == ["15.0"])
        }
    }

    @Test func `a target's own up does not stand in for ours`() async throws {
        let site = try Site()
        try site.server.write("metrics", "up 0\nup{x=\"1\"} 0\n")
        try await site.run {
            try await site.scrape()
            #expect(site.store.values("up", ["x": ""]) == ["1.0"])
            #expect(site.store.values("up", ["x": "1"]) == ["0.0"])
        }
    }

    @Test func `metadata are listed by target`() async throws {
        let site = try Site()
        try site.server.write("metrics", "# HELP a What a is.\n# TYPE a gauge\na 1\n")
        try await site.run {
            try await site.scrape()
            let found = await site.manager.metadata([LabelMatcher("rack", equals: "r1")], metric: "a")
            #expect(found.map(\.metadata) == [MetricMetadata("a", .gauge, "What a is.")])
            #expect(await site.manager.metadata([LabelMatcher("rack", equals: "other")]).isEmpty)
        }
    }

    @Test func `scrapes keep to the grid and are stored as of it`() async throws {
        let site = try Site()
        try await site.run {
            try await site.scrape(4)
            let times = site.store.samples("up").map(\.time)
            #expect(times.count == 4)
            #expect(zip(times.dropFirst(2), times.dropFirst()).allSatisfy { $0 - $1 == 15_000 })
        }
    }

    @Test func `series begin with a zero at the time that the target names, once`() async throws {
        let site = try Site { $0.storesCreatedZeros = true }
        try site.server.write("type", ScrapeProtocol.openMetrics100.mediaType)
        let start = Double(site.clock.time.millisecondsSinceEpoch) / 1000 - 90.5
        func page(_ created: Double, _ count: Int) -> String {
            """
            # TYPE c counter
            c_total{a="1"} \(count)
            c_created{a="1"} \(created)
            c_total{a="2"} 7
            # TYPE h histogram
            h_bucket{le="1.0"} 1
            h_bucket{le="+Inf"} \(count)
            h_count \(count)
            h_sum 2
            h_created \(created)
            # TYPE s summary
            s{quantile="0.5"} 1
            s_count \(count)
            s_created \(created)
            # TYPE g gauge
            g 1
            # TYPE x_created gauge
            x_created 5
            # EOF

            """
        }
        try site.server.write("metrics", page(start, 5))
        try await site.run {
            try await site.scrape(2)
            #expect(site.target?.lastError == nil && site.target?.sampleCount == 10)
            for name in ["c_total", "h_count", "h_sum", "s_count"] {
                let samples = site.store.samples(name, name == "c_total" ? ["a": "1"] : [:])
                #expect(samples.map(\.value).first == 0 && samples.count == 3, "\(name): \(samples)")
                #expect(samples.first?.time == Int64(start * 1000))
            }
            #expect(site.store.values("h_bucket", ["le": "1.0"]) == ["0.0", "1.0", "1.0"])
            #expect(site.store.values("c_total", ["a": "2"]) == ["7.0", "7.0"])
            #expect(site.store.values("s") == ["0.0", "1.0", "1.0"])
            #expect(site.store.values("g") == ["1.0", "1.0"] && site.store.values("x_created") == ["5.0", "5.0"])
            #expect(["c_created", "h_created", "s_created"].allSatisfy { site.store.series($0).isEmpty })
            // The target started anew; a time that is yet to come is none.
            try site.server.write("metrics", page(start + 95, 2))
            try await site.scrape()
            try site.server.write("metrics", page(start + 1e6, 3))
            try await site.scrape()
            #expect(site.store.values("h_count") == ["0.0", "5.0", "5.0", "0.0", "2.0", "3.0"])
        }
    }

    @Test func `protocol buffers name the time beside the value`() async throws {
        let site = try Site {
            $0.protocols = ScrapeProtocol.withHistograms
            $0.storesCreatedZeros = true
        }
        var native = NativeHistogram(schema: 3)
        native.count = 1
        native.zeroThreshold = 0.5
        native.zeroCount = 1
        let created = site.clock.time.millisecondsSinceEpoch - 60_000
        let families = [
            MetricFamily(
                name: "c_total", help: "", type: .counter,
                metrics: [.init(labels: [:], value: .number(4), createdTime: created)]),
            MetricFamily(
                name: "h", help: "", type: .histogram,
                metrics: [
                    .init(
                        labels: [:], value: .histogram(count: 1, sum: 0, buckets: [], native: native),
                        createdTime: created)
                ]),
        ]
        try site.server.write("type", ScrapeProtocol.protobuf.mediaType)
        try site.server.write("metrics", bytes: writeMetricFamilies(families))
        try await site.run {
            try await site.scrape(2)
            #expect(site.store.values("c_total") == ["0.0", "4.0", "4.0"])
            #expect(site.store.samples("c_total").first?.time == created)
            let found = site.store.histograms("h")
            #expect(found.map(\.count) == [0, 1, 1] && found.first?.zeroThreshold == 0.5)
        }
    }

    @Test func `native histograms come by protobuf, within the limit on their buckets`() async throws {
        var native = NativeHistogram(schema: 3)
        native.count = 8
        native.sum = 20
        native.positiveSpans = [.init(offset: 1, length: 8)]
        native.positiveBuckets = [Double](repeating: 1, count: 8)
        let family = MetricFamily(
            name: "h", help: "An h.", type: .histogram,
            metrics: [
                .init(
                    labels: ["x": "1"],
                    value: .histogram(count: 8, sum: 20, buckets: [.init(1, 3), .init(.infinity, 8)], native: native))
            ])
        for (most, schema, count) in [(100, 3, 8), (5, 2, 4), (1, 0, 1)] as [(Int, Int8, Int)] {
            let site = try Site {
                $0.protocols = ScrapeProtocol.withHistograms
                $0.limits.histogramBuckets = most
                $0.scrapesClassicHistograms = most == 100
            }
            try site.server.write("type", ScrapeProtocol.protobuf.mediaType)
            try site.server.write("metrics", bytes: writeMetricFamilies([family]))
            try await site.run {
                try await site.scrape()
                #expect(site.target?.lastError == nil, "\(site.target?.lastError ?? "")")
                let found = try #require(site.store.histograms("h").first)
                #expect(found.schema == schema && found.positiveBuckets.count == count, "\(found)")
                #expect(found.positiveBuckets.reduce(0, +) == 8)
                #expect(site.store.series("h_bucket").count == (most == 100 ? 2 : 0))
                #expect(try site.server.lastRequest().contains("accept: application/vnd.google.protobuf"))
            }
        }
    }

    @Test func `classic histograms become native ones where that is asked for`() async throws {
        let site = try Site { $0.convertsClassicHistograms = true }
        try site.server.write(
            "metrics",
            """
            # TYPE h histogram
            h_bucket{le="1"} 2
            h_bucket{le="5"} 5
            h_bucket{le="10"} 5
            h_bucket{le="+Inf"} 6
            h_sum 19
            h_count 6
            # TYPE bad histogram
            bad_bucket{le="1"} 3
            bad_bucket{le="+Inf"} 2
            bad_sum 1
            bad_count 2
            other_count 7

            """)
        try await site.run {
            try await site.scrape()
            let found = try #require(site.store.histograms("h").first)
            #expect(found.schema == NativeHistogram.customBucketsSchema && found.customBounds == [1, 5, 10])
            #expect(found.count == 6 && found.sum == 19)
            #expect(found.positiveBuckets == [2, 3, 1])
            #expect(found.positiveSpans == [.init(offset: 0, length: 2), .init(offset: 1, length: 1)])
            #expect(site.store.series("h_bucket").isEmpty)
            #expect(site.store.series("bad_bucket").count == 2)
            #expect(site.store.values("other_count") == ["7.0"])
            try site.server.write("metrics", "a 1\n")
            try await site.scrape()
            #expect(site.store.values("h").last == "stale")
        }
    }
}
