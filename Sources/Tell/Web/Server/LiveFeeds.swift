import Access
import Synchronization

/// The pages that listen for changes: how many there may be, and the end of those whose session ends.
final class LiveFeeds: Sendable {
    private let totalMax: Int
    private let perCallerMax: Int
    private let state = Mutex(State())

    private struct State {
        var places: [Int: Entry] = [:]
        var nextNumber = 0
    }

    private struct Entry {
        var means: Identity.Means
        var end: (@Sendable () -> Void)?
    }

    /// - Parameters:
    ///   - totalMax: of everybody.
    ///   - perCallerMax: of one session or token, so that one visitor cannot take the places of all others.
    init(totalMax: Int, perCallerMax: Int) {
        self.totalMax = totalMax
        self.perCallerMax = perCallerMax
    }

    var count: Int { state.withLock { $0.places.count } }

    /// - Returns: nil when there are as many as there may be.
    func admit(_ identity: Identity) -> Place? {
        state.withLock { state in
            guard state.places.count < totalMax,
                state.places.values.count(where: { $0.means == identity.means }) < perCallerMax
            else { return nil }
            state.nextNumber += 1
            state.places[state.nextNumber] = Entry(means: identity.means)
            return Place(number: state.nextNumber, identity: identity, feeds: self)
        }
    }

    /// Ends what was opened by this session or token, at once.
    func endAll(of means: Identity.Means) {
        let ends = state.withLock { state in state.places.values.filter { $0.means == means }.compactMap(\.end) }
        for end in ends { end() }
    }

    /// A place in the count, given back when nothing holds it any more: also when the answer was never written.
    final class Place: Sendable {
        let identity: Identity
        private let number: Int
        private let feeds: LiveFeeds

        fileprivate init(number: Int, identity: Identity, feeds: LiveFeeds) {
            self.number = number
            self.identity = identity
            self.feeds = feeds
        }

        deinit { _ = feeds.state.withLock { $0.places.removeValue(forKey: number) } }

        /// - Parameter end: called once or more when the session ends. It must not hold the place itself.
        func whenEnded(_ end: @escaping @Sendable () -> Void) {
            feeds.state.withLock { $0.places[number]?.end = end }
        }
    }
}
