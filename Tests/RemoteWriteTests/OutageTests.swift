import Compression
import DurableFiles
import Exposition
import Glibc
import Logging
import Series
import TestSupport
import Testing
import Units

@testable import RemoteWrite

/// Goal: a receiver that is away for a day costs no sample while the queue has room, the size of the queue is bounded, what is lost past it is
/// counted, and a disk that is full says so and costs what came meanwhile alone. Method: a clock that is moved by hand, files in
/// memory, and a receiver that answers 503 until it is told to be back.
@Suite(.serialized) struct OutageTests {
    private static let calm = "metadata_config: {send: false}"
    private static let patient = "batch_send_deadline: 1s, min_backoff: 30s, max_backoff: 5m, max_shards: 2"

    private func value(_ name: String, _ writer: RemoteWriter, _ labels: [String: String] = [:]) -> Double? {
        var batch = SampleBatch(at: SendingTests.start)
        writer.report(into: &batch)
        return batch.rows.first { row in
            row.labels.name == name && labels.allSatisfy { row.labels[$0.key] == $0.value }
        }?.value
    }

    private func received(_ receiver: RemoteWriteReceiver) throws -> [Labels: [Int64]] {
        var found: [Labels: [Int64]] = [:]
        for request in try receiver.requests() where request.status == 204 {
            let message = try parseWriteRequest(try Snappy.decompress(request.body, limit: 32 << 20), .v1)
            for series in message.series { found[series.columns.labels, default: []] += series.columns.times }
        }
        return found
    }

    @Test func `a day without the receiver loses nothing, and each series stays in order`() async throws {
        let receiver = try RemoteWriteReceiver()
        try receiver.setDown(true)
        let clock = ManualClock()
        let begin = clock.time
        let files = MemoryFiles()
        let limit: Int64 = 8 << 20
        try await SendingTests.sending(
            to: receiver.url, Self.calm, queue: Self.patient, files: files, clock: clock, wall: clock.wall,
            limits: RemoteQueueLimits(sizeMax: limit, segmentByteCount: 64 << 10)
        ) { writer in
            let scrapes = 24 * 240
            var largest: Int64 = 0
            for scrape in 0..<scrapes {
                var batch = SampleBatch(at: begin + .seconds(scrape * 15))
                for series in 0..<10 { batch.add("m", ["s": "\(series)"], Double(scrape)) }
                writer.append(batch)
                clock.advance(by: .seconds(15))
                if scrape.isMultiple(of: 20) { await Task.yield() }
                largest = max(largest, writer.statuses[0].queueByteCount)
            }
            #expect(largest > 500_000 && largest < limit)
            #expect(writer.statuses[0].sentSamples == 0 && writer.statuses[0].lostSamples == 0)
            let behind =
                (value("prometheus_remote_storage_queue_highest_timestamp_seconds", writer) ?? 0)
                - (value("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", writer) ?? 0)
            #expect(behind > 86_000, "what the rule RemoteWriteBehind looks at")
            try receiver.setDown(false)
            try await waitUntil("all is sent", timeout: .seconds(180), every: .milliseconds(2)) {
                clock.advance(by: .seconds(5))
                return writer.statuses[0].sentSamples == scrapes * 10
            }
            let found = try received(receiver)
            let times = (0..<scrapes).map { (begin + .seconds($0 * 15)).millisecondsSinceEpoch }
            #expect(found.count == 10 && found.values.allSatisfy { $0 == times })
            #expect(writer.statuses[0].failedSamples == 0 && writer.statuses[0].lostSamples == 0)
            try await waitUntil("the queue is let go", every: .milliseconds(2)) {
                clock.advance(by: .seconds(5))
                return writer.statuses[0].queueByteCount < 200_000
            }
        }
    }

