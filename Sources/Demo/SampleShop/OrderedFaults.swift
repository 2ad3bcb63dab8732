import JSONCoding
import Synchronization

/// What the shop was told to do wrong.
struct OrderedFaults: Sendable, Equatable {
    /// The share of requests that are answered with 500, from 0 to 1.
    var errorShare = 0.0
    /// How long every answer is held back.
    var delay = Duration.zero

    init() {}

    /// Reads `{"errorShare": 0.5, "delayMs": 200}`; what is left out is zero.
    init?(_ json: JSONValue) {
        errorShare = json["errorShare"]?.doubleValue ?? 0
        let delayMs = json["delayMs"]?.intValue ?? 0
        guard (0...1).contains(errorShare), (0...60_000).contains(delayMs) else { return nil }
        delay = .milliseconds(delayMs)
    }
}

/// The faults in force. Failing requests are spread evenly: with a share of a quarter every fourth one fails.
final class FaultSwitch: Sendable {
    private let state = Mutex((faults: OrderedFaults(), debt: 0.0))

    func set(_ faults: OrderedFaults) {
        state.withLock { $0 = (faults, 0) }
    }

    /// What is to be done with the next request.
    func next() -> (fails: Bool, delay: Duration) {
        state.withLock { state in
            state.debt += state.faults.errorShare
            let fails = state.debt >= 1
            if fails { state.debt -= 1 }
            return (fails, state.faults.delay)
        }
    }
}
