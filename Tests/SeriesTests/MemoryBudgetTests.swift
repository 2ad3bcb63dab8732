import Testing

@testable import Series

/// Goal: shares of a budget never hold more than it has, and give all of it back. Method: single shares step by step, and many at once on all
/// processors.
@Suite struct MemoryBudgetTests {
    private static let free = MemoryShare.freeByteCount

    @Test func `a share is free up to a size, then taken from the budget, and given back`() throws {
        let budget = MemoryBudget(byteCountMax: 10 << 20)
        var share: MemoryShare? = MemoryShare(of: budget)
        try share?.take(Self.free)
        #expect(budget.byteCount == 0)
        try share?.take(1)
        #expect(budget.byteCount > 0)
        try share?.take(5 << 20)
        #expect(budget.byteCount >= 5 << 20)
        share?.giveBack(4 << 20)
        #expect(budget.byteCount < 3 << 20)
        try share?.take(3 << 20)
        share?.keep(100)
        #expect(budget.byteCount == 0)
        share?.keep(1000)
        try share?.take(2 << 20)
        #expect(budget.byteCount > 1 << 20)
        share = nil
        #expect(budget.byteCount == 0)
    }

    @Test func `what alone is too much is told apart from what others hold`() throws {
        let budget = MemoryBudget(byteCountMax: 10 << 20)
        let first = MemoryShare(of: budget)
        try first.take(8 << 20)
        let second = MemoryShare(of: budget)
        var refusal = #expect(throws: MemoryRefusal.self) { try second.take(5 << 20) }
        #expect(refusal?.isAlone == false && refusal?.limit == 10 << 20)
        refusal = #expect(throws: MemoryRefusal.self) { try second.take(11 << 20) }
        #expect(refusal == MemoryRefusal(needed: 11 << 20, limit: 10 << 20, isAlone: true))
        #expect(throws: MemoryRefusal.self) { try second.take(.max) }
        // The refused ones took nothing, and small ones go on.
        try second.take(Self.free)
        first.giveBack(8 << 20)
        try second.take(5 << 20)
        // The last mebibyte is had as well, though shares take more than one at once.
        let exact = MemoryBudget(byteCountMax: Self.free + 100)
        let share = MemoryShare(of: exact)
        try share.take(Self.free + 100)
        #expect(exact.byteCount == 100)
    }

    @Test func `many at once never hold more than there is`() async {
        let budget = MemoryBudget(byteCountMax: 20 << 20)
        let most = await withTaskGroup(of: Int.self) { group in
            for number in 0..<32 {
                group.addTask { @concurrent in
                    var most = 0
                    for round in 0..<200 {
                        let share = MemoryShare(of: budget)
                        do {
                            for _ in 0..<8 { try share.take((number + round) % 7 * 300_000) }
                        } catch {
                            // Others hold it just now.
                        }
                        most = max(most, budget.byteCount)
                        share.giveBack(1)
                    }
                    return most
                }
            }
            return await group.reduce(0) { max($0, $1) }
        }
        // While it is asked for, a refused part counts for a moment: at most one of each task.
        #expect(most <= (20 << 20) + 32 * (3 << 20))
        #expect(most > 0 && budget.byteCount == 0)
    }
}
