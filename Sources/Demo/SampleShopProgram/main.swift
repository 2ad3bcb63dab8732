import Diagnostics
import Glibc
import SampleShop

// The sample shop as a program of its own, for tests that do not need all of Jaga: `sample-shop <configuration file>`.

/// Ends the program with `text` on standard error.
func end(_ status: Int32, _ text: String) -> Never {
    _ = Array("\(text)\n".utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress!, $0.count) }
    exit(status)
}

guard CommandLine.arguments.count == 2 else { end(64, "usage: sample-shop <configuration file>") }
do {
    try await Shop.run(configurationPath: CommandLine.arguments[1])
} catch {
    end(1, "sample-shop: \(describe(error))")
}
