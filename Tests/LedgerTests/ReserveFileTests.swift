import Glibc
import Ledger
import StateStore
import TestSupport
import Testing

/// Goal: an entry that finds the disk full is written all the same, from the reserve file. Method: a real database on a small file system
/// that is filled to the last byte, without free pages of its own.
@Suite struct ReserveFileTests {
    let folder = TemporaryFolder()

    @Test func `the reserve file gives way to entries that find the disk full`() async throws {
        guard let disk = SmallDisk(at: folder.path("disk"), byteCount: 16 << 20) else {
            try Test.cancel("no small file system can be mounted here")
        }
        let path = "\(disk.path)/jaga.db"
        let ledger = try Ledger.open(
            store: try StateStore.open(at: path), projections: [NotesProjection()])
        try await ledger.record([note("before")])
        let descriptor = open(path + ".reserve", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && posix_fallocate(descriptor, 0, 4 << 20) == 0)
        close(descriptor)
        try disk.fill()
        for number in 0..<300 {
            let place = try await ledger.record([note("n\(number)")])
            #expect(place == Int64(number) + 1)
        }
        #expect(access(path + ".reserve", F_OK) != 0)
        // With that gone too, what cannot be written is refused as a whole.
        try disk.fill()
        let size = ledger.head.size
        let error = await #expect(throws: StateStoreError.self) {
            for number in 0..<5000 { try await ledger.record([note("m\(number)")]) }
        }
        #expect(error?.code == .diskFull)
        let refused = ledger.head.size
        #expect(refused >= size)
        disk.makeRoom()
        #expect(try await ledger.record([note("after")]) == refused)
        #expect(try await ledger.reader.verify().findings.isEmpty)
    }
}
