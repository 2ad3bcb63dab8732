import Commands
import Daemon
import Glibc

@main
struct Main {
    static func main() async {
        // A reader that goes away (`jaga ledger | head`) is a write error to handle, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        let status = await runCommandLine(Array(CommandLine.arguments.dropFirst()), console: terminalConsole())
        exit(status.rawValue)
    }
}
