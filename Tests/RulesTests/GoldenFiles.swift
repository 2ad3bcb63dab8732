import Diagnostics
import Glibc

/// `Tests/RulesTests/Golden`
let goldenFolder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/Golden"

func textOfFile(_ path: String) throws -> String {
    guard let file = fopen(path, "rb") else { throw PlainFailure("not-found", "cannot read \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

/// The files that a path with `*` names, sorted.
func expandedPaths(_ path: String) -> [String] {
    var matches = glob_t()
    defer { globfree(&matches) }
    guard glob(path, 0, nil, &matches) == 0 else { return [] }
    return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
}

/// The reference's tool, where it is installed.
let promtool: String? = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first { (path: String) in
    access(path, X_OK) == 0
}

/// Runs a program to its end and gives what it printed on both streams, as the shell would show it. promtool leaves the folders of
/// its test series behind, so each run has a folder for temporary files of its own, which goes with it.
func runProgram(_ words: [String]) throws -> (status: Int32, output: String) {
    let command = words.map { "'\($0)'" }.joined(separator: " ")
    let line = "d=$(mktemp -d) || exit 125; trap 'rm -rf \"$d\"' EXIT; TMPDIR=$d \(command) 2>&1"
    guard let pipe = popen(line, "r") else { throw PlainFailure("failed", "cannot run \(line)") }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&piece, 1, piece.count, pipe), count > 0 { bytes += piece[..<count] }
    let status = pclose(pipe)
    return ((status >> 8) & 0xFF, String(decoding: bytes, as: UTF8.self))
}
