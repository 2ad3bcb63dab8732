import DurableFiles
import Synchronization
public import Units

// Opening a block checks its two ends; what lies between is checked when it is read, which may be months later. Whoever meets damage then
// (a query, the joining of blocks, an import) fails with file and place, and notes it here, so that the state of the store says so as
// well as that one answer. A block that is known to be damaged stays as it is until it is repaired or too old: maintenance leaves it out
// and goes on with the others. Samples of the newest hours that left memory for a file can be hit as well; that file is made anew by a start.

extension TimeSeriesStore {
    /// Notes the damage that `error` tells of.
    /// - Returns: whether it is that of a block in use.
    @discardableResult
    func noteDamage(_ error: any Error) -> Bool {
        guard let error = error as? StoreError, let problem = StoreProblem(of: error) else { return false }
        return state.withLock { $0.note(problem) }
    }

    /// Runs `body` and notes the damage that it fails of.
    func notingDamage<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        do throws(Failure) {
            return try body()
        } catch {
            noteDamage(error)
            throw error
        }
    }
}

extension TimeSeriesStore {
    /// A block whose samples no answer has.
    public struct LostBlock: Sendable, Hashable {
        /// Where it was.
        public var file: String
        /// Where it is now; nil where it could not be moved.
        public var setAsideAs: String?
        /// As the file's name has it.
        public var span: Range<Timestamp>
    }

    /// The blocks that were found to be damaged when the store was opened, or at a start before, as long as `health` tells of them. Damage that is met later is
    /// of blocks in use, and fails the query.
    public var lostBlocks: [LostBlock] {
        state.withLock { state in
            guard !state.health.problems.isEmpty else { return [] }
            let used = Set(state.blocks.map(\.path))
            return state.health.problems.compactMap { problem in
                guard problem.kind == .blockDamaged || problem.kind == .blockSetAside, !used.contains(problem.file),
                    let name = SetAsideBlock.name(of: String(problem.file.split(separator: "/").last ?? ""))
                else { return nil }
                return LostBlock(
                    file: problem.file, setAsideAs: problem.setAsideAs,
                    span: Timestamp(
                        millisecondsSinceEpoch: name.start)..<Timestamp(millisecondsSinceEpoch: name.end))
            }
        }
    }
}

extension TimeSeriesStore.State {
    /// A block with more damaged places than these is damaged enough.
    static let placesPerBlockMax = 8
    /// Problems of all kinds after which no more are noted: a disk that dies must not fill the memory.
    static let problemsMax = 256

    /// Without those that are known to be damaged.
    var soundBlocks: [Block] { blocks.filter { !damagedBlocks.contains($0.path) } }

    /// Notes damage of a block in use or of the newest hours, each place once.
    /// - Returns: whether it is of a block in use: one that was joined with others or removed meanwhile is no concern any more.
    mutating func note(_ problem: StoreProblem) -> Bool {
        let isOfBlock = blocks.contains { $0.path == problem.file }
        guard isOfBlock || problem.kind == .headPageDamaged else { return false }
        if isOfBlock { damagedBlocks.insert(problem.file) }
        let known = health.problems.filter { $0.file == problem.file }
        if known.count < Self.placesPerBlockMax, health.problems.count < Self.problemsMax, !known.contains(problem) {
            health.problems.append(problem)
        }
        return isOfBlock
    }

    /// Forgets the damage of a block whose file is not used any more.
    mutating func forgetDamage(of path: String) {
        guard damagedBlocks.remove(path) != nil else { return }
        health.problems.removeAll { $0.file == path && $0.setAsideAs == nil }
    }
}

extension StoreProblem {
    /// - Returns: nil where the error says nothing about what is on the disk: too many open files are no damage.
    init?(of error: StoreError) {
        let kind: Kind
        switch (error.code, (error.cause as? FileError)?.code) {
        case (.damaged, _) where PageFile.isPath(error.subject),
            (.fileFailed, .inputOutput) where PageFile.isPath(error.subject):
            kind = .headPageDamaged
        case (.damaged, _): kind = .blockDamaged
        case (.fileFailed, .notFound): kind = .blockMissing
        case (.fileFailed, .inputOutput): kind = .blockUnreadable
        default: return nil
        }
        self.init(kind: kind, file: error.subject, byteOffset: error.byteOffset ?? 0, count: 0)
    }
}
