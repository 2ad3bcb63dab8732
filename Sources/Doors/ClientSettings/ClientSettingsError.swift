public import Diagnostics
import Glibc

/// Why a file that a request needs could not be used.
public struct ClientSettingsError: Failure {
    public let path: String
    public let reason: String

    public var codeName: String { "secret-file" }
    public var summary: String { "cannot read the secret in \(path): \(reason)" }
    public var hint: String? { "The file must be readable by the user that Jaga runs as." }
}

/// The text of a small file without white space around it.
func secretText(in path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ClientSettingsError(path: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    // Tokens of Kubernetes have about a kilobyte.
    var bytes = [UInt8](repeating: 0, count: 64 * 1024)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { throw ClientSettingsError(path: path, reason: String(cString: strerror(errno))) }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
    else { throw ClientSettingsError(path: path, reason: "it is empty") }
    return String(text[first...last])
}
