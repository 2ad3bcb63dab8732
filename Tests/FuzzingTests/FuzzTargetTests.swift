import Fuzzing
import Testing

/// Goal: nothing that comes from outside ends the process, contradicts itself, or takes memory or time without measure. Method: each
/// target gets some hundred inputs of fixed seeds; `scripts/fuzz` gives it new ones for as long as one likes. A fault that the long form found is
/// kept here by its seed and number.
@Suite struct FuzzTargetTests {
    @Test(arguments: fuzzTargets.map(\.name))
    func `inputs of known seeds are taken or refused`(name: String) throws {
        let target = try #require(fuzzTargets.first { $0.name == name })
        #expect(
            !target.corpus.contains { $0.isEmpty } || target.corpus.count > 1, "the corpus of \(name) could not be read"
        )
        for seed in 1...3 as ClosedRange<UInt64> { try target.run(seed: seed, numbers: 0..<150) }
    }

    /// Found by the long form: which of two clashing names was in the error was left to chance.
    @Test func `inputs that showed a fault once`() throws {
        let openMetrics = try #require(fuzzTargets.first { $0.name == "openmetrics" })
        for _ in 0..<20 { try openMetrics.run(seed: 1_795_245_404, numbers: 29814..<29815) }
    }

    @Test func `an input follows from its seed and number alone`() throws {
        let target = try #require(fuzzTargets.first)
        #expect(target.input(seed: 4, number: 17) == target.input(seed: 4, number: 17))
        #expect(target.input(seed: 4, number: 17) != target.input(seed: 5, number: 17))
    }

    @Test func `a finding names the input`() {
        let target = FuzzTarget(name: "demo", corpus: [[1]], words: []) { _ in throw FuzzFinding("no") }
        #expect {
            try target.run(seed: 9, numbers: 3..<4)
        } throws: {
            "\($0)" == "demo, seed 9, input 3: no"
        }
    }
}
