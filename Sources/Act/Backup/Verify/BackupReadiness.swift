import BlockingCalls
import Diagnostics
import DurableFiles
import Glibc
import PostgresClient
public import Units

/// Whether a backup of a target could be taken now: a folder to write to, room in it, and programs that fit the server.
/// Nothing is made or changed.
public struct BackupReadiness: Sendable {
    public enum Finding: Sendable, Hashable {
        /// The folder takes files.
        case folderReady(free: ByteCount)
        /// It is not there, and the folder above takes it.
        case folderWillBeMade(String, free: ByteCount)
        /// Nothing can be written there, and why.
        case folderUnusable(String)
        /// The database is smaller than what is free.
        case spaceFits(free: ByteCount, database: ByteCount)
        /// Less is free than the database holds. A compressed dump may fit all the same.
        case spaceShort(free: ByteCount, database: ByteCount)
        /// The program fits the server's version (`15`).
        case programFits(String, server: String)
        /// There is none that fits: what is there, and what to install.
        case programMissing(String)
        /// The server does not answer, so that neither size nor version is known.
        case serverUnreachable(String)
    }

    private let target: BackupTarget
    private let folder: String
    private let programs: PostgresPrograms

    /// - Parameter folder: of the repository.
    public init(_ target: BackupTarget, folder: String) {
        self.init(target, folder: folder, programs: PostgresPrograms())
    }

    init(_ target: BackupTarget, folder: String, programs: PostgresPrograms) {
        self.target = target
        self.folder = folder
        self.programs = programs
    }

    /// - Parameter timeLimit: for the server to answer.
    public func look(timeLimit: Duration = .seconds(10)) async -> [Finding] {
        var findings: [Finding] = []
        var free: ByteCount?
        do {
            let (finding, available) = try await BlockingThreads.shared.run { [folder] in try Self.look(at: folder) }
            findings.append(finding)
            free = available
        } catch {
            findings.append(.folderUnusable(describe(error)))
        }
        do {
            let connection = try await PostgresConnection.open(target.postgres, timeout: timeLimit)
            defer { connection.close() }
            let row = try await connection.query(
                "SELECT pg_database_size(current_database())::text AS size", timeout: timeLimit
            ).onlyRow()
            if let free, let bytes = Int64(try row.get("size", as: String.self)) {
                let size = ByteCount(bytes)
                findings.append(
                    free.bytes < bytes
                        ? .spaceShort(free: free, database: size) : .spaceFits(free: free, database: size))
            }
            for program in ["pg_dump", "pg_restore"] {
                findings.append(await look(for: program, serverVersion: connection.serverVersion))
            }
        } catch {
            findings.append(.serverUnreachable(describe(error)))
        }
        return findings
    }

    private func look(for program: String, serverVersion: Int) async -> Finding {
        do {
            _ = try await programs.path(of: program, serverVersion: serverVersion)
            return .programFits(program, server: "\(serverVersion / 10_000)")
        } catch {
            let hint = (error as? any Failure)?.hint.map { ". \($0)" } ?? ""
            return .programMissing(describe(error) + hint)
        }
    }

    /// `/a` of `/a/b`, `/` of `/a`, and `.` of `a`.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The folder, or the nearest one above it that exists.
    private static func look(at folder: String) throws -> (Finding, ByteCount) {
        var path = folder
        while access(path, F_OK) != 0, errno == ENOENT, path != ".", path != "/" {
            path = Self.parent(of: path)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw BackupFailure(.fileFailed, path, String(cString: strerror(errno)))
        }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw BackupFailure(.fileFailed, path, "is not a folder")
        }
        let free = ByteCount(try RealFiles().space(at: path).availableBytes)
        return (path == folder ? .folderReady(free: free) : .folderWillBeMade(folder, free: free), free)
    }
}
