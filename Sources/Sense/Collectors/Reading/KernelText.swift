import Diagnostics
import Glibc

// The kernel's text files are small and made of ASCII words. They are read with one `read` into memory and taken apart on
// bytes: `String`'s own splitting compares grapheme clusters, at ten times the cost.

/// A root to look for `/proc` and `/sys` under, so that tests bring their own.
struct KernelFiles: Sendable {
    var root: String

    /// - Throws: `CollectorError` when the file cannot be read.
    func read(_ path: String) throws(CollectorError) -> KernelText {
        guard let bytes = readWholeFile(root + path) else {
            throw CollectorError(.unreadableFile, root + path, String(cString: strerror(errno)))
        }
        return KernelText(bytes: bytes)
    }

    func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

    /// The file's text without the line feed at its end, or nil when it cannot be read.
    func word(_ path: String) -> String? {
        guard let bytes = readWholeFile(root + path) else { return nil }
        var end = bytes.endIndex
        while end > 0, bytes[end - 1] == 10 || bytes[end - 1] == 32 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    func number(_ path: String) -> Double? { word(path).flatMap(Double.init) }

    /// Names in a folder, without `.` and `..`; empty where there is none.
    func names(in path: String) -> [String] { namesInFolder(root + path) ?? [] }
}

/// - Returns: nil when the folder cannot be read; `errno` says why.
func namesInFolder(_ path: String) -> [String]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// Reads at most 4 MiB, more than any of the kernel's tables.
/// - Returns: nil on failure; `errno` says why.
func readWholeFile(_ path: String, byteCountMax: Int = 4 << 20) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var wanted = 4096
    while bytes.count < byteCountMax {
        let count = bytes.count
        let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            filled = max(0, Glibc.read(file, buffer.baseAddress, wanted))
        }
        if part.isEmpty { break }
        if count == 0 { bytes = part } else { bytes += part }
        // Files of /proc give what fits; a short answer to a large question may still not be the end.
        wanted = min(wanted * 2, 1 << 20)
    }
    return bytes
}

/// A text of lines of words.
struct KernelText {
    var bytes: [UInt8]

    var lines: [KernelLine] {
        var lines: [KernelLine] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 10 {
            lines.append(KernelLine(bytes: bytes[start..<index]))
            start = index + 1
        }
        if start < bytes.count { lines.append(KernelLine(bytes: bytes[start...])) }
        return lines
    }

    /// The first number of each line, by the line's first word without its colon.
    var firstNumbers: [(name: String, value: Double)] {
        lines.compactMap { line in
            let words = line.words(atMost: 2)
            guard words.count == 2, let value = Double(words[1]) else { return nil }
            return (words[0].last == ":" ? String(words[0].dropLast()) : words[0], value)
        }
    }
}

struct KernelLine {
    var bytes: ArraySlice<UInt8>

    var words: [String] { words(atMost: .max) }

    /// Words between spaces and tabulators; the rest of the line after `count` of them is left out.
    func words(atMost count: Int) -> [String] {
        var words: [String] = []
        var start: Int?
        for index in bytes.indices {
            if bytes[index] == 32 || bytes[index] == 9 {
                if let begin = start {
                    words.append(String(decoding: bytes[begin..<index], as: UTF8.self))
                    start = nil
                    if words.count == count { return words }
                }
            } else if start == nil {
                start = index
            }
        }
        if let start { words.append(String(decoding: bytes[start...], as: UTF8.self)) }
        return words
    }

    func hasPrefix(_ text: StaticString) -> Bool {
        bytes.count >= text.utf8CodeUnitCount
            && text.withUTF8Buffer { buffer in zip(buffer, bytes).allSatisfy { $0 == $1 } }
    }
}