    @Test func `past its bound the queue gives up the oldest, counted, and stays bounded`() async throws {
        let receiver = try RemoteWriteReceiver()
        try receiver.setDown(true)
        let clock = ManualClock()
        let begin = clock.time
        try await SendingTests.sending(
            to: receiver.url, Self.calm, queue: Self.patient, clock: clock, wall: clock.wall,
            limits: RemoteQueueLimits(sizeMax: 200_000, segmentByteCount: 20_000)
        ) { writer in
            for scrape in 0..<4000 {
                var batch = SampleBatch(at: begin + .seconds(scrape))
                for series in 0..<10 { batch.add("m", ["s": "\(series)"], Double(scrape)) }
                writer.append(batch)
                if scrape.isMultiple(of: 100) {
                    // The upkeep has had its turn before more comes.
                    try await waitUntil("the queue is within its bound", every: .milliseconds(1)) {
                        clock.advance(by: .seconds(1))
                        return writer.statuses[0].queueByteCount <= 240_000
                    }
                }
            }
            let lost = writer.statuses[0].lostSamples
            #expect(lost > 10_000)
            #expect(
                value("prometheus_remote_storage_samples_dropped_total", writer, ["reason": "queue_full"])
                    == Double(lost))
            try receiver.setDown(false)
            try await waitUntil("the rest is sent", timeout: .seconds(180), every: .milliseconds(2)) {
                clock.advance(by: .seconds(5))
                return writer.statuses[0].newestSentAt == begin + .seconds(3999)
            }
            // What arrived is the newest without a gap; what was under way when it was given up may be on both sides.
            for (labels, times) in try received(receiver) {
                let last = (begin + .seconds(3999)).millisecondsSinceEpoch
                #expect(times.last == last, "\(labels)")
                #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "\(labels)")
            }
        }
    }

    @Test func `a full disk is counted and said, costs the copy alone, and ends when there is room`() async throws {
        let receiver = try RemoteWriteReceiver()
        let files = FaultyFiles(MemoryFiles())
        try await SendingTests.sending(to: receiver.url, Self.calm, files: files) { writer in
            writer.append(SendingTests.batch(1))
            _ = try await receiver.waitForTaken(1)
            files.arm(
                .init(.error(ENOSPC), call: 1, lasts: true, operations: FaultyFiles.operationsThatNeedSpace))
            for second in 2...5 { writer.append(SendingTests.batch(second)) }
            #expect(value("jaga_remote_queue_refused_samples_total", writer) == 12)
            files.arm(nil)
            for second in 6...9 { writer.append(SendingTests.batch(second)) }
            try await waitUntil("what came after is sent") {
                writer.statuses[0].newestSentAt == SendingTests.start + .seconds(9)
            }
            let times = Set(try received(receiver)[Labels("heat", ["job": "shop", "site": "n"])] ?? [])
            #expect(times == Set([1, 6, 7, 8, 9].map { SendingTests.start.millisecondsSinceEpoch + $0 * 1000 }))
            #expect(writer.statuses[0].failedSamples == 0)
        }
    }

    /// Each write fails in turn, cut short or refused, while several series come and go: what was appended is read, in order, and nothing else.
    @Test(arguments: [FaultyFiles.Fault.Kind.error(ENOSPC), .error(EIO), .shortWrite])
    func `a write that fails anywhere costs its own samples alone`(kind: FaultyFiles.Fault.Kind) throws {
        var call = 0
        while true {
            call += 1
            let disk = MemoryFiles()
            let files = FaultyFiles(disk)
            let queue = try WriteQueue(
                folder: "/q", files: files, limits: QueueLimits(segmentByteCount: 400))
            files.arm(.init(kind, call: call, operations: FaultyFiles.changes))
            var expected: [String: [Double]] = [:]
            for second in 0..<20 {
                let values = ["a": Double(second), "s\(second / 4)": Double(-second)]
                do {
                    try queue.append(QueueTests.batch(second, values))
                    for (name, value) in values { expected[name, default: []].append(value) }
                } catch {}
                // A sync that fails is tried again by the next.
                try? queue.sync()
            }
            let disturbed = files.failedCount > 0
            files.arm(nil)
            var reader = QueueReader(queue, at: queue.beginning)
            #expect(try QueueTests.drain(&reader) == expected, "call \(call)")
            disk.endProcess()
            let again = try WriteQueue(folder: "/q", files: disk, limits: QueueLimits())
            var second = QueueReader(again, at: again.beginning)
            #expect(try QueueTests.drain(&second) == expected, "call \(call), after a restart")
            guard disturbed else { break }
            try #require(call < 300)
        }
        #expect(call > 20)
    }

    @Test func `after a restart an address is behind by what it has not sent, not by nothing`() async throws {
        let receiver = try RemoteWriteReceiver()
        let files = MemoryFiles()
        let wall = ManualClock(start: SendingTests.start + .seconds(5))
        try await SendingTests.sending(to: receiver.url, Self.calm, files: files, wall: wall.wall) { writer in
            writer.append(SendingTests.batch(1))
            try await waitUntil("it is sent") {
                writer.statuses[0].newestSentAt == SendingTests.start + .seconds(1)
            }
        }
        try receiver.setDown(true)
        wall.advance(by: .seconds(10_000))
        try await SendingTests.sending(to: receiver.url, Self.calm, files: files, wall: wall.wall) { writer in
            writer.append(SendingTests.batch(9000))
            let sent = value("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", writer)
            #expect(sent == (SendingTests.start + .seconds(1)).secondsSinceEpoch)
        }
        // One that never sent anything is behind since it was made.
        try await SendingTests.sending(
            to: receiver.url, Self.calm, wall: wall.wall, folder: "/new"
        ) { writer in
            #expect(
                value("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", writer)
                    == wall.time.secondsSinceEpoch)
        }
    }
}
