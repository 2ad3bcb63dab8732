import Glibc

// A seeded fuzzer without feedback: inputs are made of a corpus by mutation, each from its seed and its number alone, so that any
// one of them can be made again. It looks for four things: a trap (which ends the process; the program says which input it was), an
// answer that contradicts itself (`FuzzFinding`), more memory than an input of that size may take, and more time.

/// What a target must not do, and did.
public struct FuzzFinding: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// Something that reads bytes of unknown origin.
public struct FuzzTarget: Sendable {
    public var name: String
    public var corpus: [[UInt8]]
    /// Pieces that mean something in the format.
    public var words: [String]
    /// Returns for input that is refused as well as for input that is taken. Throws `FuzzFinding` alone.
    public var run: @Sendable ([UInt8]) throws -> Void

    public init(
        name: String, corpus: [[UInt8]], words: [String], run: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.corpus = corpus
        self.words = words
        self.run = run
    }
}

/// A generator whose numbers follow from its seed (xorshift).
public struct FuzzRandom {
    private var state: UInt64

    public init(seed: UInt64, number: UInt64) {
        state = (seed &* 0x9E37_79B9_7F4A_7C15) ^ (number &* 0xD1B5_4A32_D192_ED03) | 1
        for _ in 0..<4 { _ = bits() }
    }

    public mutating func bits() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    public mutating func next(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(bits() >> 11) % bound }
}

extension FuzzTarget {
    /// At most this many bytes go in.
    static let inputBytesMax = 16 << 10

    /// The input that `seed` and `number` stand for.
    public func input(seed: UInt64, number: UInt64) -> [UInt8] {
        var random = FuzzRandom(seed: seed, number: number)
        var bytes = corpus[random.next(corpus.count)]
        if bytes.count > Self.inputBytesMax {
            let start = random.next(bytes.count - Self.inputBytesMax)
            bytes = Array(bytes[start..<start + Self.inputBytesMax])
        }
        for _ in 0..<random.next(9) { mutate(&bytes, &random) }
        return Array(bytes.prefix(Self.inputBytesMax * 2))
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout FuzzRandom) {
        let place = random.next(bytes.count + 1)
        let length = 1 + random.next(min(40, max(1, bytes.count - place)))
        let end = min(bytes.count, place + length)
        switch random.next(10) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.next(8))
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.bits())
        case 2: bytes.insert(UInt8(truncatingIfNeeded: random.bits()), at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 5:
            let other = corpus[random.next(corpus.count)]
            let start = random.next(other.count)
            let piece = other[start..<min(other.count, start + 1 + random.next(60))]
            bytes.insert(contentsOf: piece, at: place)
        case 6, 7: if !words.isEmpty { bytes.insert(contentsOf: words[random.next(words.count)].utf8, at: place) }
        case 8 where place < bytes.count: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random.next(5)]
        default: bytes.removeLast(min(bytes.count, random.next(30)))
        }
    }

    /// Runs the inputs `numbers` of `seed`.
    /// - Parameters:
    ///   - willRun: told before each input, so that a trap can be traced to it.
    ///   - until: asked now and then; true ends the run.
    /// - Returns: how many inputs were run.
    @discardableResult
    public func run(
        seed: UInt64, numbers: Range<UInt64>, willRun: (UInt64) -> Void = { _ in }, until isOver: () -> Bool = { false }
    ) throws -> UInt64 {
        let memoryAtStart = peakMemoryBytes()
        for number in numbers {
            if number % 64 == 0, isOver() { return number - numbers.lowerBound }
            let input = input(seed: seed, number: number)
            willRun(number)
            let start = processorSeconds()
            do {
                try run(input)
            } catch {
                throw FuzzFinding("\(name), seed \(seed), input \(number): \(error)")
            }
            let seconds = processorSeconds() - start
            guard seconds < 2 else { throw FuzzFinding("\(name), seed \(seed), input \(number): took \(seconds) s") }
            guard peakMemoryBytes() - memoryAtStart < 512 << 20 else {
                throw FuzzFinding("\(name), seed \(seed), input \(number): took more than 512 MiB")
            }
        }
        return UInt64(numbers.count)
    }
}

private func peakMemoryBytes() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
}

private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
