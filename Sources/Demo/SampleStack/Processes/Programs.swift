import Diagnostics
import Glibc

/// Finds the programs of the stack, which Debian keeps in places that an ordinary `PATH` does not name.
enum Programs {
    /// - Throws: `programMissing` with the package that brings it.
    static func find(_ name: String, package: String) throws(StackError) -> String {
        var folders = pathFolders
        folders += ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin", "/bin"]
        if let found = folders.lazy.map({ "\($0)/\(name)" }).first(where: isProgram) { return found }
        throw missing(name, package: package)
    }

    /// A program of PostgreSQL's newest installed version. `JAGA_POSTGRES_BIN` names another folder.
    static func findPostgres(_ name: String) throws(StackError) -> String {
        if let folder = environmentValue("JAGA_POSTGRES_BIN") {
            guard isProgram("\(folder)/\(name)") else { throw missing(name, package: "postgresql-15") }
            return "\(folder)/\(name)"
        }
        let root = "/usr/lib/postgresql"
        // No such folder: PostgreSQL is not installed from Debian, which the failure below says.
        let versions = ((try? Files.names(in: root)) ?? []).compactMap(Int.init).sorted(by: >)
        if let found = versions.lazy.map({ "\(root)/\($0)/bin/\(name)" }).first(where: isProgram) { return found }
        return try find(name, package: "postgresql-15")
    }

    private static var pathFolders: [String] {
        (environmentValue("PATH") ?? "").split(separator: ":").map(String.init)
    }

    private static func isProgram(_ path: String) -> Bool {
        access(path, X_OK) == 0
    }

    private static func missing(_ name: String, package: String) -> StackError {
        StackError(
            .programMissing, "the program \(name) was not found",
            hint: "Install the Debian package \(package); scripts/test and 'scripts/run demo' do it.")
    }
}

func environmentValue(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
