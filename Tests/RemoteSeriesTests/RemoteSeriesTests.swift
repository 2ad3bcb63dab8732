import Compression
import Exposition
import Foundation
import Outbound
import Series
import TestSupport
import Testing
import Units

@testable import RemoteSeries

/// Goal: what another store has is read as if it lay here. Method: Debian's Prometheus (remote read) and VictoriaMetrics (queries) get the
/// same samples, and every question of `SeriesReading` is asked of both.
@Suite(.serialized) struct RemoteSeriesTests {
    static let end = Timestamp(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970) * 1000 - 5000)

    /// A store that holds ten series of sixty samples, one a second, up to `end`; the last one's last sample is a stale marker.
    static func filled(_ kind: MetricsStore.Kind) async throws -> (MetricsStore, RemoteSeries) {
        let store = try MetricsStore(kind)
        var request = WriteRequest()
        for series in 0..<10 {
            var columns = SeriesColumns(
                labels: Labels("m", ["job": series < 5 ? "a" : "b", "s": "\(series)"]), times: [], values: [])
            for second in 0..<60 {
                columns.times.append((end - .seconds(59 - second)).millisecondsSinceEpoch)
                columns.values.append(series == 9 && second == 59 ? staleMarker : Double(second) / 10 + Double(series))
            }
            request.series.append(WrittenSeries(columns: columns))
        }
        request.metadata = [MetricMetadata("m", .gauge, "An m.")]
        let body = Snappy.compress(writeWriteRequest(request, .v1))
        try await waitUntil("\(kind) takes samples", timeout: .seconds(60), every: .milliseconds(100)) {
            let response = try? await HTTPClient().send(
                HTTPRequest(
                    url: "\(store.url)/api/v1/write", method: "POST",
                    headers: ["Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"], body: body))
            return response.map { (200..<300).contains($0.status) } ?? false
        }
        let remote = RemoteSeries(.init(url: store.url + "/"), userAgent: "jaga/test")
        try await waitUntil("\(kind) shows samples", timeout: .seconds(60), every: .milliseconds(200)) {
            try await remote.select([LabelMatcher("__name__", equals: "m")], from: end, through: end).count >= 9
        }
        return (store, remote)
    }

    @Test(arguments: MetricsStore.Kind.installed) func `samples are those that were written`(kind: MetricsStore.Kind)
        async throws
    {
        let (store, remote) = try await Self.filled(kind)
        defer { store.kill() }
        let found = try await remote.select(
            [
                LabelMatcher("__name__", equals: "m"), try LabelMatcher("s", .matches, "[0-3]"),
                try LabelMatcher("s", .notEqual, "2"),
            ],
            from: Self.end - .seconds(30), through: Self.end - .seconds(10))
        #expect(found.map { $0.labels["s"] } == ["0", "1", "3"])
        let expected = (29...49).map { Double($0) / 10 + 1 }
        #expect(found[1].values == expected)
        #expect(found[1].times.first == (Self.end - .seconds(30)).millisecondsSinceEpoch)
        #expect(found[1].times.last == (Self.end - .seconds(10)).millisecondsSinceEpoch)
        #expect(found == found.sorted { $0.labels < $1.labels })
        let nothing = try await remote.select(
            [LabelMatcher("__name__", equals: "m")], from: Self.end - .seconds(7200), through: Self.end - .seconds(3600)
        )
        #expect(nothing.isEmpty)
        if kind == .prometheus {
            let ended = try await remote.select([LabelMatcher("s", equals: "9")], from: Self.end, through: Self.end)
            #expect(ended.first?.values.last?.isStaleMarker == true, "remote read keeps the ends of series")
        }
        let last = try await remote.select(
            [LabelMatcher("s", equals: "9")], from: Self.end - .seconds(5), through: Self.end)
        #expect(last.first?.values.contains { $0.isNaN && !$0.isStaleMarker } == false, "an end is no value")
    }

    @Test(arguments: MetricsStore.Kind.installed) func `names, values and faults`(kind: MetricsStore.Kind) async throws
    {
        let (store, remote) = try await Self.filled(kind)
        defer { store.kill() }
        let start = Self.end - .seconds(600)
        let later = Self.end + .seconds(60)
        #expect(
            try await remote.labelNames([LabelMatcher("__name__", equals: "m")], from: start, through: later) == [
                "__name__", "job", "s",
            ])
        #expect(try await remote.labelValues("job", [], from: start, through: later).suffix(2) == ["a", "b"])
        #expect(
            try await remote.labelValues("s", [LabelMatcher("job", equals: "b")], from: start, through: later)
                == ["5", "6", "7", "8", "9"])
        for (from, through) in [(start, later), (.distantPast, .distantFuture)] {
            let sets = try await remote.series([[LabelMatcher("job", equals: "a")]], from: from, through: through)
            #expect(sets.map { $0["s"] } == ["0", "1", "2", "3", "4"] && sets.allSatisfy { $0.name == "m" })
            #expect(try await remote.series([[]], from: from, through: through).contains(sets[0]))
            #expect(
                try await remote.labelNames([LabelMatcher("__name__", equals: "m")], from: from, through: through)
                    == ["__name__", "job", "s"])
        }
        let away = RemoteSeries(.init(url: "http://127.0.0.1:\(try LoopbackServer.closedPort())"), userAgent: "t")
        await #expect(throws: OutboundError.self) {
            try await away.select([LabelMatcher("__name__", equals: "m")], from: start, through: later)
        }
        let astray = RemoteSeries(.init(url: "\(store.url)/nowhere"), userAgent: "t")
        await #expect(throws: RemoteSeriesError.self) { try await astray.labelNames([], from: start, through: later) }
    }
}
