import Glibc

enum TemporaryFile {
    static func remove(_ path: String) { unlink(path) }
}
