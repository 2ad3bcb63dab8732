import Testing
import Units

@testable import Backup

/// Goal: retention never takes the last good copies. Method: chosen and random histories.
@Suite struct RetentionRuleTests {
    let now = Timestamp(rfc3339: "2026-03-31T12:00:00Z")!

    @Test func `the newest good ones and the young ones stay`() {
        let rule = RetentionRule(keepLast: 2, keepDays: 3)
        let all = (0..<10).map { backup(daysAgo: $0) }
        #expect(rule.removable(all, at: now) == ["9", "8", "7", "6", "5", "4", "3"])
    }

    @Test func `nothing goes while the newest is not verified`() {
        var all = (0..<10).map { backup(daysAgo: $0) }
        all[0].isGood = false
        #expect(RetentionRule(keepLast: 1, keepDays: 0).removable(all, at: now) == [])
    }

    @Test func `damaged ones do not count among the last good ones`() {
        var all = (0..<10).map { backup(daysAgo: $0) }
        for index in 1..<8 { all[index].isGood = false }
        let removable = RetentionRule(keepLast: 3, keepDays: 0).removable(all, at: now)
        #expect(!removable.contains("8") && !removable.contains("9") && !removable.contains("0"))
        #expect(removable == ["7", "6", "5", "4", "3", "2", "1"])
    }

    @Test func `one good backup of each week stays`() {
        let all = (0..<30).map { backup(daysAgo: $0) }
        let kept = Set(all.map(\.id)).subtracting(
            RetentionRule(keepLast: 1, keepDays: 0, keepWeeks: 3).removable(all, at: now))
        // 31 March 2026 is a Tuesday; the weeks before end on the 29th and the 22nd.
        #expect(kept == ["0", "2", "9"])
    }

    @Test func `in any history at least keepLast good ones stay`() {
        let seed = UInt64.random(in: 0 ..< .max)
        var state = seed
        func random(_ count: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % count
        }
        for _ in 0..<500 {
            let all = (0..<Int(random(20))).map { backup(daysAgo: $0, isGood: random(3) > 0) }
            let rule = RetentionRule(keepLast: 1 + Int(random(5)), keepDays: Int(random(10)), keepWeeks: Int(random(3)))
            let gone = Set(rule.removable(all, at: now))
            let goodBefore = all.filter(\.isGood).count
            let goodAfter = all.filter { $0.isGood && !gone.contains($0.id) }.count
            #expect(goodAfter >= min(goodBefore, rule.keepLast), "seed \(seed)")
        }
    }

    private func backup(daysAgo: Int, isGood: Bool = true) -> RetentionRule.Candidate {
        .init(id: String(daysAgo), finishedAt: now - .seconds(86_400 * daysAgo), isGood: isGood)
    }
}
