import Synchronization
public import Series
public import Units

/// The newest exemplars, in memory alone: they are examples, and after a restart new ones come with the next readings.
struct ExemplarRing: Sendable {
    private var entries: [(exemplar: Exemplar, time: Int64)] = []
    private var next = 0
    /// The newest of each series: it comes with every reading until the source has another.
    private var newest: [Labels: Exemplar] = [:]
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    mutating func add(_ exemplars: [Exemplar], at time: Int64) {
        guard capacity > 0 else { return }
        for exemplar in exemplars {
            let entry = (exemplar, exemplar.timestamp ?? time)
            if exemplar.timestamp != nil, newest[exemplar.series] == exemplar { continue }
            if newest.count >= capacity { newest = [:] }
            newest[exemplar.series] = exemplar
            if entries.count < capacity {
                entries.append(entry)
            } else {
                entries[next] = entry
                next = (next + 1) % capacity
            }
        }
    }

    func select(_ selectors: [[LabelMatcher]], from start: Int64, through end: Int64) -> [Exemplar] {
        entries.filter { entry in
            entry.time >= start && entry.time <= end
                && selectors.contains { $0.allSatisfy { $0.matches(entry.exemplar.series) } }
        }
        .sorted {
            $0.exemplar.series != $1.exemplar.series ? $0.exemplar.series < $1.exemplar.series : $0.time < $1.time
        }
        .map { entry in
            var exemplar = entry.exemplar
            exemplar.timestamp = entry.time
            return exemplar
        }
    }
}

extension TimeSeriesStore: ExemplarReading {
    public func exemplars(_ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp) async throws
        -> [Exemplar]
    {
        let ring = state.withLock { $0.exemplars }
        return ring.select(selectors, from: start.millisecondsSinceEpoch, through: end.millisecondsSinceEpoch)
    }
}
