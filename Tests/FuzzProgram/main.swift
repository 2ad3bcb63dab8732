import Fuzzing
import Glibc

// jaga-fuzz TARGET… [--seconds 10] [--seed N] [--input N]
//
// Feeds each target for a while. With `--input` it runs that input of the seed alone, which is how a finding is looked at again. Ends with 1 at the
// first finding; a trap ends the process, after the target, the seed and the input were said.

/// What runs now. Written by the one thread there is, read by the handler of a signal that this thread raised.
nonisolated(unsafe) private var currentNumber: UInt64 = 0
nonisolated(unsafe) private var currentText: [CChar] = []

private func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// Only `write` and arithmetic: nothing else is allowed where a signal is handled.
private func tellOfTrap(_ signal: Int32) {
    currentText.withUnsafeBufferPointer { _ = write(1, $0.baseAddress, $0.count - 1) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { digits in
        var rest = currentNumber
        var place = 20
        digits[20] = UInt8(ascii: "\n")
        repeat {
            place -= 1
            digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        _ = write(1, digits.baseAddress! + place, 21 - place)
    }
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
}

var names: [String] = []
var seconds = 10.0
var seed = UInt64(truncatingIfNeeded: time(nil))
var only: UInt64?
var words = CommandLine.arguments.dropFirst()
while let word = words.popFirst() {
    switch word {
    case "--seconds": seconds = words.popFirst().flatMap(Double.init) ?? seconds
    case "--seed": seed = words.popFirst().flatMap { UInt64($0) } ?? seed
    case "--input": only = words.popFirst().flatMap { UInt64($0) }
    default: names.append(word)
    }
}
let chosen = fuzzTargets.filter { names.isEmpty || names.contains($0.name) }
guard chosen.count == (names.isEmpty ? fuzzTargets.count : names.count) else {
    say("the targets are: \(fuzzTargets.map(\.name).joined(separator: " "))")
    exit(64)
}
for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] { Glibc.signal(signal, tellOfTrap) }

for target in chosen {
    currentText = "\(target.name) was ended by a trap: --seed \(seed) --input ".utf8CString.map { $0 }
    let start = time(nil)
    do {
        if let only {
            let input = target.input(seed: seed, number: only)
            say("\(target.name): \(input.count) bytes: \(String(decoding: input, as: UTF8.self).debugDescription)")
            say("\(input)")
        }
        let count = try target.run(
            seed: seed, numbers: only.map { $0..<$0 + 1 } ?? 0..<UInt64.max, willRun: { currentNumber = $0 },
            until: { Double(time(nil) - start) >= seconds })
        say("\(target.name): \(count) inputs of seed \(seed), nothing found")
    } catch {
        say("\(error)")
        exit(1)
    }
}
