import Glibc

/// The programs that were built together with the running tests.
public enum BuiltPrograms {
    /// The path of the program `name`, as in `jaga` or `sample-shop`. It is there when the test's target depends on it.
    public static func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Where this test program lies.
    private static let folder: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }()
}
