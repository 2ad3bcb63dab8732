import Units

/// Decides what an evaluation at a given time may do, when clocks jump and programs stop.
struct EvaluationClock: Sendable {
    enum Verdict: Sendable, Equatable {
        case evaluate
        /// Evaluate, but take nothing for gone: series of this stretch of time may not have been read yet.
        case settle
        /// The clock shows a time that was evaluated before: looking again would judge the past.
        case skip(behind: Duration)
        /// The clock stays behind: it was ahead before. Go on from here.
        case rebase
    }

    /// So many evaluations in a row are left out before a clock that went back is believed. By then the sources have
    /// written samples at the new time.
    static let skipCountMax = 10

    let interval: Duration
    private(set) var last: Timestamp?
    private var settleUntil: Timestamp?
    private var skipCount = 0
    private var wasGap = false

    init(interval: Duration) {
        self.interval = interval
    }

    mutating func verdict(at now: Timestamp) -> Verdict {
        if let last, now < last {
            skipCount += 1
            guard skipCount > Self.skipCountMax else { return .skip(behind: last - now) }
            begin(at: now)
            return .rebase
        }
        skipCount = 0
        // A gap: a start, a machine that slept, a clock put forward. Two in a row are an evaluation that is always late,
        // which must not keep alerts open for ever.
        let isGap = last.map { now - $0 > interval * 4 + .seconds(10) } ?? true
        if isGap && !wasGap {
            begin(at: now)
            wasGap = true
            return .settle
        }
        wasGap = isGap
        last = now
        if isGap { settleUntil = nil }
        if let settleUntil, now < settleUntil { return .settle }
        settleUntil = nil
        return .evaluate
    }

    private mutating func begin(at now: Timestamp) {
        skipCount = 0
        last = now
        settleUntil = now + interval * 2
    }
}
