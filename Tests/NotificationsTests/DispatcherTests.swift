import TestSupport
import Testing
import Units

@testable import Notifications

/// Who is sent when, decided by the value alone: order, backoff, patience, and lanes that do not hold each other up.
@Suite struct DispatcherTests {
    let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

    func message(_ id: String, _ sequence: Int64, _ channel: String = "webhook/0", group: String = "g")
        -> WaitingMessage
    {
        WaitingMessage(
            id: id, sequence: sequence, lane: Lane(receiver: "ops", channel: channel), groupKey: group, isFiring: true,
            queuedAt: start)
    }

    @Test func `lanes start together and one message of a lane at a time`() {
        var dispatcher = Dispatcher()
        dispatcher.replace(with: [
            message("a", 0), message("b", 1, group: "h"), message("c", 2, "email/0"),
        ])
        #expect(dispatcher.start(at: start).map(\.id) == ["a", "c"])
        #expect(dispatcher.start(at: start).isEmpty)
        #expect(dispatcher.nextDue(start) == nil)
    }

    @Test func `a failure waits, others of the lane go on, and its own group keeps its order`() {
        var random = SeededGenerator(seed: 1)
        var dispatcher = Dispatcher()
        let (first, second, other) = (message("a", 0), message("b", 1), message("c", 2, group: "h"))
        dispatcher.replace(with: [first, second, other])
        #expect(dispatcher.start(at: start) == [first])
        let action = dispatcher.finish(first, .failed(reason: "no", retryAfter: nil), at: start, random: &random)
        guard case .waitUntil(let next) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(next >= start + .seconds(5))
        #expect(dispatcher.start(at: start) == [other])
        #expect(dispatcher.finish(other, .delivered, at: start, random: &random) == .recordDelivered(attempts: 1))
        dispatcher.forget(other)
        #expect(dispatcher.start(at: next - .milliseconds(1)).isEmpty)
        #expect(dispatcher.nextDue(start) == next)
        #expect(dispatcher.start(at: next) == [first])
    }

    @Test func `delays double from five seconds to a quarter of an hour`() {
        var random = SeededGenerator.forTest()
        for failure in 1...40 {
            let delay = Dispatcher.delay(after: failure, random: &random)
            let plain = min(900.0, 5.0 * Double(1 << min(failure - 1, 10)))
            #expect((max(5, plain * 0.8)...min(900, plain * 1.2)).contains(delay.inSeconds), "failure \(failure)")
        }
    }

    @Test func `a server's own wish is heeded up to the longest delay`() {
        var random = SeededGenerator(seed: 2)
        for (wish, expected) in [(60, 60), (100_000, 900)] {
            var dispatcher = Dispatcher()
            dispatcher.replace(with: [message("a", 0)])
            _ = dispatcher.start(at: start)
            let outcome = Dispatcher.Outcome.failed(reason: "busy", retryAfter: .seconds(wish))
            let action = dispatcher.finish(message("a", 0), outcome, at: start, random: &random)
            #expect(action == .waitUntil(start + .seconds(expected)))
        }
    }

    @Test func `after three days of failures a message is given up`() {
        var random = SeededGenerator.forTest()
        var dispatcher = Dispatcher()
        let poor = message("a", 0)
        dispatcher.replace(with: [poor])
        var now = start
        var count = 0
        while true {
            #expect(dispatcher.start(at: now) == [poor])
            count += 1
            let action = dispatcher.finish(poor, .failed(reason: "down", retryAfter: nil), at: now, random: &random)
            if case .waitUntil(let next) = action {
                now = next
                continue
            }
            #expect(action == .recordAbandoned(attempts: count, reason: "down"))
            break
        }
        #expect(now - start >= .seconds(3 * 86_400))
        #expect(now - start <= .seconds(3 * 86_400 + 900))
    }

    @Test func `a refusal is given up at once`() {
        var random = SeededGenerator(seed: 3)
        var dispatcher = Dispatcher()
        dispatcher.replace(with: [message("a", 0)])
        _ = dispatcher.start(at: start)
        #expect(
            dispatcher.finish(message("a", 0), .refused(reason: "550"), at: start, random: &random)
                == .recordAbandoned(attempts: 1, reason: "550"))
    }
}
