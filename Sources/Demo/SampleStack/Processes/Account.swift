import Glibc

/// The user that a server runs as. PostgreSQL refuses to run as root, and nothing else of the stack needs to.
struct Account: Sendable, Hashable {
    let name: String
    let userID: uid_t
    let groupID: gid_t

    /// Whom a server runs as: ourselves, or, when we are root, the first of `names` that exists.
    static func unprivileged(preferring names: [String]) throws(StackError) -> Account? {
        guard geteuid() == 0 else { return nil }
        for name in names + ["nobody"] {
            if let account = Account(named: name) { return account }
        }
        throw StackError(
            .spawnFailed, "there is no unprivileged user to run servers as",
            hint: "Create the user 'nobody', or start as an ordinary user.")
    }

    private init?(named name: String) {
        guard let entry = getpwnam(name) else { return nil }
        self.name = name
        userID = entry.pointee.pw_uid
        groupID = entry.pointee.pw_gid
    }

    /// The words that, put before a command, make it run as this user.
    var prefix: [String] {
        ["/usr/bin/setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--"]
    }
}
