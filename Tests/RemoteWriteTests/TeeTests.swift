import DurableFiles
import Logging
import Series
import Synchronization
import TestSupport
import Testing
import Units

@testable import RemoteWrite

/// Goal: what the store took is queued under the right labels, once, also when the store forgets series and when labels were let go to
/// bound their number. Method: a store of few lines that forgets on command, and a random course of scrapes whose caller asks again
/// as the contract says; the seed stands in every message.
@Suite struct TeeTests {
    /// Takes everything of the series that it knows.
    private final class Store: ColumnAppending {
        let state = Mutex((numbers: [Labels: SeriesReference](), next: UInt64(1)))

        func append(_ batch: SampleBatch) async throws -> AppendOutcome { AppendOutcome(stored: batch.rows.count) }

        func references(of labels: [Labels]) async throws -> [SeriesReference?] {
            state.withLock { state in
                labels.map { own in
                    if let known = state.numbers[own] { return known }
                    defer { state.next += 1 }
                    state.numbers[own] = SeriesReference(state.next)
                    return SeriesReference(state.next)
                }
            }
        }

        func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
            let known = state.withLock { Set($0.numbers.values) }
            let unknown = block.references.indices.filter { !known.contains(block.references[$0]) }
            return (AppendOutcome(stored: block.references.count - unknown.count), unknown)
        }

        /// The next number of these is another one.
        func forget(_ labels: Set<Labels>) { state.withLock { for own in labels { $0.numbers[own] = nil } } }
    }

    /// Refuses what a test says.
    private struct RefusingStore: ColumnAppending {
        let refused: Set<Int>

        private func outcome(_ count: Int) -> AppendOutcome {
            var outcome = AppendOutcome(stored: count - refused.count)
            outcome.leftOut = refused.sorted().map { .init(index: $0, reason: .duplicate) }
            return outcome
        }

        func append(_ batch: SampleBatch) async throws -> AppendOutcome { outcome(batch.rows.count) }
        func references(of labels: [Labels]) async throws -> [SeriesReference?] {
            labels.indices.map { SeriesReference(UInt64($0)) }
        }
        func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
            (outcome(block.references.count), [])
        }
    }

    /// One that sends nothing, since nobody runs it.
    private func writer(_ files: MemoryFiles) throws -> RemoteWriter {
        var settings = try RequestPlanTests.settings("name: r")
        settings.url = "http://127.0.0.1:1/write"
        return try RemoteWriter(
            [settings], folder: "/q", files: files, limits: RemoteQueueLimits(), externalLabels: [:],
            clock: ManualClock(), wallClock: ReceiverTests.Wall(),
            logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }, userAgent: "t"
        ) { [:] }
    }

    /// What waits to be sent, in the order of the queue.
    private func queued(_ files: MemoryFiles) throws -> [Labels: [Double]] {
        let queue = try WriteQueue(folder: "/q", files: files, limits: QueueLimits())
        var reader = QueueReader(queue, at: queue.beginning)
        var found: [Labels: [Double]] = [:]
        while true {
            let chunk = try reader.read(most: 100)
            #expect(chunk.damage.isEmpty)
            for entry in chunk.entries { found[entry.labels, default: []] += entry.values }
            if chunk.sampleCount == 0 { return found }
        }
    }

    @Test func `what the store refuses is not sent on`() async throws {
        let files = MemoryFiles()
        let writer = try writer(files)
        let tee = RemoteTee(RefusingStore(refused: [1, 3]), writer)
        let labels = (0..<4).map { Labels("m", ["n": "\($0)"]) }
        let numbers = try await tee.references(of: labels).map { $0! }
        _ = try await tee.append(SampleBlock(timestamp: SendingTests.start, references: numbers, values: [0, 1, 2, 3]))
        var batch = SampleBatch(at: SendingTests.start + .seconds(1))
        for (place, own) in labels.enumerated() { batch.rows.append(.init(labels: own, value: Double(10 + place))) }
        _ = try await tee.append(batch)
        _ = try await RemoteTee(RefusingStore(refused: [0]), writer).append(
            SampleBlock(timestamp: SendingTests.start, references: [numbers[0]], values: [9]))
        #expect(try queued(files) == [labels[0]: [0, 10], labels[2]: [2, 12]])
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>, [3, 1000])
    func `each sample is queued once under its labels`(seed: UInt64, labelsMax: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let files = MemoryFiles()
        let writer = try writer(files)
        let store = Store()
        let tee = RemoteTee(store, writer, labelsMax: labelsMax)
        let series = (0..<8).map { Labels("m", ["n": "\($0)"]) }
        var numbers: [Labels: SeriesReference] = [:]
        var expected: [Labels: [Double]] = [:]
        for round in 0..<60 {
            let shown = series.filter { _ in Bool.random(using: &random) }
            var waiting = shown.map { (labels: $0, value: Double(round)) }
            for own in shown { expected[own, default: []].append(Double(round)) }
            var attempts = 0
            while !waiting.isEmpty {
                attempts += 1
                try #require(attempts < 10, "seed \(seed), round \(round)")
                let asked = waiting.map(\.labels).filter { numbers[$0] == nil }
                for (own, reference) in zip(asked, try await tee.references(of: asked)) { numbers[own] = reference }
                let answer = try await tee.append(
                    SampleBlock(
                        timestamp: SendingTests.start + .seconds(round),
                        references: waiting.map { numbers[$0.labels]! }, values: waiting.map(\.value)))
                #expect(answer.unknown == answer.unknown.sorted())
                waiting = answer.unknown.map { waiting[$0] }
                for left in waiting { numbers[left.labels] = nil }
            }
            if Bool.random(using: &random) { store.forget(Set(series.filter { _ in Bool.random(using: &random) })) }
        }
        #expect(try queued(files) == expected, "seed \(seed)")
        var own = SampleBatch(at: SendingTests.start)
        writer.report(into: &own)
        #expect(own.rows.first { $0.labels.name == "jaga_remote_queue_refused_samples_total" }?.value == 0)
    }
}
