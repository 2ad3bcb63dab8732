import Glibc

/// A program that tests lean on is missing or failed.
public struct TestProgramFailed: Error, CustomStringConvertible {
    public let description: String
}

/// - Throws: `TestProgramFailed` when it is not installed.
func findProgram(_ name: String) throws -> String {
    guard let path = pathsOfProgram(name).first(where: isProgram) else {
        throw TestProgramFailed(description: "the program \(name) is not installed; scripts/test installs it")
    }
    return path
}

/// The Python that has aiosmtpd, where scripts/test made one; else the system's.
func findPython() -> String {
    environment("JAGA_TEST_PYTHON") ?? pathsOfProgram("python3").first(where: isProgram) ?? "/usr/bin/python3"
}

private func pathsOfProgram(_ name: String) -> [String] {
    let folders = (environment("PATH") ?? "").split(separator: ":").map(String.init)
    return (folders + ["/usr/bin", "/usr/sbin"]).map { "\($0)/\(name)" }
}

private func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }
