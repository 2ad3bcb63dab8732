import Synchronization

// A server has only so many connections to give. When all are taken, a newcomer gets the place of the one that has been of no
// use for the longest: silent between two requests, or still sending its first header. So somebody who opens many connections
// and lets them lie costs nobody else anything, and only when every single one is being answered is a newcomer turned away.

/// Which connections there are and which of them may be given up. Pure; `ConnectionRegister` acts on it.
struct ConnectionBook<Connection> {
    enum Admission {
        case welcome
        case inPlaceOf(Connection)
        case full
    }

    private struct Entry {
        var connection: Connection
        /// When it began to wait, as a count of events; nil while it is being answered.
        var waitingSince: Int?
    }

    let countMax: Int
    private var entries: [Int: Entry] = [:]
    private var eventCount = 0

    init(countMax: Int) {
        self.countMax = countMax
    }

    var count: Int { entries.count }

    /// - Parameter number: the connection's own, given out by the caller.
    /// Linear in the connections only when the book is full.
    mutating func open(_ number: Int, _ connection: Connection) -> Admission {
        var admission = Admission.welcome
        if entries.count >= countMax {
            let idle = entries.filter { $0.value.waitingSince != nil }
                .min { ($0.value.waitingSince ?? 0) < ($1.value.waitingSince ?? 0) }
            guard let idle else { return .full }
            entries[idle.key] = nil
            admission = .inPlaceOf(idle.value.connection)
        }
        eventCount += 1
        entries[number] = Entry(connection: connection, waitingSince: eventCount)
        return admission
    }

    mutating func beginAnswer(_ number: Int) { entries[number]?.waitingSince = nil }

    mutating func endAnswer(_ number: Int) {
        eventCount += 1
        entries[number]?.waitingSince = eventCount
    }

    mutating func close(_ number: Int) { entries[number] = nil }
}

/// The connections of one listener.
final class ConnectionRegister<Connection: Sendable>: Sendable {
    private struct State {
        var book: ConnectionBook<Connection>
        var nextNumber = 0
    }

    private let state: Mutex<State>

    init(countMax: Int) {
        state = Mutex(State(book: ConnectionBook(countMax: countMax)))
    }

    var count: Int { state.withLock { $0.book.count } }

    func open(_ connection: Connection) -> (number: Int, admission: ConnectionBook<Connection>.Admission) {
        state.withLock { state in
            state.nextNumber += 1
            return (state.nextNumber, state.book.open(state.nextNumber, connection))
        }
    }

    func beginAnswer(_ number: Int) { state.withLock { $0.book.beginAnswer(number) } }
    func endAnswer(_ number: Int) { state.withLock { $0.book.endAnswer(number) } }
    func close(_ number: Int) { state.withLock { $0.book.close(number) } }
}
