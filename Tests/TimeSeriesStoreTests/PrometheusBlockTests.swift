import DurableFiles
import Series
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: blocks of Prometheus with native histograms, with the older index, with deletions and with several files of chunks come in as they
/// are, and what cannot come in is counted by its kind. Method: blocks put together from the description of the format; what
/// Debian's tools make is in `StoreToolTests`.
@Suite struct PrometheusBlockTests {
    let files = MemoryFiles()
    let folder = "/block"

    /// Histograms of one layout whose counts rise by chance.
    static func histograms(_ layout: NativeHistogram, _ count: Int, seed: UInt64, isWhole: Bool) -> [NativeHistogram] {
        var random = SeededGenerator(seed: seed)
        var next = layout
        next.positiveBuckets = [Double](repeating: 0, count: layout.positiveSpans.bucketCount)
        next.negativeBuckets = [Double](repeating: 0, count: layout.negativeSpans.bucketCount)
        return (0..<count).map { _ in
            func step() -> Double {
                let step = Double.random(in: 0...(Bool.random(using: &random) ? 5 : 90_000), using: &random)
                return isWhole ? step.rounded() : step
            }
            for index in next.positiveBuckets.indices { next.positiveBuckets[index] += step() }
            for index in next.negativeBuckets.indices { next.negativeBuckets[index] += step() }
            next.zeroCount += step()
            next.count = next.zeroCount + (next.positiveBuckets + next.negativeBuckets).reduce(0, +)
            next.sum += .random(in: -100...5000, using: &random)
            return next
        }
    }

    static var layouts: [NativeHistogram] {
        var plain = NativeHistogram(schema: 3)
        plain.zeroThreshold = 0x1p-128
        plain.positiveSpans = [.init(offset: -2, length: 3), .init(offset: 5, length: 2)]
        plain.negativeSpans = [.init(offset: 0, length: 2)]
        var odd = NativeHistogram(schema: -4)
        odd.zeroThreshold = 0.001
        odd.positiveSpans = [.init(offset: 700, length: 1)]
        var custom = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
        custom.customBounds = [0.005, 0.1, 1, 12.5, .pi, 1e9]
        custom.positiveSpans = [.init(offset: 0, length: 7)]
        return [plain, odd, custom, NativeHistogram(schema: 0)]
    }

    /// Intervals that need every width of a number.
    private func times(_ count: Int, seed: UInt64) -> [Int64] {
        var random = SeededGenerator(seed: seed)
        var time = epoch
        return (0..<count).map { _ in
            time += [1, 7, 60, 250, 3000, 4095, 15_000, 200_000, 40_000_000].randomElement(using: &random)!
            return time
        }
    }

    private func read() throws -> ([SeriesColumns], LeftOutSamples) {
        var found: [SeriesColumns] = []
        let leftOut = try PrometheusBlock(folder, files: files).forEachSeries { found.append($0) }
        return (found, leftOut)
    }

