import Glibc
import Subprocess
import SystemPackage

extension Command {
    /// The program's path, checked before anything is started so that the reason is a plain one.
    func resolvedProgram() throws(CommandFailure) -> String {
        if program.contains("/") {
            guard access(program, F_OK) == 0 else { throw CommandFailure(.programNotFound, program) }
            guard Self.isExecutable(program) else { throw CommandFailure(.programNotExecutable, program) }
            return program
        }
        let path = searchPath
        for folder in path.split(separator: ":") where Self.isExecutable("\(folder)/\(program)") {
            return "\(folder)/\(program)"
        }
        throw CommandFailure(.programNotFound, program, "not in \(path)")
    }

    /// Where `name` is found in this process's `PATH`, or nil.
    public static func locate(_ name: String) -> String? {
        // The error would say the same: there is none.
        try? Command(name).resolvedProgram()
    }

    private var searchPath: String {
        let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        switch environment {
        case .only(let variables): return variables["PATH"] ?? usual
        case .inherit(let changes):
            if let changed = changes["PATH"] { return changed ?? usual }
            return getenv("PATH").map { String(cString: $0) } ?? usual
        }
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return access(path, X_OK) == 0
    }

    /// What swift-subprocess starts: the program as leader of a process group of its own, so that everything it starts
    /// can be ended with it.
    func configuration() throws(CommandFailure) -> Configuration {
        // A program that closes its input early must give an error to the writer, not end this process.
        signal(SIGPIPE, SIG_IGN)
        let path = try resolvedProgram()
        if let folder {
            var status = stat()
            guard stat(folder.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw CommandFailure(.folderNotFound, folder.string)
            }
        }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: grace)
        ]
        if let user, user.userID != geteuid() {
            guard SystemUser.currentIsRoot else { throw CommandFailure(.notPermitted, user.name) }
            options.userID = user.userID
            options.groupID = user.groupID
            options.supplementaryGroups = user.groups
        }
        var words = arguments
        var starter = path
        if Self.isExecutable(Self.deathSignalStarter) {
            starter = Self.deathSignalStarter
            words = ["--pdeathsig", "KILL", "--", path] + arguments
        }
        return Configuration(
            executable: .path(FilePath(starter)), arguments: Arguments(words), environment: subprocessEnvironment,
            workingDirectory: folder, platformOptions: options)
    }

    /// Asks the kernel to end the program when this process is killed (`PR_SET_PDEATHSIG`, prctl(2)), then becomes the program.
    /// Part of util-linux, which Debian never goes without. What the program has started itself gets no signal; `GroupJournal`
    /// is for that. The signal is bound to the thread that starts the program: swift-subprocess starts all from one thread,
    /// which lives as long as the process.
    private static let deathSignalStarter = "/usr/bin/setpriv"

    private var subprocessEnvironment: Subprocess.Environment {
        switch environment {
        case .inherit(let changes):
            var updates: [Subprocess.Environment.Key: String?] = [:]
            for (name, value) in changes { updates[.init(stringLiteral: name)] = .some(value) }
            if let mark = GroupJournal.current?.variable {
                updates[.init(stringLiteral: mark.name)] = .some(mark.value)
            }
            return .inherit.updating(updates)
        case .only(let variables):
            var values: [Subprocess.Environment.Key: String] = [:]
            for (name, value) in variables { values[.init(stringLiteral: name)] = value }
            if let mark = GroupJournal.current?.variable { values[.init(stringLiteral: mark.name)] = mark.value }
            return .custom(values)
        }
    }
}
