import DurableFiles
import Glibc
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: a start that takes chunks from the files beside the log knows what the log alone gives, whatever happened to either. Method:
/// readings of long layouts, even and disturbed, on a disk in memory; what comes back is compared with plain arrays, with the files
/// of stretches whole, missing and damaged.
@Suite struct StretchTests {
    private static let seriesCount = 70
    let files = MemoryFiles()

    private func labels(_ target: Int) -> [Labels] {
        (0..<Self.seriesCount).map { Labels("m", ["n": "\($0)", "target": "\(target)"]) }
    }

    /// A third rises, a third moves now and then, the rest stands still.
    private func values(_ step: Int64) -> [Double] {
        (0..<Self.seriesCount).map { index in
            switch index % 3 {
            case 0: Double(step * Int64(17 + index))
            case 1: Double(step / 45) + 0.25
            default: 5.5
            }
        }
    }

    private func read(_ store: TimeSeriesStore, _ target: Int, _ step: Int64, _ model: inout StoreModel) async throws {
        let next = batch(epoch + step * 1000, Array(zip(labels(target), values(step + Int64(target)))))
        #expect(try await store.append(next).counts == model.append(next))
    }

    private var stretchFiles: [String] {
        (try? files.list("/data/series/head"))?.filter { $0.hasSuffix(".chunks") } ?? []
    }

    @Test func `full chunks are taken from beside the log, and the rest is read`() async throws {
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<150 as Range<Int64> {
            for target in 0..<2 { try await read(store, target, step, &model) }
        }
        #expect(try await store.samples() == model.series)
        files.endProcess()
        let again = try openStore(files)
        #expect(again.health.problems.isEmpty)
        #expect(again.stats.counts.samplesFromStretches == Int64(2 * 120 * Self.seriesCount))
        #expect(again.stats.counts.samplesReplayed == Int64(2 * 150 * Self.seriesCount))
        #expect(try await again.samples() == model.series)
        // It goes on where the first one stood, and a third start has stretches of both.
        for step in 150..<300 as Range<Int64> {
            for target in 0..<2 { try await read(again, target, step, &model) }
        }
        #expect(try await again.samples() == model.series)
        files.endProcess()
        let third = try openStore(files)
        #expect(third.stats.counts.samplesFromStretches > Int64(2 * 180 * Self.seriesCount))
        #expect(try await third.samples() == model.series)
        let range = (epoch + 50_500)...(epoch + 170_500)
        #expect(try await third.samples([], range) == model.select([], range))
    }

    @Test func `a newest sample that was taken by a stretch is known as a repeated one, and as no other`() async throws
    {
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<60 as Range<Int64> { try await read(store, 0, step, &model) }
        files.endProcess()
        let again = try openStore(files)
        #expect(again.stats.counts.samplesFromStretches == Int64(60 * Self.seriesCount))
        try await read(again, 0, 59, &model)
        var other = batch(epoch + 59_000, Array(zip(labels(0), values(7))))
        #expect(try await again.append(other).counts == model.append(other))
        other = batch(epoch + 58_000, Array(zip(labels(0), values(7))))
        #expect(try await again.append(other).outOfOrder == Self.seriesCount)
        #expect(try await again.samples() == model.series)
    }

    @Test func `a stretch that is missing, cut off or damaged is read from the log`() async throws {
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<200 as Range<Int64> { try await read(store, 0, step, &model) }
        files.endProcess()
        let name = try #require(stretchFiles.first)
        let path = "/data/series/head/\(name)"
        let whole = try files.contents(of: path)
        let length = whole.count
        for cut in [0, 5, 30, length / 3, length / 2, length - 1] {
            try files.replace(path, with: Array(whole[..<cut]))
            let again = try openStore(files)
            #expect(try await again.samples() == model.series, "cut at \(cut)")
            #expect(again.health.problems.isEmpty)
        }
        var random = SeededGenerator(seed: 77)
        for _ in 0..<60 {
            try files.replace(path, with: whole)
            let (byte, bit) = (Int.random(in: 0..<length, using: &random), Int.random(in: 0..<8, using: &random))
            files.flipBit(bit, at: byte, of: path)
            let again = try openStore(files)
            #expect(try await again.samples() == model.series, "bit \(bit) of byte \(byte)")
        }
        try files.remove(path)
        let again = try openStore(files)
        #expect(again.stats.counts.samplesFromStretches == 0)
        #expect(try await again.samples() == model.series)
    }

