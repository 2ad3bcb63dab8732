import DurableFiles
import Glibc
import Series
import Testing
import TimeSeriesStore
import Units

/// Goal: whatever system call fails, a reopened store holds everything acknowledged, and each refused batch wholly or not at all.
/// Method: a run that appends, syncs, begins segments, writes a block and removes one; its first call fails, then its second, and
/// so on until the run is through; each once and for good, with the process ending there and with the power failing there.
@Suite struct StoreFaultTests {
    struct Case: CustomTestStringConvertible {
        var kind: FaultyFiles.Fault.Kind
        var lasts: Bool
        var powerCut: MemoryFiles.Loss?

        var testDescription: String {
            "\(kind) \(lasts ? "for good" : "once"), \(powerCut.map { "power cut: \($0)" } ?? "process ends")"
        }
    }

    static let cases: [Case] = [FaultyFiles.Fault.Kind.error(EIO), .error(ENOSPC), .shortWrite].flatMap { kind in
        [false, true].flatMap { lasts in
            ([nil] + MemoryFiles.Loss.allCases.map { $0 }).map { Case(kind: kind, lasts: lasts, powerCut: $0) }
        }
    }

    @Test(arguments: cases)
    func `every failing call leaves the old state or the new`(test: Case) async throws {
        var call = 0
        while true {
            call += 1
            let disk = MemoryFiles()
            let files = FaultyFiles(disk)
            var run = Run()
            let store = try openStore(files, Run.settings, segmentByteCountMax: 250)
            files.arm(.init(test.kind, call: call, lasts: test.lasts, operations: FaultyFiles.changes))
            try await run.play(on: store)
            let disturbed = files.failedCount > 0
            files.arm(nil)
            let answered = try await store.samples([], Run.keptFrom...Int64.max)
            #expect(answered == run.acknowledged.series, "call \(call): the running store")

            if let loss = test.powerCut { disk.powerCut(loss) } else { disk.endProcess() }
            let reopened = try openStore(disk, Run.settings)
            let found = try await reopened.samples()
            let must = test.powerCut == nil ? run.acknowledged : run.synced
            for (labels, samples) in must.series {
                let there = found[labels] ?? []
                #expect(samples.allSatisfy(there.contains), "call \(call): \(labels) lacks acknowledged samples")
            }
            for (labels, samples) in found {
                let offered = run.offered.series[labels] ?? []
                #expect(samples.allSatisfy(offered.contains), "call \(call): \(labels) has samples never offered")
            }
            #expect(
                Set(found[Labels("a")]?.map(\.time) ?? []) == Set(found[Labels("b")]?.map(\.time) ?? []),
                "call \(call): half a batch")
            let later = batch(epoch + 100 * hour, [(Labels("a"), 1)])
            #expect(try await reopened.append(later).stored == 1)
            guard disturbed else { break }
            try #require(call < 200)
        }
        #expect(call > 15)
    }

    @Test(arguments: [ENOSPC, EIO])
    func `a store that cannot be opened says which file and why`(number: Int32) throws {
        let files = FaultyFiles(MemoryFiles())
        files.arm(.init(.error(number), call: 1, lasts: true))
        let error = #expect(throws: StoreError.self) { try openStore(files) }
        #expect(error?.code == .fileFailed)
        #expect((error?.cause as? FileError)?.errorNumber == number)
    }

    @Test func `a failed sync is shown and the next one clears it`() async throws {
        let files = FaultyFiles(MemoryFiles())
        let store = try openStore(files)
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        files.arm(.init(.error(EIO), call: 1, operations: [.sync]))
        await #expect(throws: StoreError.self) { try await store.sync() }
        #expect(store.health.maintenanceFault?.contains("Input/output error") == true)
        #expect(store.stats.counts.syncFailures == 1)
        try await store.append(batch(epoch + 1, [(Labels("a"), 2)]))
        try await store.maintain(at: at(epoch + 1))
        #expect(store.health.maintenanceFault == nil)
        #expect(try await openStore(files).samples()[Labels("a")]?.count == 2)
    }

    @Test func `a full segment that cannot be synced refuses the batch, and the next one begins another`() async throws
    {
        let disk = MemoryFiles()
        let files = FaultyFiles(disk)
        let store = try openStore(files, segmentByteCountMax: 250)
        files.arm(.init(.error(EIO), call: 1, operations: [.sync]))
        var refused: [Int64] = []
        for step in 0..<30 as Range<Int64> {
            do {
                try await store.append(batch(epoch + step, [(Labels("a"), Double(step))]))
            } catch let error as StoreError {
                #expect(error.code == .ingestionStopped && !store.health.isWritable)
                refused.append(step)
            }
        }
        #expect(refused.count == 1 && store.health.isWritable, "\(refused)")
        try await store.sync()
        disk.endProcess()
        #expect(try await openStore(disk).samples()[Labels("a")]?.count == 29)
    }
}

/// The run that the faults disturb, with what the model makes of it.
private struct Run {
    static let settings = StoreSettings(retention: .seconds(3 * 3600), blockSpan: .seconds(3600))
    static let keptFrom = epoch + 2 * hour
    var acknowledged = StoreModel()
    var synced = StoreModel()
    var offered = StoreModel()

    mutating func play(on store: TimeSeriesStore) async throws {
        for step in 0..<6 as Range<Int64> {
            for part in 0..<2 as Range<Int64> {
                let time = epoch + step * hour + part * 1000
                let rows = [(Labels("a"), Double(step)), (Labels("b"), Double(part))]
                let next = batch(time, rows)
                _ = offered.append(next)
                if (try? await store.append(next)) != nil { _ = acknowledged.append(next) }
                if (try? await store.sync()) != nil, store.stats.counts.syncFailures == 0 { synced = acknowledged }
            }
            _ = try? await store.maintain(at: at(epoch + step * hour))
        }
        // What is past the retention may be gone, or still be there where it could not be removed.
        acknowledged.drop(before: Run.keptFrom)
        synced.drop(before: Run.keptFrom)
    }
}
