import Glibc

/// Writes a line to standard output at once: results go into pipes too, and a line that waits in a buffer is of no use there.
func printLine(_ text: String) {
    writeAll(text + "\n", to: STDOUT_FILENO)
}

/// Writes all of `text`; a reader that has gone away ends the writing without a word.
func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
