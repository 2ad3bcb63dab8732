import Diagnostics
import Glibc
import TestSupport
import Testing

@testable import Daemon

/// Goal: only a folder of Jaga's own is closed to other users. Method: what somebody may name by mistake is named, and looked at after.
@Suite struct DataFolderTests {
    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func take(_ path: String) throws { _ = try DataFolder(path) }

    @Test func `a file and a folder of others are refused and left as they are`() throws {
        let folder = try TemporaryFolder("data")
        defer { folder.remove() }
        let file = folder.file("passwd")
        try writeText("root:x:0:0\n", to: file)
        chmod(file, 0o644)
        #expect(throws: PlainFailure.self) { try take(file) }
        #expect(mode(file) == 0o644)

        let others = folder.file("etc")
        mkdir(others, 0o755)
        try writeText("x", to: "\(others)/hosts")
        chmod(others, 0o755)
        let failure = #expect(throws: PlainFailure.self) { try take(others) }
        #expect(failure?.summary.contains("holds other things") == true)
        #expect(mode(others) == 0o755)
    }

    @Test(arguments: [[], ["run"], ["jaga.db", "notes.txt"], ["ledger.key"]])
    func `a new, an empty and an own folder are closed to others`(names: [String]) throws {
        let folder = try TemporaryFolder("data")
        defer { folder.remove() }
        let path = folder.file("data")
        if !names.isEmpty { mkdir(path, 0o755) }
        for name in names {
            if name == "run" { mkdir("\(path)/run", 0o755) } else { try writeText("", to: "\(path)/\(name)") }
        }
        chmod(path, 0o755)
        try take(path)
        #expect(mode(path) == 0o700)
    }
}
