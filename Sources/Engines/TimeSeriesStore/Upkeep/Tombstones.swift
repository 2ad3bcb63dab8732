import BinaryCoding
import BlockingCalls
import Diagnostics
import DurableFiles
public import Series
import Synchronization
public import Units

// Deleting is a note first: blocks never change, so what was deleted is left out of every answer from then on, and goes from the disk
// when its blocks are written anew, by compaction or by `cleanTombstones`. The notes stand in one small file,
// `docs/formats/series-blocks.md`, "Tombstones".

/// Samples that were deleted.
struct Tombstone: Sendable, Hashable {
    var matchers: [LabelMatcher]
    var from: Int64
    /// Included.
    var through: Int64

    func matches(_ labels: Labels) -> Bool { matchers.allSatisfy { $0.matches(labels) } }
}

enum TombstoneFile {
    static let name = "tombstones"
    private static let magic = Array("JAGADEL1".utf8)
    private static let operators: [LabelMatcher.Operator] = [.equal, .notEqual, .matches, .doesNotMatch]

    static func bytes(_ tombstones: [Tombstone]) -> [UInt8] {
        var writer = ByteWriter()
        writer.raw(magic)
        writer.varint(tombstones.count)
        for tombstone in tombstones {
            writer.zigzag(tombstone.from)
            writer.zigzag(tombstone.through)
            writer.varint(tombstone.matchers.count)
            for matcher in tombstone.matchers {
                writer.text(matcher.name)
                writer.byte(UInt8(operators.firstIndex(of: matcher.op)!))
                writer.text(matcher.value)
            }
        }
        writer.fixed(Checksum.of(writer.bytes))
        return writer.bytes
    }

    static func read(_ bytes: [UInt8]) throws(CodingError) -> [Tombstone] {
        guard bytes.count >= magic.count + 4, bytes.starts(with: magic) else { throw CodingError(.invalid, at: 0) }
        var tail = ByteReader(bytes, in: bytes.count - 4..<bytes.count)
        guard Checksum.of(Array(bytes.dropLast(4))) == (try tail.fixed(UInt32.self)) else {
            throw CodingError(.invalid, at: bytes.count - 4)
        }
        var reader = ByteReader(bytes, in: magic.count..<bytes.count - 4)
        var tombstones: [Tombstone] = []
        for _ in 0..<(try reader.count(limit: bytes.count)) {
            let from = try reader.zigzag()
            let through = try reader.zigzag()
            var matchers: [LabelMatcher] = []
            for _ in 0..<(try reader.count(limit: bytes.count)) {
                let name = try reader.text()
                let op = Int(try reader.byte())
                let value = try reader.text()
                // A pattern that cannot be read is as damaged as an operator that there is not.
                guard op < operators.count, let matcher = try? LabelMatcher(name, operators[op], value) else {
                    throw CodingError(.invalid, at: reader.offset)
                }
                matchers.append(matcher)
            }
            tombstones.append(Tombstone(matchers: matchers, from: from, through: through))
        }
        return tombstones
    }
}

extension BlockSamples {
    /// Leaves out what was deleted; the tombstones are those of the series.
    mutating func remove(_ tombstones: [Tombstone]) {
        guard let first = times.first, let last = times.last else { return }
        let here = tombstones.filter { $0.from <= last && $0.through >= first }
        guard !here.isEmpty else { return }
        keep { time in !here.contains { $0.from <= time && time <= $0.through } }
    }

    /// Keeps the samples of the instants that `test` lets pass.
    mutating func keep(_ test: (Int64) -> Bool) {
        let kept = times.indices.filter { test(times[$0]) }
        guard kept.count < times.count else { return }
        var places = [Int](repeating: -1, count: times.count)
        for (place, index) in kept.enumerated() { places[index] = place }
        histograms = histograms.filter { places[$0.index] >= 0 }
            .map { HistogramSample(index: places[$0.index], histogram: $0.histogram) }
        times = kept.map { times[$0] }
        values = kept.map { values[$0] }
    }
}

extension TimeSeriesStore {
    /// Deletes what the store has now of the series that satisfy all matchers of any selector, from `start` to `end`, both included. It is
    /// out of every answer when this returns, and durable; the space is given back by `cleanTombstones` or by later compaction.
    ///
    /// The newest instant stored bounds `end`, so that samples to come are not deleted beforehand.
    /// - Throws: `StoreError` of code `fileFailed`; then nothing is deleted.
    public func delete(_ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp) async throws {
        try await Self.writers.run {
            try self.deleteNow(selectors, from: start.millisecondsSinceEpoch, through: end.millisecondsSinceEpoch)
        }
    }

    func deleteNow(_ selectors: [[LabelMatcher]], from start: Int64, through end: Int64) throws(StoreError) {
        let failure = changes.withLock { _ -> StoreError? in
            let (known, newest) = state.withLock { ($0.tombstones, $0.newestTime) }
            guard let newest, start <= min(end, newest) else { return nil }
            let more = selectors.filter { !$0.isEmpty }
                .map { Tombstone(matchers: $0, from: start, through: min(end, newest)) }
            do throws(StoreError) {
                try keep(known + more.filter { !known.contains($0) })
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Writes the list down and makes it the one that counts. Under `changes`.
    private func keep(_ tombstones: [Tombstone]) throws(StoreError) {
        let path = joined(folder, TombstoneFile.name)
        try fileAccess(path) { () throws(FileError) in
            try files.replace(path, with: TombstoneFile.bytes(tombstones))
        }
        state.withLock { $0.tombstones = tombstones }
    }

    /// Writes the blocks that hold deleted samples anew without them, and forgets the notes that are not needed any more. Notes that
    /// reach into what is in memory stay until that is in a block.
    /// - Throws: `StoreError`; then what was deleted stays deleted, and the rest can be tried again.
    public func cleanTombstones() async throws {
        try await Self.writers.run { try self.cleanTombstonesNow() }
    }

    func cleanTombstonesNow() throws(StoreError) {
        let failure = changes.withLock { _ -> StoreError? in
            do throws(StoreError) {
                let (tombstones, blocks) = state.withLock { ($0.tombstones, $0.blocks) }
                for block in blocks {
                    let here = tombstones.filter { $0.from < block.end && $0.through >= block.start }
                    if !here.isEmpty { try rewrite(block, without: here) }
                }
                let firstInMemory = state.withLock { $0.head.firstTime }
                try keep(tombstones.filter { $0.through >= firstInMemory ?? .max })
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw note(failure) }
    }

    private func rewrite(_ block: Block, without tombstones: [Tombstone]) throws(StoreError) {
        let index = try block.readIndex(files)
        let isHit = tombstones.contains { $0.matchers.isEmpty || index.series(matching: $0.matchers).count > 0 }
        guard isHit else { return }
        try replace([block], by: block.name)
    }
}
