extension FileSystem {
    /// Puts `contents` in the place of whatever `path` holds, so that every reader, also one after a power cut, sees the old
    /// contents or the new and never a mixture: written beside, synced, renamed, folder synced.
    ///
    /// When it throws, the old contents stand, with one exception: when only the last step failed, the new contents are there
    /// for every reader but a power cut may still bring the old back.
    public func replace(_ path: String, with contents: [UInt8]) throws(FileError) {
        let beside = path + ".new"
        do {
            var file = try create(beside)
            try file.write(contents)
            try file.sync()
            try file.close()
            try rename(beside, to: path)
        } catch {
            // The first error is the one to tell; what stays beside is overwritten by the next attempt.
            try? remove(beside)
            throw error
        }
        try syncFolder(parentFolder(of: path))
    }

    /// The whole file.
    /// - Parameter byteCountMax: a longer file is refused with EFBIG rather than read into memory.
    public func contents(of path: String, byteCountMax: Int = 64 << 20) throws(FileError) -> [UInt8] {
        let file = try openForReading(path)
        let size = try file.size()
        guard size <= byteCountMax else { throw FileError(.read, path, errorNumber: fileTooLarge) }
        return try file.read(at: 0, count: Int(size))
    }

    /// Opens for appending; the file is made if missing. Sync the folder once after making it.
    public func openForAppending(_ path: String) throws(FileError) -> AppendFile {
        try AppendFile(open(path, .append))
    }

    /// A new, empty file for writing; one that is in the way is emptied.
    public func create(_ path: String) throws(FileError) -> AppendFile {
        try AppendFile(open(path, .replace))
    }

    public func openForReading(_ path: String) throws(FileError) -> ReadFile {
        try ReadFile(open(path, .read))
    }

    /// Cuts a file off and syncs it.
    public func truncate(_ path: String, to length: Int64) throws(FileError) {
        try change(path) { file throws(FileError) in
            try file.truncate(to: length)
            try file.sync()
        }
    }

    /// Syncs a file that somebody else wrote: an earlier process, which may have ended before it could.
    public func sync(_ path: String) throws(FileError) {
        try change(path) { file throws(FileError) in try file.sync() }
    }

    private func change(_ path: String, _ body: (any OpenFile) throws(FileError) -> Void) throws(FileError) {
        let file = try open(path, .append)
        do throws(FileError) {
            try body(file)
        } catch {
            // The first error is the one to tell, and a failed close has closed all the same.
            try? file.close()
            throw error
        }
        try file.close()
    }

    /// Makes a folder with those above it that are missing, and syncs each folder that got a new name.
    public func createFolders(_ path: String) throws(FileError) {
        guard try status(of: path) == nil else { return }
        let parent = parentFolder(of: path)
        if parent != path { try createFolders(parent) }
        try createFolder(path)
        try syncFolder(parent)
    }

    /// Removes a file, or a folder with all that is in it. What is not there is fine.
    public func removeTree(_ path: String) throws(FileError) {
        guard let status = try status(of: path) else { return }
        if status.kind == .folder {
            for name in try list(path) { try removeTree(joined(path, name)) }
        }
        try remove(path)
    }

    /// Takes a data folder for this process alone, through the file `run/lock` in it.
    /// - Throws: code `locked`, naming the process that has it.
    public func lockDataFolder(_ folder: String, holder: Int32) throws(FileError) -> FolderLock {
        let runFolder = joined(folder, "run")
        try createFolders(runFolder)
        return FolderLock(try lock(joined(runFolder, "lock"), holder: holder))
    }
}

/// `folder/name`.
public func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// The folder that holds `path`: `/a` of `/a/b`, `.` of `b`, `/` of `/`.
public func parentFolder(of path: String) -> String {
    var parts = path[...]
    while parts.count > 1, parts.hasSuffix("/") { parts.removeLast() }
    guard let slash = parts.lastIndex(of: "/") else { return "." }
    let parent = parts[..<slash]
    return parent.isEmpty ? "/" : String(parent)
}
