import DurableFiles
import Testing

/// Goal: through a read-only file system all can be read and nothing changed. Method: every call that changes something, over a disk in memory.
@Suite struct ReadOnlyFilesTests {
    @Test func `what is there is read, and every change is refused as on a disk that is mounted read-only`() throws {
        let disk = MemoryFiles()
        try disk.createFolders("/data")
        try disk.replace("/data/one", with: [1, 2, 3])
        let files = ReadOnlyFiles(disk)
        #expect(try files.contents(of: "/data/one") == [1, 2, 3] && files.list("/data") == ["one"])
        #expect(try files.status(of: "/data/one")?.byteCount == 3 && files.status(of: "/data/two") == nil)
        #expect(try files.space(at: "/data").totalBytes == disk.space(at: "/data").totalBytes)
        for change in [
            { try files.replace("/data/one", with: [4]) }, { try files.truncate("/data/one", to: 1) },
            { try files.remove("/data/one") }, { try files.rename("/data/one", to: "/data/two") },
            { try files.link("/data/one", to: "/data/two") }, { try files.createFolder("/data/folder") },
            { try files.syncFolder("/data") }, { _ = try files.openForAppending("/data/two") },
            { _ = try files.create("/data/two") }, { _ = try files.lock("/data/lock", holder: 1) },
        ] as [() throws -> Void] {
            let error = #expect(throws: FileError.self) { try change() }
            #expect(error?.code == .readOnly)
        }
        #expect(try disk.list("/data") == ["one"] && disk.contents(of: "/data/one") == [1, 2, 3])
    }
}
