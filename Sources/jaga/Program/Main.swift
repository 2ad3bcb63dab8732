import Commands
import Daemon
import Glibc

@main
struct Main {
    static func main() async {
        // Results go to pipes too: a line that waits in a buffer is of no use to the reader.
        setvbuf(stdout, nil, _IOLBF, 0)
        let status = await runCommandLine(Array(CommandLine.arguments.dropFirst()), console: terminalConsole())
        exit(status.rawValue)
    }
}
