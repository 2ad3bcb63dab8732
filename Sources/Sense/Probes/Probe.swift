import Diagnostics
public import Series
import Synchronization
public import Units

// A probe looks at something from outside. What one look found (a `Look`) and what follows from the looks so far
// (`FailureCount`) are kept apart from each other: the first does I/O, the second is a value.
//
// A look that fails is a reading like any other: `read` gives `probe_success 0` with the phases that were reached, and does
// not throw. Durations of what was not reached are absent, so that a refused connection is never the fastest reply.

/// One active look: HTTP, TCP or TLS.
protocol Looking: Sendable {
    /// What is looked at, as a person writes it; without passwords.
    var target: String { get }
    func look(at now: Timestamp) async throws -> Look
}

/// What one look found.
struct Look: Sendable {
    var batch: SampleBatch
    /// What is wrong in one sentence without a full stop; nil when all is well.
    var failure: String?
    var elapsed: Duration?
    var statusCode: Int?
    var certificateExpiry: Timestamp?
    var health: HealthReply?

    init(at now: Timestamp) { batch = SampleBatch(at: now) }
}

/// How often in a row a look failed, and whether that is enough to count.
struct FailureCount: Sendable, Equatable {
    let needed: Int
    private(set) var consecutive = 0
    /// Nil until the first success or the needed failures: after a restart a site that was down is not reported as well.
    private(set) var isFailing: Bool?

    init(needed: Int) {
        precondition(needed >= 1, "a probe fails after at least one failure, not \(needed)")
        self.needed = needed
    }

    mutating func observe(success: Bool) {
        consecutive = success ? 0 : consecutive + 1
        if success {
            isFailing = false
        } else if consecutive >= needed {
            isFailing = true
        }
    }
}

/// A probe with its memory of the last looks. Gives `probe_*` series with the names of blackbox_exporter, and
/// `jaga_probe_failing` once a number of looks failed in a row.
public final class Probe: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "probe_success"

    private let settings: ProbeSettings
    private let looking: any Looking
    private let state: Mutex<State>

    private struct State {
        var count: FailureCount
        var lastLook: Look?
        var lastLookAt: Timestamp?
        var lastFailure: String?
        var lastFailureAt: Timestamp?
    }

    public init(_ settings: ProbeSettings) {
        self.settings = settings
        looking = settings.makeLooking()
        name = "probe/\(settings.name)"
        labels = Labels([("job", "probe"), ("probe", settings.name), ("instance", looking.target)])
        interval = settings.interval
        // A refused certificate costs a second handshake, to read its dates.
        deadline = min(settings.interval, settings.timeout * 2 + .seconds(1))
        state = Mutex(State(count: FailureCount(needed: settings.failures)))
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        var look = try await looking.look(at: now)
        let count = state.withLock { state in
            state.count.observe(success: look.failure == nil)
            state.lastLook = look
            state.lastLookAt = now
            if let failure = look.failure {
                state.lastFailure = failure
                state.lastFailureAt = now
            }
            return state.count
        }
        look.batch.add("probe_success", [:], look.failure == nil ? 1 : 0)
        look.batch.add("jaga_probe_consecutive_failures", [:], Double(count.consecutive))
        if let isFailing = count.isFailing { look.batch.add("jaga_probe_failing", [:], isFailing ? 1 : 0) }
        for metric in Self.metadata { look.batch.metadata[metric.name] = metric }
        look.batch.label(with: labels)
        return look.batch
    }

    /// What is known now, for pages and messages.
    public var snapshot: ProbeSnapshot {
        state.withLock { state in
            ProbeSnapshot(
                name: settings.name, kind: settings.kind, target: looking.target, lastLookAt: state.lastLookAt,
                isUp: state.lastLook.map { $0.failure == nil }, isFailing: state.count.isFailing,
                consecutiveFailures: state.count.consecutive, failuresNeeded: state.count.needed,
                lastFailure: state.lastFailure, lastFailureAt: state.lastFailureAt, elapsed: state.lastLook?.elapsed,
                statusCode: state.lastLook?.statusCode, certificateExpiry: state.lastLook?.certificateExpiry,
                health: state.lastLook?.health)
        }
    }

    private static let metadata: [MetricMetadata] = [
        MetricMetadata("probe_success", .gauge, "Whether the last look found all as expected."),
        MetricMetadata("probe_duration_seconds", .gauge, "How long the look took; absent when there was no reply."),
        MetricMetadata("jaga_probe_failing", .gauge, "Whether so many looks in a row failed that it counts."),
        MetricMetadata(
            "jaga_probe_connection_duration_seconds", .gauge,
            "Time of each phase of connecting: resolve, connect and tls."),
        MetricMetadata("jaga_probe_consecutive_failures", .gauge, "Looks that failed in a row, up to the last."),
        MetricMetadata(
            "probe_ssl_earliest_cert_expiry", .gauge, "When the first certificate of the chain ends, in Unix seconds."),
    ]
}

/// The state of a probe for a page or a message.
public struct ProbeSnapshot: Sendable, Hashable {
    public var name: String
    public var kind: ProbeKind
    public var target: String
    /// Nil before the first look, as `isUp` is.
    public var lastLookAt: Timestamp?
    /// Whether the last look found all as expected.
    public var isUp: Bool?
    /// Whether enough looks in a row failed; nil while that is not known.
    public var isFailing: Bool?
    public var consecutiveFailures: Int
    public var failuresNeeded: Int
    /// One sentence; stays after a success, with its time.
    public var lastFailure: String?
    public var lastFailureAt: Timestamp?
    public var elapsed: Duration?
    public var statusCode: Int?
    public var certificateExpiry: Timestamp?
    public var health: HealthReply?
}
