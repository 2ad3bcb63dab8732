import Glibc

// What runs when Jaga is killed goes on without it: a dump that nobody reads, a script that the next start runs a second
// time. So each command that runs inside `GroupJournal.$current` leaves a note in a folder while it runs, and the next start
// ends what the notes name.
//
// A note is an empty name with everything that matters in it, so that making the file is making the note:
//
//     <id of the machine's run>.<process id>.<start in ticks>.<session>      content: the label
//
// It need not be fsynced: processes survive the death of Jaga, never that of the machine, and what a process has written to
// a file survives its own death without fsync. The id of the machine's run makes older notes void.
//
// A process belongs to a note when it is in the group of the note's number and session and did not begin before the note's
// process did, and when the process of that number, where there is one, began at the note's time. A number is given to no
// new process as long as a group has it, so that a stranger cannot come into the group while one of ours is in it.
//
// Between the start of a process and its note lies a moment. For that there is a variable in the environment of every
// command, with this folder and Jaga's session: who has it and still is in that session was started by a command of ours and
// is no daemon that left on purpose (those begin a session of their own).

/// Keeps notes of the process groups that run, so that a later start can end those that a killed process left behind.
public final class GroupJournal: Sendable {
    /// The journal that commands of this task and its children write to. Nil: commands leave no note.
    @TaskLocal public static var current: GroupJournal?
    /// What the commands of this task are run for; it comes back with the leftovers.
    @TaskLocal public static var label = ""

    /// What a former process left running, by label.
    public struct Leftovers: Sendable, Hashable {
        /// Processes that ran, by the label of their note; without one, the empty label.
        public var countByLabel: [String: Int] = [:]
        /// Processes that did not even end by SIGKILL.
        public var survivors: [Int32] = []
        public var count: Int { countByLabel.values.reduce(0, +) }
    }

    static let variableName = "JAGA_PROCESS_JOURNAL"
    public let folder: String
    private let session = getsid(0)
    private let bootID = currentBootID()

    /// - Parameter folder: absolute; it belongs to this process alone, and must exist.
    public init(folder: String) {
        self.folder = folder
    }

    /// What every command has in its environment, as `NAME` and value.
    var variable: (name: String, value: String) { (Self.variableName, "\(session):\(folder)") }

    /// Leaves a note of the group that `leader`, a child which was not waited for yet, leads.
    /// - Throws: `CommandFailure` when the note cannot be written.
    func began(_ leader: Int32, program: String) throws(CommandFailure) -> GroupNote? {
        // Ended before it could be looked at: nothing is left of it that could outlive us.
        guard let process = ProcessEntry.read(leader) else { return nil }
        let note = GroupNote(
            bootID: bootID, id: leader, startTicks: process.startTicks, session: process.session)
        let path = "\(folder)/\(note.name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .notStarted, program, "it could not be noted in \(folder): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let label = Array(Self.label.utf8)
        // Without its label the note still ends the process; only the report does not say whose it was.
        _ = write(descriptor, label, label.count)
        return note
    }

    /// Removes the note of a group of which nothing is left.
    func ended(_ note: GroupNote) { unlink("\(folder)/\(note.name)") }

    /// Ends what a former owner of the folder left running. Called before the first command runs.
    public func endLeftovers() async -> Leftovers {
        let notes = notes()
        let current = notes.filter { $0.note.bootID == bootID }
        let spared = ProcessEnding.ownLine()
        let suffix = ":\(folder)"
        func find() -> [ProcessEntry] {
            ProcessEntry.all().filter { process in
                guard !process.isZombie, !spared.contains(process.id) else { return false }
                return current.contains { $0.note.covers(process) }
                    || process.hasVariable("\(Self.variableName)=\(process.session)\(suffix)")
            }
        }
        let (found, left) = await ProcessEnding.end(find)
        var result = Leftovers(survivors: left.map(\.id).sorted())
        for process in found {
            let label = current.first { $0.note.covers(process) }?.label ?? ""
            result.countByLabel[label, default: 0] += 1
        }
        for (note, _) in notes where !left.contains(where: { note.covers($0) }) { ended(note) }
        return result
    }

    private func notes() -> [(note: GroupNote, label: String)] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var notes: [(GroupNote, String)] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let note = GroupNote(name: name) else { continue }
            notes.append((note, label(of: note)))
        }
        return notes
    }

    private func label(of note: GroupNote) -> String {
        let descriptor = open("\(folder)/\(note.name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}

/// One note of the journal.
struct GroupNote: Sendable, Hashable {
    var bootID: String
    /// The number of the group and of the process that leads it.
    var id: Int32
    var startTicks: UInt64
    var session: Int32

    var name: String { "\(bootID).\(id).\(startTicks).\(session)" }

    init(bootID: String, id: Int32, startTicks: UInt64, session: Int32) {
        self.bootID = bootID
        self.id = id
        self.startTicks = startTicks
        self.session = session
    }

    init?(name: String) {
        let parts = name.split(separator: ".").map(String.init)
        guard parts.count == 4, let id = Int32(parts[1]), id > 1, let ticks = UInt64(parts[2]),
            let session = Int32(parts[3])
        else { return nil }
        self.init(bootID: parts[0], id: id, startTicks: ticks, session: session)
    }

    /// Whether `process` is of the noted group.
    /// - Parameter leader: looks up a process by number.
    func covers(_ process: ProcessEntry, leader: (Int32) -> ProcessEntry? = ProcessEntry.read) -> Bool {
        guard process.group == id, process.session == session, process.startTicks >= startTicks else { return false }
        if process.id == id { return process.startTicks == startTicks }
        guard let leader = leader(id) else { return true }
        return leader.startTicks == startTicks
    }
}