    @Test(arguments: 0..<4, [false, true])
    func `histograms come in to the bit, whole and fractional ones`(layout: Int, isWhole: Bool) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let times = times(40, seed: seed)
            let expected = Self.histograms(Self.layouts[layout], 40, seed: seed, isWhole: isWhole)
            let chunk =
                isWhole
                ? HistogramChunkBuilder.integers(expected, at: times, flags: 2)
                : HistogramChunkBuilder.floats(expected, at: times, flags: 2)
            try PrometheusBlockBuilder(series: [(Labels("h", ["seed": "\(seed)"]), [chunk])]).write(to: folder, files)
            let (found, leftOut) = try read()
            #expect(found.count == 1 && leftOut.isEmpty)
            #expect(found[0].times == times, "seed \(seed)")
            #expect(found[0].histograms.map(\.index) == Array(0..<40))
            for (index, own) in found[0].histograms.enumerated() {
                var wanted = expected[index]
                wanted.resetHint = index == 0 ? .reset : .notReset
                #expect(own.histogram == wanted, "seed \(seed), sample \(index)")
            }
        }
    }

    @Test func `a gauge says that it is one, and a stale marker ends a series`() throws {
        var histograms = Self.histograms(Self.layouts[0], 3, seed: 5, isWhole: true)
        histograms[2].sum = staleMarker
        let times = [epoch, epoch + 15_000, epoch + 30_000]
        try PrometheusBlockBuilder(series: [
            (Labels("g"), [HistogramChunkBuilder.integers(histograms, at: times, flags: 3)])
        ]).write(to: folder, files)
        let columns = try read().0[0]
        #expect(columns.histograms.map(\.histogram.resetHint) == [.gauge, .gauge])
        #expect(columns.times == times && columns.values[2].isStaleMarker)
    }

    @Test func `histograms of a block are stored and asked for as they were`() async throws {
        let expected = Self.histograms(Self.layouts[0], 30, seed: 9, isWhole: true)
        let times = (0..<30).map { epoch + $0 * 15_000 as Int64 }
        try PrometheusBlockBuilder(series: [
            (Labels("h"), [HistogramChunkBuilder.integers(expected, at: times, flags: 0)])
        ]).write(to: folder, files)
        let store = try openStore(files)
        var backfill = Backfill(into: store)
        try PrometheusBlock(folder, files: files).forEachSeries { try backfill.add($0) }
        #expect(try backfill.finish().stored == 30)
        let found = try await openStore(files).select(
            [LabelMatcher("__name__", equals: "h")], from: .distantPast, through: .distantFuture)
        #expect(found.first?.times == times)
        #expect(found.first?.histograms.map(\.histogram.count) == expected.map(\.count))
        #expect(found.first?.histograms.map(\.histogram.positiveBuckets) == expected.map(\.positiveBuckets))
    }

    @Test(arguments: [1, 2] as [UInt8])
    func `both versions of the index, deletions and several files of chunks are read`(version: UInt8) throws {
        let layout = Self.layouts[3]
        func chunk(_ start: Int64) -> PrometheusBlockBuilder.Chunk {
            HistogramChunkBuilder.floats(
                Self.histograms(layout, 10, seed: UInt64(start), isWhole: true),
                at: (0..<10).map { epoch + (start * 10 + $0) * 1000 }, flags: 0)
        }
        var builder = PrometheusBlockBuilder(
            indexVersion: version,
            series: (0..<9).map { (Labels("s", ["n": "\($0)", "é": "ü"]), [chunk(0), chunk(1), chunk(2)]) })
        builder.chunksPerFile = 4
        builder.tombstones = [(3, epoch + 5000, epoch + 14_000), (3, epoch + 20_000, epoch + 20_000), (8, 0, .max)]
        try builder.write(to: folder, files)
        let (found, leftOut) = try read()
        #expect(leftOut.isEmpty && found.map { $0.labels["n"] } == (0..<9).map { "\($0)" })
        let all = (0..<30).map { epoch + $0 * 1000 as Int64 }
        for (number, columns) in found.enumerated() {
            let expected: [Int64] =
                switch number {
                case 3: all.filter { !(5...14).contains(($0 - epoch) / 1000) && $0 != epoch + 20_000 }
                case 8: []
                default: all
                }
            #expect(columns.times == expected, "series \(number)")
            #expect(columns.histograms.map(\.index) == Array(expected.indices), "series \(number)")
        }
    }

    @Test func `what is of an unknown kind is left out and counted by its kind`() throws {
        var strange = Self.layouts[0]
        strange.schema = 20
        let times = [epoch, epoch + 1000]
        try PrometheusBlockBuilder(series: [
            (
                Labels("a"),
                [
                    .init(encoding: 9, data: [1, 44, 0, 0]),
                    HistogramChunkBuilder.integers(
                        Self.histograms(Self.layouts[0], 2, seed: 1, isWhole: true), at: times, flags: 0),
                ]
            ),
            (
                Labels("b"),
                [
                    HistogramChunkBuilder.integers(
                        Self.histograms(strange, 2, seed: 1, isWhole: true), at: times, flags: 0)
                ]
            ),
        ]).write(to: folder, files)
        let (found, leftOut) = try read()
        #expect(leftOut == ["encoding 9": 300, "histogram schema 20": 2])
        #expect(found.map(\.times) == [times, []])
    }

    /// Bits are flipped everywhere, and the files cut everywhere: an error with its place, or the samples as they were.
    @Test func `damage anywhere is refused with its place, and never a crash`() throws {
        var builder = PrometheusBlockBuilder(series: [
            (
                Labels("h", ["job": "x"]),
                [
                    HistogramChunkBuilder.integers(
                        Self.histograms(Self.layouts[2], 4, seed: 3, isWhole: true),
                        at: (0..<4).map { epoch + $0 * 1000 }, flags: 1)
                ]
            )
        ])
        builder.tombstones = [(0, epoch, epoch)]
        try builder.write(to: folder, files)
        // Where a histogram is, the value is a NaN, which equals nothing.
        func plain(_ found: [SeriesColumns]) -> [SeriesColumns] {
            found.map { columns in
                var copy = columns
                copy.values = columns.values.map { $0.isNaN ? 0 : $0 }
                return copy
            }
        }
        let good = plain(try read().0)
        #expect(good[0].times.count == 3)
        for name in ["index", "chunks/000001", "tombstones"] {
            let path = joined(folder, name)
            let whole = try files.contents(of: path)
            for offset in whole.indices {
                var bytes = whole
                bytes[offset] ^= 1 << UInt8(offset % 8)
                for damaged in [bytes, Array(whole[..<offset])] {
                    try files.replace(path, with: damaged)
                    do {
                        let found = plain(try read().0)
                        #expect(found == good, "\(name) at \(offset)")
                    } catch let error as StoreError {
                        #expect(error.code == .damaged, "\(name) at \(offset)")
                    }
                }
            }
            try files.replace(path, with: whole)
        }
    }
}
