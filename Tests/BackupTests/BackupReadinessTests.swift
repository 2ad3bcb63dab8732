import Diagnostics
import Glibc
import PostgresClient
import TestSupport
import Testing
import Units

@testable import Backup

/// Goal: `jaga check` says whether a backup could be taken now, and makes nothing. Method: a real server, folders as they may be
/// found, and programs of other versions.
@Suite struct BackupReadinessTests {
    private func look(
        _ site: BackupSite, folder: String? = nil, programs: PostgresPrograms = PostgresPrograms()
    ) async -> [BackupReadiness.Finding] {
        await BackupReadiness(
            site.backups.targets[0], folder: folder ?? site.folder.path, programs: programs
        ).look()
    }

    @Test func `a folder, room and programs that fit`() async throws {
        let site = try await BackupSite.shop()
        let findings = await look(site)
        #expect(findings.count == 4)
        guard case .folderReady(let free) = findings[0] else { throw PlainFailure("test", "\(findings)") }
        #expect(free.bytes > 0)
        guard case .spaceFits(_, let size) = findings[1] else { throw PlainFailure("test", "\(findings)") }
        #expect(size.bytes > 1_000_000)
        for (finding, program) in zip(findings[2...], ["pg_dump", "pg_restore"]) {
            guard case .programFits(let name, let server) = finding else { throw PlainFailure("test", "\(finding)") }
            #expect(name == program && Int(server) != nil)
        }
    }

    @Test func `a folder that is not there is made later, not now`() async throws {
        let site = try await BackupSite.shop()
        let path = site.folder.file("a/b/backups")
        guard case .folderWillBeMade(path, _) = await look(site, folder: path)[0] else {
            throw PlainFailure("test", "a missing folder below one that takes it")
        }
        #expect(access(site.folder.file("a"), F_OK) != 0)
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a/b", "a"), ("a", ".")])
    func `the folder above`(path: String, parent: String) {
        #expect(BackupReadiness.parent(of: path) == parent)
    }

    @Test func `a file in the folder's place, or a folder that takes nothing, cannot be used`() async throws {
        let site = try await BackupSite.shop()
        try writeBytes([1], site.folder.file("file"))
        guard case .folderUnusable(let reason) = await look(site, folder: site.folder.file("file"))[0] else {
            throw PlainFailure("test", "a file is no folder")
        }
        #expect(reason.contains("file"))
        // Root may write everywhere.
        guard geteuid() != 0 else { return }
        guard case .folderUnusable = await look(site, folder: "/proc/backups")[0] else {
            throw PlainFailure("test", "/proc takes no folder")
        }
    }

    @Test func `a program older than the server, and a server that does not answer`() async throws {
        let site = try await BackupSite.shop()
        var programs = PostgresPrograms()
        programs.versionsFolder = site.folder.file("none")
        let older = await look(site, programs: programs).suffix(2)
        for finding in older {
            // What is in PATH fits or does not, by the machine; either way it is said.
            switch finding {
            case .programFits: break
            case .programMissing(let reason): #expect(reason.contains("postgresql-client-"))
            default: Issue.record("\(finding)")
            }
        }
        var target = site.backups.targets[0]
        target.postgres.port = 1
        let findings = await BackupReadiness(target, folder: site.folder.path).look()
        guard findings.count == 2, case .serverUnreachable(let reason) = findings[1] else {
            throw PlainFailure("test", "\(findings)")
        }
        #expect(!reason.isEmpty)
    }
}
