public import GRDB
public import StateStore

/// State that follows from the entries: tables that are updated in the transaction that appends, and that can be emptied and
/// built again from the first entry.
///
/// `apply` sees every entry, in order, once. It must depend on nothing but the entry and the projection's own tables: no
/// clock, no file, no other projection's table. Otherwise a replay gives another result than the first run.
public protocol Projection: Sendable {
    /// Stable: names the projection in the file and in errors.
    var name: String { get }
    /// Raise it when `apply` changes its meaning; the tables are then rebuilt at the next start.
    var version: Int { get }
    /// The tables. Applied before the first entry is.
    var migrations: [Migration] { get }
    /// - Throws: to refuse the entry: the whole append then leaves no trace.
    func apply(_ entry: Entry, in db: Database) throws
    /// Empties the tables; a replay follows in the same transaction or the next.
    func reset(in db: Database) throws
}

extension Projection {
    public var version: Int { 1 }
}