    @Test func `a stretch of another log counts for nothing`() async throws {
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<130 as Range<Int64> { try await read(store, 0, step, &model) }
        files.endProcess()
        let path = "/data/series/head/\(try #require(stretchFiles.first))"
        let stretches = try files.contents(of: path)
        let others = MemoryFiles()
        let other = try openStore(others)
        var otherModel = StoreModel()
        for step in 0..<130 as Range<Int64> {
            // As long as the first one, with other values.
            let next = batch(epoch + step * 1000, Array(zip(labels(0), values(step).map { $0 + 1 })))
            #expect(try await other.append(next).counts == otherModel.append(next))
        }
        others.endProcess()
        try others.replace(path, with: stretches)
        #expect(try await openStore(others).samples() == otherModel.series)
    }

    @Test func `a record of a stretch that is damaged in the log costs that record alone`() async throws {
        let store = try openStore(files)
        var model = StoreModel()
        var ends: [Int64] = []
        for step in 0..<70 as Range<Int64> {
            try await read(store, 0, step, &model)
            ends.append(store.stats.logByteCount)
        }
        files.endProcess()
        files.flipBit(3, at: Int(ends[30]) - 3, of: "/data/series/wal/00000001.wal")
        let again = try openStore(files)
        let found = try await again.samples()
        for (labels, column) in found { #expect(column.allSatisfy(model.series[labels]!.contains)) }
        // Up to the damage, and from the reading that begins anew.
        #expect(found[labels(0)[0]]?.count == 40)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `damage anywhere in the log gives no sample that was not there`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<200 as Range<Int64> {
            for target in 0..<2 { try await read(store, target, step, &model) }
            switch Int.random(in: 0..<60, using: &random) {
            case 0:
                let single = batch(epoch + step * 1000 + 400, [(labels(0)[Int(step) % 70], 9)])
                #expect(try await store.append(single).counts == model.append(single))
            case 1:
                let other = batch(epoch + step * 1000 + 500, Array(zip(labels(1).reversed(), values(step))))
                #expect(try await store.append(other).counts == model.append(other))
            case 2:
                let new = batch(epoch + step * 1000, [(Labels("new", ["step": "\(step)"]), 1)])
                #expect(try await store.append(new).counts == model.append(new))
            default: break
            }
        }
        files.endProcess()
        let log = "/data/series/wal/00000001.wal"
        let whole = try files.contents(of: log)
        let stretches = try #require(stretchFiles.first)
        for round in 0..<25 {
            var counts: [Int] = []
            let damage = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                (byte: Int.random(in: 30..<whole.count, using: &random), bit: Int.random(in: 0..<8, using: &random))
            }
            for hasStretches in [true, false] {
                let files = MemoryFiles()
                for folder in ["/data/series/wal", "/data/series/head"] { try files.createFolders(folder) }
                try files.replace(log, with: whole)
                let path = "/data/series/head/\(stretches)"
                if hasStretches { try files.replace(path, with: self.files.contents(of: path)) }
                for place in damage { files.flipBit(place.bit, at: place.byte, of: log) }
                let found = try await openStore(files).samples()
                for (labels, column) in found {
                    let known = Dictionary((model.series[labels] ?? []).map { ($0.time, $0) }) { first, _ in first }
                    #expect(column.allSatisfy { known[$0.time] == $0 }, "seed \(seed), round \(round): \(labels)")
                    #expect(Set(column.map(\.time)).count == column.count, "seed \(seed), round \(round): \(labels)")
                }
                counts.append(found.values.reduce(0) { $0 + $1.count })
            }
            #expect(counts[0] == counts[1], "seed \(seed), round \(round)")
        }
    }

    @Test func `files that cannot be made are told of, and the store goes on without them`() async throws {
        let path = "/data/series/head"
        try files.createFolders("/data/series")
        try files.replace(path, with: [1])
        let store = try openStore(files)
        var model = StoreModel()
        for step in 0..<59 as Range<Int64> { try await read(store, 0, step, &model) }
        #expect(store.health.headFilesFault == nil)
        try await read(store, 0, 59, &model)
        #expect(store.health.headFilesFault?.contains(path) == true)
        #expect(store.health.isWritable && store.stats.headFileByteCount == 0)
        #expect(failing(store) == 1)
        #expect(try await store.samples() == model.series)
        files.endProcess()
        try files.remove(path)
        let again = try openStore(files)
        for step in 60..<180 as Range<Int64> { try await read(again, 0, step, &model) }
        #expect(again.health.headFilesFault == nil && failing(again) == 0)
        #expect(try await again.samples() == model.series)
    }

    @Test func `a file that takes no more is told of until the next one takes what comes`() async throws {
        let faulty = FaultyFiles(files)
        let store = try openStore(faulty, StoreSettings(blockSpan: .seconds(600)))
        var model = StoreModel()
        for step in 0..<119 as Range<Int64> { try await read(store, 0, step, &model) }
        let before = store.stats.headFileByteCount
        #expect(before == Int64(try files.contents(of: "/data/series/head/\(try #require(stretchFiles.first))").count))
        // The record of the log comes first.
        faulty.arm(.init(.error(EIO), call: 2, operations: [.write]))
        try await read(store, 0, 119, &model)
        #expect(store.health.headFilesFault?.contains("00000001.chunks") == true && store.health.isWritable)
        #expect(store.stats.headFileByteCount == before)
        #expect(try await store.samples() == model.series)
        for step in 120..<800 as Range<Int64> { try await read(store, 0, step, &model) }
        #expect(store.health.headFilesFault != nil)
        // With the block the log goes on in another segment, and has another file beside it.
        try await store.maintain(at: at(epoch + 900_000))
        for step in 800..<930 as Range<Int64> { try await read(store, 0, step, &model) }
        #expect(store.health.headFilesFault == nil && stretchFiles == ["00000001.chunks", "00000002.chunks"])
        #expect(try await store.samples() == model.series)
        let sizes = try stretchFiles.map { try files.contents(of: "/data/series/head/\($0)").count }
        #expect(store.stats.headFileByteCount == Int64(sizes.reduce(0, +)))
    }

    @Test func `files of the head count for the size that the store may have`() async throws {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        var model = StoreModel()
        for step in 0..<1900 as Range<Int64> { try await read(store, 0, step, &model) }
        try await store.maintain(at: at(epoch + 1_900_000))
        let stats = store.stats
        #expect(stats.blockCount > 1 && stats.headFileByteCount > 0)
        files.endProcess()
        let most = stats.blockByteCount + stats.headFileByteCount
        for (size, blockCount) in [(most, stats.blockCount), (most - 1, stats.blockCount - 1)] {
            let again = try openStore(
                files, StoreSettings(blockSpan: .seconds(600), retentionSize: ByteCount(size)))
            #expect(again.stats.headFileByteCount == stats.headFileByteCount)
            try await again.maintain(at: at(epoch + 1_900_000))
            #expect(again.stats.blockCount == blockCount, "\(size)")
            #expect(again.health.isOverRetentionSize == false)
            files.endProcess()
        }
        // The newest block stays, and that this is more than there may be is told.
        let small = try openStore(files, StoreSettings(blockSpan: .seconds(600), retentionSize: ByteCount(1000)))
        try await small.maintain(at: at(epoch + 1_900_000))
        #expect(small.stats.blockCount == 1 && small.health.isOverRetentionSize)
        #expect(reported("jaga_series_over_retention_size", by: small) == 1)
    }

    private func failing(_ store: TimeSeriesStore) -> Double? { reported("jaga_series_head_files_failing", by: store) }

    private func reported(_ name: String, by store: TimeSeriesStore) -> Double? {
        var batch = SampleBatch(at: at(epoch))
        store.report(into: &batch)
        return batch.rows.first { $0.labels.name == name }?.value
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `disturbed readings come back as they were`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let settings = StoreSettings(blockSpan: .seconds(600), outOfOrderWindow: .seconds(0))
        let length: Int64 = seed.isMultiple(of: 2) ? 100_000 : 8 << 20
        var store = try openStore(files, settings, segmentByteCountMax: length)
        var model = StoreModel()
        var taken: Int64 = 0
        for step in 0..<700 as Range<Int64> {
            let place: Comment = "seed \(seed), step \(step)"
            for target in 0..<3 {
                let all = Array(zip(labels(target), values(step + Int64(target))))
                var rows = all
                switch Int.random(in: 0..<600, using: &random) {
                case 0: rows.removeLast(Int.random(in: 1...5, using: &random))
                case 1: rows.append((Labels("new", ["step": "\(step)", "target": "\(target)"]), 1))
                case 2: rows.shuffle(using: &random)
                case 3: rows = []
                default: break
                }
                let next = batch(epoch + step * 1000, rows)
                #expect(try await store.append(next).counts == model.append(next), place)
                if Int.random(in: 0..<600, using: &random) == 0 {
                    // One series by another way, ahead of its target's next reading.
                    let single = batch(epoch + step * 1000 + 400, [all[Int.random(in: 0..<70, using: &random)]])
                    #expect(try await store.append(single).counts == model.append(single), place)
                }
                if Int.random(in: 0..<600, using: &random) == 0 {
                    var own = batch(epoch + step * 1000 + 500, [(labels(target)[3], 8), (Labels("own"), 1)])
                    own.rows[0].timestamp = at(epoch + step * 1000 + 450)
                    #expect(try await store.append(own).counts == model.append(own), place)
                }
            }
            guard Int.random(in: 0..<110, using: &random) == 0 else { continue }
            if Bool.random(using: &random) {
                try await store.maintain(at: at(epoch + step * 1000))
                model.minimumTime = max(model.minimumTime, store.blockEnd ?? .min)
            }
            files.endProcess()
            if Int.random(in: 0..<4, using: &random) == 0, let name = stretchFiles.randomElement(using: &random) {
                let path = "/data/series/head/\(name)"
                let length = try files.contents(of: path).count
                if length > 0 { files.flipBit(2, at: Int.random(in: 0..<length, using: &random), of: path) }
            }
            store = try openStore(files, settings, segmentByteCountMax: length)
            #expect(store.health.problems.isEmpty, place)
            taken += store.stats.counts.samplesFromStretches
            #expect(try await store.samples() == model.series, place)
        }
        #expect(taken > 0, "seed \(seed)")
        #expect(try await store.samples() == model.series, "seed \(seed)")
    }

    @Test func `spans have files for their pages, up to a limit, and those past it stay in memory`() async throws {
        let pageFiles = PageFiles(files, in: "/data")
        try files.createFolders("/data")
        var held = (0..<PageFiles.countMax).compactMap { _ in pageFiles.next() }
        #expect(held.count == PageFiles.countMax && pageFiles.next() == nil)
        held.removeLast()
        #expect(pageFiles.next() != nil)

        var random = SeededGenerator(seed: 3)
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(300)))
        var model = StoreModel()
        // Too few for stretches.
        let labels = (0..<63).map { Labels("m", ["n": "\($0)"]) }
        // Chunks of random numbers, more than a page of them in each span.
        for step in 0..<(300 * 18) as Range<Int64> {
            let next = batch(epoch + step * 1000, labels.map { ($0, Double.random(in: 0...1, using: &random)) })
            #expect(try await store.append(next).counts == model.append(next))
        }
        #expect(try await store.samples() == model.series)
    }

    @Test func `the file of a segment goes with it, and one without a segment at the next start`() async throws {
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        var model = StoreModel()
        for step in 0..<150 as Range<Int64> { try await read(store, 0, step, &model) }
        #expect(stretchFiles == ["00000001.chunks"])
        try await store.maintain(at: at(epoch + 5 * hour))
        #expect(stretchFiles.isEmpty)
        try files.replace("/data/series/head/00000077.chunks", with: [1, 2, 3])
        #expect(try await openStore(files, StoreSettings(blockSpan: .seconds(600))).samples() == model.series)
        #expect(stretchFiles.isEmpty)
    }
}
