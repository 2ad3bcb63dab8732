import Glibc
import QueryComparison

// compare-queries [N [SEED]]
//
// Asks Debian's Prometheus and Jaga N generated queries over the same samples, 3000 by default. Prints each difference with both answers and ends
// with 1 if there is any.

let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 0 : 3000
let seed = CommandLine.arguments.count > 2 ? UInt64(CommandLine.arguments[2]) : UInt64.random(in: 1...999_999_999)
guard count > 0, let seed else {
    print("usage: compare-queries [N [SEED]]")
    exit(64)
}
print("seed \(seed)")
do {
    let comparison = try await QueryComparison(seed: seed)
    let report = try await comparison.run(count)
    for difference in report.differences { print(difference) }
    print(report.details)
    print(report.summary)
    exit(report.differences.isEmpty ? 0 : 1)
} catch {
    print("error: \(error)")
    exit(2)
}
