import DurableFiles
import Foundation
import JSONCoding
import Logging
import Outbound
import Series
import TestSupport
import Testing
import Units

@testable import RemoteWrite

/// Goal: no sample is lost while a receiver is killed and comes back, or while the sender is, and all arrive in order. Method: Debian's
/// Prometheus and VictoriaMetrics, killed in the midst, and asked afterwards how many samples each series has.
@Suite(.serialized) struct ReceiverTests {
    typealias Kind = MetricsStore.Kind

    /// The receiver with its questions.
    struct Receiver: Sendable {
        let store: MetricsStore

        init(_ kind: Kind) throws { store = try MetricsStore(kind) }

        func ready() async throws {
            try await waitUntil("\(store.kind) is ready", timeout: .seconds(60), every: .milliseconds(100)) {
                (try? await query("vector(1)")).map { !$0.isEmpty } ?? false
            }
        }

        /// Labels and value of each series of the answer.
        func query(_ expression: String, at time: Timestamp? = nil) async throws -> [(
            labels: [String: String], value: Double
        )] {
            var url = "\(store.url)/api/v1/query?query="
            url += expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
            if let time { url += "&time=\(time.secondsSinceEpoch)" }
            let response = try await HTTPClient().send(HTTPRequest(url: url))
            let answer = try JSONValue(parsing: response.body)
            return (answer["data"]?["result"]?.arrayValue ?? []).map { item in
                let labels = (item["metric"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
                return (labels, Double(item["value"]?[1]?.stringValue ?? "") ?? .nan)
            }
        }
    }

    struct Wall: WallClock {
        var now: Timestamp { Timestamp(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970 * 1000)) }
    }

    static func writer(_ receiver: Receiver, folder: String, lines: String = "") throws -> RemoteWriter {
        var settings = try RequestPlanTests.settings(
            "name: r\nqueue_config: {batch_send_deadline: 100ms, max_backoff: 300ms, max_shards: 4}\n\(lines)")
        settings.url = "\(receiver.store.url)/api/v1/write"
        return try RemoteWriter(
            [settings], folder: folder, files: RealFiles(), limits: RemoteQueueLimits(), externalLabels: ["site": "n"],
            clock: ContinuousClock(), wallClock: Wall(), logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() },
            userAgent: "jaga/test"
        ) { ["m": MetricMetadata("m", .gauge, "M.")] }
    }

    /// Appends `rounds` scrapes of `seriesCount` series, one second apart, ending now.
    static func scrape(_ round: Int, of rounds: Int, end: Timestamp, seriesCount: Int) -> SampleBatch {
        var batch = SampleBatch(at: end - .seconds(rounds - round))
        for series in 0..<seriesCount { batch.add("m", ["s": "\(series)"], Double(round)) }
        return batch
    }

    @Test(arguments: Kind.installed)
    func `nothing is lost when the receiver dies, twice`(kind: Kind) async throws {
        let receiver = try Receiver(kind)
        try await receiver.ready()
        let folder = try TemporaryFolder("queue")
        let writer = try Self.writer(receiver, folder: folder.path)
        let (rounds, seriesCount) = (60, 200)
        let end = Timestamp(millisecondsSinceEpoch: Wall().now.millisecondsSinceEpoch / 1000 * 1000)
        let task = Task { await writer.run() }
        for round in 0..<rounds {
            writer.append(Self.scrape(round, of: rounds, end: end, seriesCount: seriesCount))
            if round == 20 || round == 40 { receiver.store.kill() }
            if round == 30 || round == 50 { try receiver.store.start() }
            try await Task.sleep(for: .milliseconds(40))
        }
        try await receiver.ready()
        try await waitUntil("all was sent", timeout: .seconds(180)) {
            writer.statuses[0].newestSentAt == end - .seconds(1)
        }
        task.cancel()
        await task.value
        try await Self.check(receiver, rounds: rounds, seriesCount: seriesCount, end: end)
        #expect(writer.statuses[0].failedSamples == 0)
    }

    @Test(arguments: Kind.installed)
    func `nothing is lost when the sender dies at any moment`(kind: Kind) async throws {
        let receiver = try Receiver(kind)
        try await receiver.ready()
        let folder = try TemporaryFolder("queue")
        let (rounds, seriesCount) = (60, 100)
        let end = Timestamp(millisecondsSinceEpoch: Wall().now.millisecondsSinceEpoch / 1000 * 1000)
        var round = 0
        // A sender that is let go without a last word, as by kill -9: only what it had saved by then counts.
        for life in 1...4 {
            let writer = try Self.writer(receiver, folder: folder.path)
            let task = Task { await writer.run() }
            while round < rounds * life / 4 {
                writer.append(Self.scrape(round, of: rounds, end: end, seriesCount: seriesCount))
                round += 1
                try await Task.sleep(for: .milliseconds(30))
            }
            if life < 4 {
                let saved = try Self.positions(in: folder.path)
                task.cancel()
                await task.value
                try Self.restore(saved, in: folder.path)
            } else {
                try await waitUntil("all was sent", timeout: .seconds(180)) {
                    writer.statuses[0].newestSentAt == end - .seconds(1)
                }
                task.cancel()
                await task.value
            }
        }
        try await Self.check(receiver, rounds: rounds, seriesCount: seriesCount, end: end)
    }

    static func positions(in folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".position") {
            found[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
        }
        return found
    }

    static func restore(_ saved: [String: Data], in folder: String) throws {
        for (name, data) in saved { try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    }

    static func check(_ receiver: Receiver, rounds: Int, seriesCount: Int, end: Timestamp) async throws {
        var answer: [(labels: [String: String], value: Double)] = []
        // VictoriaMetrics shows what it took a little later.
        // Not a wait that throws: what it has in the end is what the message should say.
        try? await waitUntil("all samples", timeout: .seconds(60), every: .milliseconds(300)) {
            answer = try await receiver.query("count_over_time(m[10m])", at: end + .seconds(1))
            return answer.count == seriesCount && answer.allSatisfy { $0.value == Double(rounds) }
        }
        #expect(answer.count == seriesCount)
        #expect(Set(answer.map(\.value)) == [Double(rounds)])
        #expect(answer.allSatisfy { $0.labels["site"] == "n" })
    }
}
