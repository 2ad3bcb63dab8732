import BinaryCoding
import DurableFiles
import Series
import Synchronization

// A start moves a block that it cannot open to `damaged`, and tells of it until the next start. From then on the file alone knows that samples are
// missing, so verify and repair look for such files. A repair keeps its copies of what it has written anew in the same folder: those can be
// opened, and what could be read of them is in use.

/// A block in `damaged` whose samples no block in use has.
struct SetAsideBlock {
    var path: String
    var name: BlockFormat.Name
    var byteCount: Int64
    /// Whether all of it can be read after all: it was the machine that erred, and not the disk.
    var isSound: Bool

    var problem: StoreProblem {
        StoreProblem(
            kind: isSound ? .blockReadable : .blockSetAside, file: path, byteOffset: 0, count: byteCount)
    }

    /// What stands in `folder`. Reads every byte.
    /// - Parameter used: the names of the blocks in use, and of those that they were made of.
    static func all(
        in folder: String, beside used: Set<String>, _ files: any FileSystem
    ) throws(StoreError) -> [SetAsideBlock] {
        try all(in: folder, beside: used, files) { path, name throws(StoreError) in
            try isSound(path, name, files)
        }
    }

    /// - Parameter isSound: nil for one that is not looked for.
    private static func all(
        in folder: String, beside used: Set<String>, _ files: any FileSystem,
        _ isSound: (String, BlockFormat.Name) throws(StoreError) -> Bool?
    ) throws(StoreError) -> [SetAsideBlock] {
        var found: [SetAsideBlock] = []
        for text in try names(in: folder, files) {
            guard let name = name(of: text), !used.contains(name.text) else { continue }
            let path = joined(folder, text)
            do throws(StoreError) {
                let size = try fileAccess(path) { () throws(FileError) in try files.status(of: path)?.byteCount }
                guard let size else { continue }
                if let isSound = try isSound(path, name) {
                    found.append(SetAsideBlock(path: path, name: name, byteCount: size, isSound: isSound))
                }
            } catch {
                if error.isRemovedFile { continue }
                throw error
            }
        }
        return found
    }

    /// Those that cannot be opened at all, so that all of their samples are missing. Reads no more than an index of each. What the disk does
    /// not give cannot be opened either, and is no reason for whoever asks to fail: it is out of use.
    static func unreadable(
        in folder: String, beside used: Set<String>, _ files: any FileSystem
    ) throws(StoreError) -> [SetAsideBlock] {
        try all(in: folder, beside: used, files) { path, name throws(StoreError) in
            do throws(StoreError) {
                _ = try Block(path, name: name, files: files).readIndex(files)
                return nil
            } catch {
                if error.isRemovedFile { throw error }
                return false
            }
        }
    }

    /// The name of the block that a file in the folder was: several of one name have a number behind it.
    static func name(of text: String) -> BlockFormat.Name? {
        var stem = text[...]
        while let last = stem.last, last.isNumber { stem.removeLast() }
        return BlockFormat.Name(String(stem.hasSuffix(".block-") ? stem.dropLast() : text[...]))
    }

    /// - Returns: nil for one that can be opened and of which a part is damaged: the copy that a repair keeps.
    private static func isSound(
        _ path: String, _ name: BlockFormat.Name, _ files: any FileSystem
    ) throws(StoreError) -> Bool? {
        let block: Block
        let index: BlockIndex
        do throws(StoreError) {
            block = try Block(path, name: name, files: files)
            index = try block.readIndex(files)
        } catch {
            guard error.code == .damaged else { throw error }
            return false
        }
        do throws(StoreError) {
            try verify(block, files, index)
            return true
        } catch {
            guard error.code == .damaged else { throw error }
            return nil
        }
    }
}

extension BlockIndex {
    /// The names of the blocks that this one was made of.
    var sourceNames: [String] { sources.map { String($0.prefix { $0 != "#" }) } }
}

extension TimeSeriesStore {
    /// Takes blocks that were set aside and can be read after all back into use. The others stay where they are: without its index nobody
    /// knows whose samples a block has.
    /// - Parameter told: files that need not be named again.
    /// - Returns: what was found.
    func takeBackSetAside(except told: Set<String>) throws(StoreError) -> [StoreProblem] {
        var used: Set<String> = []
        let (blocks, first) = state.withLock { ($0.blocks, $0.head.firstTime) }
        for block in blocks {
            used.insert(block.name.text)
            do throws(StoreError) {
                used.formUnion(try block.readIndex(files).sourceNames)
            } catch {
                // Told by who read it before this.
                guard error.code == .damaged else { throw error }
            }
        }
        var problems: [StoreProblem] = []
        for block in try SetAsideBlock.all(in: damagedFolder, beside: used, files) where !told.contains(block.path) {
            var problem = block.problem
            // A start passes over what the log has of a time before the newest block's end.
            if block.isSound, first.map({ block.name.end <= $0 }) ?? true {
                let name = freeName(block.name)
                let path = joined(blockFolder, name.text)
                try fileAccess(block.path) { () throws(FileError) in
                    try files.rename(block.path, to: path)
                    try files.syncFolder(blockFolder)
                    try files.syncFolder(damagedFolder)
                }
                let opened = try Block(path, name: name, files: files)
                state.withLock { $0.insert(opened) }
                problem.kind = .blockPutBack
            }
            problems.append(problem)
        }
        return problems
    }
}
