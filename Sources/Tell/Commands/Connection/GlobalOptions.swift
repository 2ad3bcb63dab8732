import ArgumentParser
import Diagnostics
import Glibc
import WebAPI

/// The options that every command takes.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON, failures included.")
    var json = false
}

/// The options of commands that speak to the daemon.
struct DaemonOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The daemon's data folder, with its admin socket (or JAGA_DATA).", valueName: "folder"))
    var data: String?

    @Option(
        name: .long, help: "The daemon's address instead of its socket (or JAGA_URL); takes the token in JAGA_TOKEN.")
    var url: String?

    @OptionGroup var output: OutputOptions

    func validate() throws { try url.map { try OptionValue.url($0, "--url") } }

    /// - Throws: `PlainFailure` when no socket can be there.
    func connect() throws -> any APIConnection {
        let console = Console.current!
        let named = console.environment("JAGA_URL").flatMap { $0.isEmpty ? nil : $0 }
        if url == nil, let named { try OptionValue.url(named, "JAGA_URL") }
        return try console.connect(
            ConnectionOptions(
                socketPath: dataFolder(data, console) + "/run/jaga.sock", url: url ?? named,
                token: console.environment("JAGA_TOKEN").map { Secret($0) }))
    }

    /// Prints what the daemon said as it said it, or through `render`.
    func show<Answer: Codable>(_ answer: Answer, _ render: (Answer, inout Page) -> Void) throws {
        let console = Console.current!
        if output.json {
            console.output(String(decoding: try APIJSON.encode(answer), as: UTF8.self))
        } else {
            var page = Page(console: console)
            render(answer, &page)
            page.print()
        }
    }
}

/// The folder given, or `JAGA_DATA`, or the try-out's `.jaga` where it exists, or the service's.
func dataFolder(_ given: String?, _ console: Console) -> String {
    if let given { return given }
    if let named = console.environment("JAGA_DATA"), !named.isEmpty { return named }
    if access(".jaga", F_OK) != 0 && access("/var/lib/jaga/run", F_OK) == 0 { return "/var/lib/jaga" }
    return ".jaga"
}
