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
        try Self.requireOwn(path, files)
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

    /// What a start that was cut off may have left before anything else was made.
    private static let firstNames: Set<String> = ["run", "spool", "backups", "lost+found"]
    /// What makes a folder one of ours whatever else lies in it.
    private static let marks = ["jaga.db", "ledger.key", "ledger.checkpoint", "series"]

    /// A folder of somebody else's must not be closed to its users: `--data /etc` would stop the machine.
    private static func requireOwn(_ path: String, _ files: RealFiles) throws {
        guard let status = try files.status(of: path) else { return }
        guard status.kind == .folder else {
            throw PlainFailure(
                "not-a-folder", "the data folder '\(path)' is a file", hint: "Name a folder with --data, new or empty.")
        }
        let names = try files.list(path)
        guard !names.allSatisfy(firstNames.contains), !marks.contains(where: names.contains) else { return }
        throw PlainFailure(
            "not-ours", "the folder '\(path)' holds other things and is no data folder of Jaga",
            hint: "Name a folder of its own with --data, new or empty: it is closed to all other users.")
    }

    private static var currentFolder: String {
        guard let folder = getcwd(nil, 0) else { return "." }
        defer { free(folder) }
        return String(cString: folder)
    }
}
