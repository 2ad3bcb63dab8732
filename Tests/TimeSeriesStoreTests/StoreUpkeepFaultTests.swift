import DurableFiles
import Glibc
import Series
import Testing
import TimeSeriesStore
import Units

/// Goal: whatever system call fails while blocks are joined, samples deleted, late ones written and old ones coarsened, nothing stored is
/// lost, nothing deleted comes back, and a later round finishes the work. Method: the first call of a round fails, then the second, and
/// so on until the round is through; once and for good, with the process ending there and with the power failing there.
@Suite struct StoreUpkeepFaultTests {
    struct Case: CustomTestStringConvertible {
        var number: Int32
        var lasts: Bool
        var powerCut: MemoryFiles.Loss?

        var testDescription: String {
            "\(number) \(lasts ? "for good" : "once"), \(powerCut.map { "power cut: \($0)" } ?? "process ends")"
        }
    }

    static let cases: [Case] = [EIO, ENOSPC].flatMap { number in
        [false, true].flatMap { lasts in
            ([nil] + MemoryFiles.Loss.allCases.map { $0 }).map { Case(number: number, lasts: lasts, powerCut: $0) }
        }
    }

    static let settings = StoreSettings(
        retention: .seconds(100 * 3600), blockSpan: .seconds(3600), outOfOrderWindow: .seconds(100 * 3600),
        keep: [
            KeepRule(
                matchers: [LabelMatcher("__name__", equals: "old_total")], raw: .seconds(3 * 3600),
                tiers: [.init(step: .seconds(1800), age: .seconds(90 * 3600))])
        ])

    /// Eight hours of three series; the counter `old_total` is coarse after three.
    private func fill(_ store: TimeSeriesStore) async throws {
        for step in 0..<48 as Range<Int64> {
            try await store.append(
                batch(
                    epoch + step * 600_000,
                    [(Labels("a"), Double(step)), (Labels("b"), 1), (Labels("old_total"), Double(step * 10))]))
            if step == 30 { try await store.maintain(at: at(epoch + step * 600_000)) }
        }
        try await store.append(batch(epoch + 90_000, [(Labels("a"), 0.5)]))
        try await store.sync()
    }

    private func upkeep(_ store: TimeSeriesStore) async -> Bool {
        var isDeleted = false
        let deleted = [LabelMatcher("__name__", equals: "b")]
        if (try? await store.delete([deleted], from: at(epoch), through: at(epoch + 2 * hour))) != nil {
            isDeleted = true
        }
        _ = try? await store.maintain(at: at(epoch + 20 * hour))
        try? await store.cleanTombstones()
        return isDeleted
    }

    private func check(
        _ store: TimeSeriesStore, isDeleted: Bool?, _ place: Comment
    ) async throws {
        let found = try await store.samples()
        let times = (0..<48).map { epoch + $0 * 600_000 as Int64 }
        #expect(found[Labels("a")]?.map(\.time) == ([epoch + 90_000] + times).sorted(), place)
        let b = found[Labels("b")]?.map(\.time)
        let kept = times.filter { $0 > epoch + 2 * hour }
        switch isDeleted {
        case true?: #expect(b == kept, place)
        case false?: #expect(b == times, place)
        case nil: #expect(b == kept || b == times, place)
        }
        let old = try #require(found[Labels("old_total")])
        #expect(old.allSatisfy { Double(bitPattern: $0.bits) == Double($0.time - epoch) / 60_000 }, place)
        #expect(old.first?.time == epoch && old.last?.time == times.last, place)
        #expect(Set(old.map(\.time)).isSuperset(of: times.filter { $0 > epoch + 6 * hour }), place)
    }

    @Test(arguments: cases)
    func `every failing call leaves all samples readable, and a later round finishes`(test: Case) async throws {
        var call = 0
        while true {
            call += 1
            let place: Comment = "call \(call)"
            let disk = MemoryFiles()
            let files = FaultyFiles(disk)
            let store = try openStore(files, Self.settings)
            try await fill(store)
            files.arm(.init(.error(test.number), call: call, lasts: test.lasts, operations: FaultyFiles.changes))
            let isDeleted = await upkeep(store)
            let disturbed = files.failedCount > 0
            files.arm(nil)
            try await check(store, isDeleted: isDeleted ? true : nil, place)
            if let loss = test.powerCut { disk.powerCut(loss) } else { disk.endProcess() }
            let reopened = try openStore(disk, Self.settings)
            #expect(reopened.health.problems.isEmpty, place)
            try await check(reopened, isDeleted: isDeleted ? true : nil, place)
            #expect(await upkeep(reopened), place)
            #expect(reopened.health.maintenanceFault == nil, place)
            try await check(reopened, isDeleted: true, place)
            try await check(try openStore(disk, Self.settings), isDeleted: true, place)
            #expect(try disk.list("/data/series/blocks").allSatisfy { $0.hasSuffix(".block") }, place)
            guard disturbed else { break }
            try #require(call < 400)
        }
        #expect(call > 40)
    }

    @Test(arguments: [EIO, ENOMEM])
    func `a start that fails in the middle says so, and the next one has everything`(number: Int32) async throws {
        let disk = MemoryFiles()
        try await fill(try openStore(disk, Self.settings))
        let whole = try await openStore(disk, Self.settings).samples()
        var call = 0
        while true {
            call += 1
            let files = FaultyFiles(disk)
            files.arm(.init(.error(number), call: call))
            let store = try? openStore(files, Self.settings)
            let disturbed = files.failedCount > 0
            files.arm(nil)
            if let store { #expect(try await store.samples() == whole, "call \(call)") }
            #expect(try await openStore(disk, Self.settings).samples() == whole, "call \(call)")
            guard disturbed else { break }
            try #require(call < 200)
        }
        #expect(call > 10)
    }
}
