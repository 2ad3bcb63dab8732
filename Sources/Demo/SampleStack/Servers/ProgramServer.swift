import Glibc

/// Any program that listens on a port of 127.0.0.1: for servers that have no type of their own here.
public final class ProgramServer: StackServer {
    public let process: ServerProcess
    public let port: Int
    public var stopSignal: Int32 { SIGTERM }

    /// - Parameters:
    ///   - arguments: the program's path and its arguments, without secrets.
    ///   - port: what the program was told to listen on; `ProgramServer.freePort()` finds one.
    ///   - folder: where it runs, and where its output goes as `<name>.log`.
    public init(
        _ name: String, _ arguments: [String], port: Int, in folder: String, environment: [String: String] = [:]
    ) {
        var command = Command(arguments)
        command.folder = folder
        command.environment = environment
        process = ServerProcess(name: name, command, logPath: "\(folder)/\(name).log")
        self.port = port
    }

    /// A port of 127.0.0.1 that nothing listens on now.
    public static func freePort() throws -> Int { try SampleStack.freePort() }

    /// Starts the program without waiting for it to answer.
    public func launch() throws { try process.launch() }

    /// Whether somebody accepts connections on the port.
    public func answers() async -> Bool {
        // Whatever the error, it does not answer.
        (try? await Loopback.exchange(port: port, [], limit: .seconds(1)) { _ in true }) != nil
    }
}
