import Synchronization

/// Memory that all questions asked at the same time share. A question that would go past it is refused before the memory is taken, so that
/// no number of questions ends the process.
///
/// What is counted is what grows with a question: samples read and computed, and the text of the answer until it has been sent. It is
/// an estimate, as of any program with an allocator below it.
public final class MemoryBudget: Sendable {
    public let byteCountMax: Int
    private let taken = Atomic(0)

    /// - Parameter byteCountMax: more than `MemoryShare.freeByteCount`.
    public init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// What is held just now.
    public var byteCount: Int { taken.load(ordering: .relaxed) }

    fileprivate func take(_ more: Int) -> Bool {
        if taken.add(more, ordering: .relaxed).newValue <= byteCountMax { return true }
        giveBack(more)
        return false
    }

    fileprivate func giveBack(_ less: Int) { taken.subtract(less, ordering: .relaxed) }
}

/// A question's share of a budget, given back with the object.
public final class MemoryShare: Sendable {
    /// What each question has without asking, so that small ones are answered while large ones hold all there is.
    public static let freeByteCount = 256 << 10
    /// Taken at once, so that a budget is not asked for each series.
    private static let step = 1 << 20

    private let budget: MemoryBudget
    private let byteCount = Atomic(0)
    private let granted = Mutex(MemoryShare.freeByteCount)

    public init(of budget: MemoryBudget) { self.budget = budget }

    deinit {
        let granted = granted.withLock { $0 }
        if granted > Self.freeByteCount { budget.giveBack(granted - Self.freeByteCount) }
    }

    /// Takes `more` bytes into account. May be called on any thread.
    /// - Throws: when they are more than there are: none of them is taken then.
    public func take(_ more: Int) throws(MemoryRefusal) {
        let (needed, overflow) = byteCount.load(ordering: .relaxed).addingReportingOverflow(more)
        guard !overflow, needed <= budget.byteCountMax else {
            throw MemoryRefusal(needed: overflow ? .max : needed, limit: budget.byteCountMax, isAlone: true)
        }
        let count = byteCount.add(more, ordering: .relaxed).newValue
        let isGranted = granted.withLock { granted in
            guard count > granted else { return true }
            for part in [max(count - granted, Self.step), count - granted] where budget.take(part) {
                granted += part
                return true
            }
            return false
        }
        guard isGranted else {
            byteCount.subtract(more, ordering: .relaxed)
            throw MemoryRefusal(needed: count, limit: budget.byteCountMax, isAlone: false)
        }
    }

    /// Gives back what goes past `rest`.
    public func keep(_ rest: Int) { giveBack(max(0, byteCount.load(ordering: .relaxed) - rest)) }

    /// Gives some of it back before the end.
    public func giveBack(_ less: Int) {
        let count = byteCount.subtract(less, ordering: .relaxed).newValue
        granted.withLock { granted in
            let kept = max(Self.freeByteCount, count)
            guard granted - kept >= Self.step else { return }
            budget.giveBack(granted - kept)
            granted = kept
        }
    }
}

/// A question needs more memory than there is for it.
public struct MemoryRefusal: Error, Hashable, CustomStringConvertible {
    /// What it had come to need, in bytes, when it was refused.
    public var needed: Int
    public var limit: Int
    /// Whether it alone needs more than all questions may have; otherwise others hold the rest just now.
    public var isAlone: Bool

    public var description: String {
        isAlone
            ? "it needs \(needed) bytes of memory or more, at most \(limit) are allowed"
            : "other queries, and answers that are still being read, hold the memory that it needs (\(needed) bytes or more, of \(limit) for all together); ask again later"
    }
}
