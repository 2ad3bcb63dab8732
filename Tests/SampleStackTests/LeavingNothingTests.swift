import Glibc
import SampleStack
import TestSupport
import Testing

/// Goal: however the process ends that started a stack, its servers end and its folder goes.
/// Method: a program that starts a stack is ended by each signal, and what it said it had started is looked for.
@Suite struct LeavingNothingTests {
    @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
    func `nothing is left after the signal`(signal: Int32) async throws {
        let folder = try StackFolder()
        let port = try ProgramServer.freePort()
        let program = ProgramServer("stack", [BuiltPrograms.path("sample-stack")], port: port, in: folder.path)
        try program.launch()
        let lines = try await waitFor("the stack's description") {
            program.log.contains("pids ") && program.log.hasSuffix("\n") ? program.log.split(separator: "\n") : nil
        }
        let home = try #require(lines.first { $0.hasPrefix("folder ") }?.dropFirst("folder ".count))
        let servers = try #require(lines.first { $0.hasPrefix("pids ") }).split(separator: " ").compactMap { pid_t($0) }
        #expect(servers.count == 4)
        for server in servers { #expect(kill(server, 0) == 0) }
        kill(try #require(program.pid), signal)
        try await waitUntil("the servers' end") { servers.allSatisfy { kill($0, 0) != 0 } }
        try await waitUntil("the folder's end") { access(String(home), F_OK) != 0 }
        await program.stop()
    }
}
