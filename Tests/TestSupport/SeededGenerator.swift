/// Random numbers that a seed repeats (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
///
/// `SeededGenerator.forTest()` takes the seed from `JAGA_TEST_SEED`, or a new one, and prints it, so that a failure can
/// be had again.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    public static func forTest(_ name: String = #function) -> SeededGenerator {
        let seed = environment("JAGA_TEST_SEED").flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999_999)
        print("\(name): seed \(seed) (JAGA_TEST_SEED=\(seed) repeats it)")
        return SeededGenerator(seed: seed)
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
