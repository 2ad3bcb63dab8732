import Glibc

/// A user of this machine, with the numbers that the kernel knows.
public struct SystemUser: Sendable, Hashable {
    public var name: String
    public var userID: UInt32
    public var groupID: UInt32
    /// Every group of the user, the primary one among them.
    public var groups: [UInt32]
    public var home: String

    /// Looks up `name` in the user database.
    /// - Throws: `CommandFailure` (`unknownUser`).
    public static func named(_ name: String) throws(CommandFailure) -> SystemUser {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var text = [CChar](repeating: 0, count: 16 * 1024)
        let textCount = text.count
        let code = text.withUnsafeMutableBufferPointer {
            getpwnam_r(name, &record, $0.baseAddress!, textCount, &found)
        }
        guard code == 0, found != nil else { throw CommandFailure(.unknownUser, name) }
        let home = text.withUnsafeBufferPointer { _ in record.pw_dir.map { String(cString: $0) } ?? "/" }
        var groupCount: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(groupCount))
        if getgrouplist(name, record.pw_gid, &groups, &groupCount) < 0 { groupCount = 0 }
        let listed = Array(groups.prefix(Int(groupCount)))
        return SystemUser(
            name: name, userID: record.pw_uid, groupID: record.pw_gid,
            groups: listed.isEmpty ? [record.pw_gid] : listed,
            home: home)
    }

    /// The effective user of this process is root.
    public static var currentIsRoot: Bool { geteuid() == 0 }
}
