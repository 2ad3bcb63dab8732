import DurableFiles
import Glibc
import Testing

/// Goal: a replaced file is the old one or the new one whatever fails. Method: every system call of the replacement fails in
/// turn, once and for good, followed by each kind of power cut.
@Suite struct PowerCutTests {
    static let faults: [(Int32, Bool)] = [(EIO, false), (EIO, true), (ENOSPC, false), (ENOSPC, true)]

    @Test(arguments: faults, MemoryFiles.Loss.allCases)
    func `replacing is all or nothing at every failing call`(fault: (Int32, Bool), loss: MemoryFiles.Loss) throws {
        let old = Array("old contents".utf8)
        let new = Array("the new contents, longer".utf8)
        var call = 0
        while true {
            call += 1
            let disk = MemoryFiles()
            let files = FaultyFiles(disk)
            try files.createFolders("/data")
            try files.replace("/data/state", with: old)
            files.arm(.init(.error(fault.0), call: call, lasts: fault.1))
            var failed = false
            do { try files.replace("/data/state", with: new) } catch { failed = true }
            let disturbed = files.failedCount > 0
            #expect([old, new].contains(try disk.contents(of: "/data/state")), "call \(call)")
            disk.powerCut(loss)
            let kept = try disk.contents(of: "/data/state")
            #expect(failed ? [old, new].contains(kept) : kept == new, "call \(call)")
            guard disturbed else { break }
            try #require(call < 50)
        }
        #expect(call > 6)
    }

    @Test func `what was not synced is lost, what was synced stays`() throws {
        let disk = MemoryFiles()
        try disk.createFolders("/data")
        var file = try disk.openForAppending("/data/log")
        try file.write(Array("kept".utf8))
        try file.sync()
        try disk.syncFolder("/data")
        try file.write(Array(" lost".utf8))
        disk.endProcess()
        #expect(try disk.contents(of: "/data/log") == Array("kept lost".utf8))
        disk.powerCut(.halfOfContents)
        #expect(try disk.contents(of: "/data/log") == Array("kept l".utf8))
        disk.powerCut()
        try disk.replace("/data/unsynced", with: [1])
        try disk.rename("/data/unsynced", to: "/data/renamed")
        disk.powerCut()
        #expect(try disk.list("/data") == ["log", "unsynced"])
    }

    @Test func `a name that was never synced is gone after a power cut`() throws {
        let disk = MemoryFiles()
        try disk.createFolders("/data")
        var file = try disk.openForAppending("/data/log")
        try file.write([1])
        try file.sync()
        disk.powerCut()
        #expect(try disk.status(of: "/data/log") == nil)
    }

    @Test func `a short write is completed`() throws {
        let files = FaultyFiles(MemoryFiles())
        try files.createFolders("/data")
        files.arm(.init(.shortWrite, call: 1, lasts: true, operations: [.write]))
        try files.replace("/data/state", with: Array(0..<100))
        #expect(files.failedCount > 3)
        #expect(try files.contents(of: "/data/state") == Array(0..<100))
    }

    @Test func `a full disk takes what fits, says so, and works again when there is room`() throws {
        let disk = MemoryFiles(capacityBytes: 10)
        try disk.createFolders("/data")
        var file = try disk.openForAppending("/data/log")
        let error = #expect(throws: FileError.self) { try file.write([UInt8](repeating: 7, count: 20)) }
        #expect(error?.isNoSpace == true)
        #expect(try file.size() == 10)
        #expect(try disk.space(at: "/data").availableBytes == 0)
        disk.setCapacity(bytes: 100)
        try file.truncate(to: 0)
        try file.write([UInt8](repeating: 7, count: 20))
        #expect(try file.size() == 20)
    }

    @Test func `a flipped bit is one bit`() throws {
        let disk = MemoryFiles()
        try disk.replace("/state", with: [0, 0, 0])
        disk.flipBit(3, at: 1, of: "/state")
        #expect(try disk.contents(of: "/state") == [0, 8, 0])
    }
}
