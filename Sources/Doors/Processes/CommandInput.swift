import Subprocess

/// The writing end of a running program's standard input.
public struct CommandInput: Sendable {
    let writer: StandardInputWriter

    /// Returns when the program's pipe has taken all of `bytes`.
    /// - Throws: `CommandInputClosed` when the program no longer reads.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes
        while !rest.isEmpty {
            let written: Int
            do {
                written = try await writer.write(rest)
            } catch {
                throw CommandInputClosed()
            }
            try Task.checkCancellation()
            guard written > 0 else { throw CommandInputClosed() }
            if written == rest.count { return }
            rest.removeFirst(written)
        }
    }
}

/// The program closed its standard input or ended before it had read everything. Not a failure of its own: the exit
/// code says what happened.
public struct CommandInputClosed: Error {}
