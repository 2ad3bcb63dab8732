// Whose a socket is, where the kernel does not tell: a process's open files are seen by its own user and by root alone, and by root
// only with CAP_SYS_PTRACE, which containers take away. Anybody may read, though, what each process is called, what it was started
// with and which user it runs as, and to which user a socket belongs. From this a guess is made, and its ground is named. The first
// of these that points at one program decides, among the processes of the socket's user:
//
//   1. its arguments name the port or the path:  redis-server 127.0.0.1:6380
//   2. it is the server that usually has this port, and its arguments name no other one
//   3. its user runs nothing else
//
// Two candidates of different names are none: a client that names the port looks like its server.

struct OwnerGuess {
    var process: HostProcess
    /// Completes "of redis-server (pid 200), …".
    var ground: String

    /// - Parameter user: of the socket; nil where it is not known.
    init?(_ address: Listener.Address, user: UInt32?, among processes: [HostProcess]) {
        // A kernel thread has no arguments and opens no such socket.
        let ofUser = processes.filter { process in
            !process.arguments.isEmpty && (user == nil || process.user == nil || process.user == user)
        }
        if let process = Self.only(ofUser.filter { $0.names(address) }) {
            self.init(process: process, ground: "by its arguments")
        } else if let process = Self.only(ofUser.filter { $0.usuallyHas(address) }) {
            self.init(process: process, ground: "whose usual port this is")
        } else if let user, user != 0, let process = Self.only(ofUser.filter { $0.user == user }) {
            self.init(process: process, ground: "the only program of its user")
        } else {
            return nil
        }
    }

    private init(process: HostProcess, ground: String) {
        self.process = process
        self.ground = ground
    }

    /// The first of several processes of one name: the others are its children.
    private static func only(_ candidates: [HostProcess]) -> HostProcess? {
        guard Set(candidates.map(\.name)).count == 1 else { return nil }
        return candidates.min { $0.pid < $1.pid }
    }
}

extension HostProcess {
    /// Servers write their arguments into one text as they like.
    private var words: [Substring] { arguments.flatMap { $0.split { $0 == " " || $0 == "=" || $0 == "," } } }

    /// Whether an argument is the address: `6380`, `:6380`, `127.0.0.1:6380`, `--port=6380`, `-p6380`, or the path.
    fileprivate func names(_ address: Listener.Address) -> Bool {
        switch address {
        case .unix(let path): words.contains { $0 == path }
        case .tcp(_, let port):
            words.dropFirst().contains { word in
                let number =
                    word.hasPrefix("-p")
                    ? word.dropFirst(2)
                    : word[(word.lastIndex(of: ":").map { word.index(after: $0) } ?? word.startIndex)...]
                return number == "\(port)"
            }
        }
    }

    fileprivate func usuallyHas(_ address: Listener.Address) -> Bool {
        switch address {
        case .tcp(_, let port):
            guard Self.usualPorts[name]?.contains(port) == true else { return false }
            return !words.dropFirst().contains { $0.last?.isNumber == true && $0.contains(":") }
        case .unix(let path):
            let file = path.split(separator: "/").last ?? ""
            return (name == "redis-server" && file.contains("redis"))
                || (name == "valkey-server" && file.contains("valkey"))
                || (name == "postgres" && file.hasPrefix(".s.PGSQL."))
        }
    }

    private static let usualPorts: [String: Set<Int>] = [
        "redis-server": [6379], "valkey-server": [6379], "postgres": [5432], "postmaster": [5432], "nginx": [80, 443],
    ]
}
