import Diagnostics
import DurableFiles
import FoundationEssentials
import Glibc
import Testing

/// Goal: the file system in memory behaves as the real one, so that what is proved on one holds for the other. Method: one
/// set of tests, run on both.
@Suite struct FileSystemTests {
    enum Kind: CaseIterable { case real, memory }

    @Test(arguments: Kind.allCases)
    func `a file grows at its end and is read at positions`(kind: Kind) throws {
        let (files, folder) = try make(kind)
        defer { try? files.removeTree(folder) }
        let path = joined(folder, "log")
        var file = try files.openForAppending(path)
        try file.write(Array("first ".utf8))
        try file.write(Array("second".utf8))
        try file.sync()
        #expect(try file.size() == 12)
        try file.close()
        #expect(try files.openForReading(path).read(at: 6, count: 100) == Array("second".utf8))
        #expect(try files.openForReading(path).read(at: 50, count: 1) == [])
        #expect(try files.status(of: path)?.byteCount == 12)
        try files.truncate(path, to: 5)
        #expect(try files.contents(of: path) == Array("first".utf8))
        #expect { try files.contents(of: path, byteCountMax: 4) } throws: { ($0 as? FileError)?.errorNumber == EFBIG }
    }

    @Test(arguments: Kind.allCases)
    func `replacing leaves the new contents and nothing beside them`(kind: Kind) throws {
        let (files, folder) = try make(kind)
        defer { try? files.removeTree(folder) }
        let path = joined(folder, "state")
        try files.replace(path, with: Array("old".utf8))
        try files.replace(path, with: Array("new".utf8))
        #expect(try files.contents(of: path) == Array("new".utf8))
        #expect(try files.list(folder) == ["state"])
    }

    @Test(arguments: Kind.allCases)
    func `folders are made, listed in order, renamed and removed with what is in them`(kind: Kind) throws {
        let (files, folder) = try make(kind)
        defer { try? files.removeTree(folder) }
        let deep = joined(folder, "a/b/c")
        try files.createFolders(deep)
        try files.createFolder(deep)
        for name in ["2", "10", "1"] { try files.replace(joined(deep, name), with: []) }
        #expect(try files.list(deep) == ["1", "10", "2"])
        try files.rename(joined(folder, "a"), to: joined(folder, "z"))
        #expect(try files.list(joined(folder, "z/b/c")).count == 3)
        #expect { try files.remove(joined(folder, "z")) } throws: { ($0 as? FileError)?.code == .exists }
        try files.removeTree(joined(folder, "z"))
        try files.removeTree(joined(folder, "z"))
        #expect(try files.list(folder) == [])
    }

    @Test(arguments: Kind.allCases)
    func `a missing file is named in the error`(kind: Kind) throws {
        let (files, folder) = try make(kind)
        defer { try? files.removeTree(folder) }
        let path = joined(folder, "missing")
        #expect(try files.status(of: path) == nil)
        let error = #expect(throws: FileError.self) { try files.contents(of: path) }
        #expect(error?.summary == "cannot open '\(path)': No such file or directory")
        #expect(error?.code == .notFound)
        let exists = #expect(throws: FileError.self) {
            try files.replace(path, with: [])
            _ = try files.open(path, .create)
        }
        #expect(exists?.code == .exists)
    }

    @Test(arguments: Kind.allCases)
    func `a second daemon is told which process has the data folder`(kind: Kind) throws {
        let (files, folder) = try make(kind)
        defer { try? files.removeTree(folder) }
        let lock = try files.lockDataFolder(folder, holder: 4711)
        let error = #expect(throws: FileError.self) { _ = try files.lockDataFolder(folder, holder: 4712) }
        #expect(error?.code == .locked)
        #expect(error?.holder == 4711)
        #expect(error?.summary == "'\(folder)/run/lock' is locked by process 4711")
        #expect(error?.hint != nil)
        try lock.release()
        let next = try files.lockDataFolder(folder, holder: 4712)
        #expect(try files.contents(of: joined(folder, "run/lock")) == Array("4712\n".utf8))
        try next.release()
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a", "."), ("a/b/", "a")])
    func `the folder above a path`(path: String, expected: String) {
        #expect(parentFolder(of: path) == expected)
    }

    @Test func `the free space of the real disk is a plausible figure`() throws {
        let space = try RealFiles().space(at: "/tmp")
        #expect(space.availableBytes >= 0 && space.availableBytes <= space.totalBytes && space.totalBytes > 0)
    }

    private func make(_ kind: Kind) throws -> (any FileSystem, String) {
        switch kind {
        case .memory:
            let files = MemoryFiles()
            try files.createFolder("/data")
            return (files, "/data")
        case .real:
            var template = Array("\(FileManager.default.temporaryDirectory.path)/jaga files XXXXXX".utf8CString)
            let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
            return (RealFiles(), folder)
        }
    }
}
