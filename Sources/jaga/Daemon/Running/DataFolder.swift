import Commands
import Diagnostics
import DurableFiles
import Glibc

/// The folder that holds everything, owned by one process.
struct DataFolder: ~Copyable {
    let path: String
    /// Held as long as the daemon lives; the kernel lets go of it when the process ends, however that happens.
    let lock: FolderLock

    /// Makes the folder and takes it over.
    /// - Throws: `FileError` of code `locked` when another daemon has it, or what the system says.
    init(_ given: String) throws {
        path = given.hasPrefix("/") ? given : "\(Self.currentFolder)/\(given)"
        // Before anything is made: a socket with a longer path could not be opened.
        try DaemonConnection.check(socketPath: "\(path)/run/jaga.sock")
        let files = RealFiles()
        try files.createFolders(path)
        // Sockets, keys and dumps are inside: nobody else has any business here.
        guard chmod(path, 0o700) == 0 else {
            throw PlainFailure(
                "failed", "cannot close \(path) to others: \(String(cString: strerror(errno)))",
                hint: "Run Jaga as the folder's owner, or name another folder with --data.")
        }
        for name in ["run", "run/processes", "spool", "backups"] { try files.createFolders("\(path)/\(name)") }
        lock = try files.lockDataFolder(path, holder: getpid())
    }

    private static var currentFolder: String {
        guard let folder = getcwd(nil, 0) else { return "." }
        defer { free(folder) }
        return String(cString: folder)
    }
}
