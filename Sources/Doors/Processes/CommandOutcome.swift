/// How a program that was started came to its end.
public struct CommandOutcome: Sendable {
    public enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
        /// It was ended because its time was over.
        case timedOut
    }

    /// The program's name, without its arguments.
    public var program: String
    public var ending: Ending
    /// Empty when the output was streamed.
    public var output: CapturedOutput
    public var errors: CapturedOutput
    public var duration: Duration

    public var isSuccess: Bool { ending == .exited(0) }

    /// As a shell reports it: the exit code, 128 + the signal, 124 when the time was over.
    public var exitCode: Int32 {
        switch ending {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        case .timedOut: 124
        }
    }

    /// - Returns: itself when the program succeeded.
    /// - Throws: `CommandFailure` with the end of what it wrote to standard error.
    @discardableResult
    public func checked() throws(CommandFailure) -> CommandOutcome {
        if isSuccess { return self }
        let words = errors.lastLines(3)
        let said = words.isEmpty ? output.lastLines(3) : words
        throw CommandFailure(ending == .timedOut ? .timedOut : .failed, program, reason(said))
    }

    private func reason(_ said: String) -> String {
        let how =
            switch ending {
            case .exited(let code): "exit code \(code)"
            case .signalled(let signal): "ended by signal \(signal)\(Self.signalNames[signal].map { " (\($0))" } ?? "")"
            case .timedOut: "not done after \(duration.formattedSeconds)"
            }
        return said.isEmpty ? how : "\(how): \(said)"
    }

    private static let signalNames: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE",
        15: "SIGTERM",
    ]
}

extension Duration {
    /// `12.5 s`.
    fileprivate var formattedSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
