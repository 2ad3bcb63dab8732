import Crypto
import Diagnostics
import Glibc
import JSONCoding
import Units

// The folders of `docs/formats/backup.md`. A backup exists when its folder has its plain name; that name is given by one
// rename after everything below it is on disk. Removing goes the other way: the name is taken away first. So a crash leaves
// either a whole backup or a folder whose name says that it is none.

/// The local backup repository. All calls block on the disk.
struct BackupRepository: Sendable {
    let folder: String

    func folder(of target: String) -> String { "\(folder)/\(target)" }
    func path(_ target: String, _ id: String) -> String { "\(folder)/\(target)/\(id)" }
    private func partialPath(_ target: String, _ id: String) -> String { "\(folder)/\(target)/.partial-\(id)" }
    private func removingPath(_ target: String, _ id: String) -> String { "\(folder)/\(target)/.removing-\(id)" }

    /// Makes the folder of a backup to be; it has no plain name yet.
    func begin(_ target: String, at now: Timestamp) throws -> (id: String, folder: String) {
        try makeFolders(folder(of: target))
        let base = now.rfc3339.filter { $0.isNumber || $0.isLetter }.prefix(15) + "Z"
        for number in 1...1000 {
            let id = number == 1 ? String(base) : "\(base)-\(number)"
            if access(path(target, id), F_OK) == 0 || access(removingPath(target, id), F_OK) == 0 { continue }
            if mkdir(partialPath(target, id), 0o700) == 0 { return (id, partialPath(target, id)) }
            guard errno == EEXIST else { throw fileFailure(partialPath(target, id), errno) }
        }
        throw BackupFailure(.fileFailed, folder(of: target), "1000 backups of one second")
    }

    /// Writes the manifest and gives the backup its name.
    /// - Returns: the SHA-256 of the manifest.
    func finish(_ manifest: BackupManifest) throws -> String {
        let partial = partialPath(manifest.target, manifest.id)
        let file = "\(partial)/\(BackupManifest.fileName)"
        let bytes = Array((manifest.json.prettyText + "\n").utf8)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fileFailure(file, errno) }
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor, file)
        guard fsync(descriptor) == 0 else { throw fileFailure(file, errno) }
        try syncFolder(partial)
        let final = path(manifest.target, manifest.id)
        guard rename(partial, final) == 0 else { throw fileFailure(final, errno) }
        try syncFolder(folder(of: manifest.target))
        return hexadecimal(SHA256.hash(data: bytes))
    }

    /// Leaves nothing of a backup that was begun.
    func abandon(_ target: String, _ id: String) {
        removeContents(of: partialPath(target, id), names: nil)
    }

    /// Ids of whole backups, sorted.
    func ids(of target: String) -> [String] { names(in: folder(of: target)).filter { !$0.hasPrefix(".") }.sorted() }

    /// Removes password files that a crash left.
    func sweepPasswords() {
        for name in names(in: folder) where name.hasPrefix(ConnectionFile.prefix) { unlink("\(folder)/\(name)") }
    }

    /// Removes what a crash left half written.
    /// - Returns: ids whose removal had begun.
    func sweep(_ target: String) -> [String] {
        var removing: [String] = []
        for name in names(in: folder(of: target)) {
            if name.hasPrefix(".partial-") { removeContents(of: "\(folder(of: target))/\(name)", names: nil) }
            if name.hasPrefix(".removing-") { removing.append(String(name.dropFirst(".removing-".count))) }
        }
        return removing
    }

    /// The manifest with the SHA-256 of its bytes.
    /// - Throws: `damaged`.
    func manifest(_ target: String, _ id: String) throws -> (BackupManifest, sha256: String) {
        let bytes = try readAll("\(path(target, id))/\(BackupManifest.fileName)", of: id)
        // Why it is no JSON helps nobody: the file is not what was written.
        guard let json = try? JSONValue(parsing: bytes), let manifest = BackupManifest(json),
            manifest.id == id, manifest.target == target
        else { throw BackupFailure(.damaged, id, "its manifest cannot be read", hint: BackupFailure.otherCopyHint) }
        return (manifest, hexadecimal(SHA256.hash(data: bytes)))
    }

    /// Takes the backup's name away: from here on it does not exist.
    func beginRemoval(_ target: String, _ id: String) throws {
        guard rename(path(target, id), removingPath(target, id)) == 0 else {
            throw fileFailure(path(target, id), errno)
        }
        try syncFolder(folder(of: target))
    }

    /// Deletes the files that the manifest lists, and nothing else.
    func finishRemoval(_ target: String, _ id: String) {
        let folder = removingPath(target, id)
        let known = [BackupManifest.fileName, BackupManifest.dumpName, BackupManifest.globalsName]
        removeContents(of: folder, names: known)
    }

    // MARK: Files

    private func removeContents(of folder: String, names wanted: [String]?) {
        for name in wanted ?? names(in: folder) { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private func names(in folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var found: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { found.append(name) }
        }
        return found
    }

    private func readAll(_ path: String, of id: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            try forEachPiece(of: path) { bytes += $0 }
        } catch {
            throw BackupFailure(.damaged, id, describe(error), hint: BackupFailure.otherCopyHint)
        }
        return bytes
    }

    private func makeFolders(_ path: String) throws {
        var at = ""
        for part in path.split(separator: "/") {
            at += "/" + part
            if mkdir(at, 0o700) != 0 && errno != EEXIST { throw fileFailure(at, errno) }
        }
    }

    private func syncFolder(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fileFailure(path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fileFailure(path, errno) }
    }
}

/// Reads a file in pieces of 256 KiB.
func forEachPiece(of path: String, _ body: ([UInt8]) throws -> Void) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fileFailure(path, errno) }
    defer { close(descriptor) }
    while let piece = try readPiece(descriptor, path) { try body(piece) }
}

/// - Returns: nil at the end of the file.
func readPiece(_ descriptor: Int32, _ path: String) throws -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { throw fileFailure(path, errno) }
    if count == 0 { return nil }
    buffer.removeLast(buffer.count - count)
    return buffer
}

extension BackupFailure {
    static let otherCopyHint = "Use another backup of the target, and look at the disk that holds this one."
}
