import Diagnostics
import Exposition
import Relabelling
import Series
import Settings
import Testing

@testable import RemoteWrite

/// Goal: requests hold what is to be sent, no more than they may, and each series' samples in order. Method: chunks made by hand.
@Suite struct RequestPlanTests {
    struct File: SettingsSection {
        var writes: [RemoteWriteSettings]
        init(_ s: SettingsReader) { writes = s.list("remote_write", of: RemoteWriteSettings.self, "Writes.") }
    }

    static func settings(_ lines: String = "") throws -> RemoteWriteSettings {
        let yaml =
            "remote_write:\n  - url: http://127.0.0.1:1/write\n\(lines.split(separator: "\n").map { "    \($0)\n" }.joined())"
        return try SettingsDocument.read(yaml, file: "t.yaml", sources: .none, as: File.self).section.writes[0]
    }

    static func chunk(seriesCount: Int, samplesEach: Int) -> QueueChunk {
        var chunk = QueueChunk(end: QueuePosition(segment: 1, offset: 4))
        for series in 0..<seriesCount {
            chunk.entries.append(
                .init(
                    labels: Labels("m", ["s": "\(series)"]), times: (0..<samplesEach).map { Int64($0) * 1000 },
                    values: (0..<samplesEach).map { Double($0) }))
            chunk.sampleCount += samplesEach
        }
        return chunk
    }

    @Test(arguments: [1, 3, 8]) func `every sample is in one request, in order`(shardCount: Int) throws {
        var planner = RequestPlanner(
            try Self.settings("queue_config: {max_samples_per_send: 50}"), externalLabels: ["site": "n"])
        let plan = planner.plan(Self.chunk(seriesCount: 40, samplesEach: 70), shardCount: shardCount, oldest: .min)
        #expect(plan.shards.count == shardCount)
        #expect(plan.shards.joined().allSatisfy { $0.sampleCount <= 50 })
        #expect(plan.shards.joined().reduce(0) { $0 + $1.sampleCount } == 2800)
        #expect(plan.newestTime == 69_000)
        var seen: [Labels: (shard: Int, last: Int64)] = [:]
        for (shard, requests) in plan.shards.enumerated() {
            for series in requests.flatMap(\.series) {
                #expect(series.columns.labels["site"] == "n")
                for time in series.columns.times {
                    let before = seen[series.columns.labels]
                    #expect(before == nil || before!.shard == shard && before!.last < time)
                    seen[series.columns.labels] = (shard, time)
                }
            }
        }
        #expect(seen.count == 40)
    }

    @Test func `rules, age and kind decide what is sent, and the rest is counted`() throws {
        var planner = RequestPlanner(
            try Self.settings("write_relabel_configs:\n  - {source_labels: [s], regex: '[0-4]', action: drop}"),
            externalLabels: [:])
        let plan = planner.plan(Self.chunk(seriesCount: 10, samplesEach: 10), shardCount: 1, oldest: 6000)
        #expect(plan.relabelledAwayCount == 50)
        #expect(plan.tooOldCount == 30)
        #expect(plan.shards[0].reduce(0) { $0 + $1.sampleCount } == 20)
    }

    @Test func `halves hold everything, the older first`() throws {
        var planner = RequestPlanner(try Self.settings(), externalLabels: [:])
        let request = planner.plan(Self.chunk(seriesCount: 3, samplesEach: 4), shardCount: 1, oldest: .min).shards[0][0]
        let (early, late) = try #require(request.halvesByTime)
        #expect(early.sampleCount + late.sampleCount == 12)
        #expect(early.series.flatMap(\.columns.times).max()! < late.series.flatMap(\.columns.times).min()!)
        var pieces = [request]
        var singles = 0
        while let next = pieces.popLast() {
            if let halves = next.halvesByTime ?? next.halvesBySeries {
                pieces += [halves.0, halves.1]
            } else {
                singles += next.sampleCount
            }
        }
        #expect(singles == 12)
    }

    @Test func `a copied section is read`() throws {
        let settings = try Self.settings(
            """
            name: far
            remote_timeout: 10s
            headers: {X-Scope-OrgID: shop}
            protobuf_message: io.prometheus.write.v2.Request
            send_exemplars: true
            bearer_token: secret
            queue_config: {capacity: 5000, max_shards: 200, min_shards: 2, max_samples_per_send: 500, min_backoff: 1s}
            metadata_config: {send: false}
            """)
        #expect(settings.version == .v2 && settings.sendsExemplars && !settings.metadata.isSent)
        #expect(
            settings.queue.shardsMin == 2 && settings.queue.shardsMax == 32 && settings.queue.samplesPerSendMax == 500)
        #expect(settings.headers == ["X-Scope-OrgID": Secret("shop")])
    }
}
