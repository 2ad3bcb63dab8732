import Testing
import Units

@testable import Access

/// Goal: guessing becomes slow, people do not. Method: the throttle as a value under a given time.
struct LoginThrottleTests {
    private var throttle = LoginThrottle()
    private let start = Timestamp(millisecondsSinceEpoch: 1_000_000)

    private mutating func fail(_ times: Int, address: String = "10.0.0.1", user: String = "ani", at time: Timestamp) {
        for _ in 0..<times { throttle.failed(address: address, user: user, at: time) }
    }

    @Test mutating func `the first failures cost nothing`() {
        fail(LoginThrottle.freeFailures - 1, at: start)
        #expect(throttle.wait(address: "10.0.0.1", user: "ani", at: start) == nil)
        fail(1, at: start)
        #expect(throttle.wait(address: "10.0.0.1", user: "ani", at: start) == .seconds(1))
    }

    @Test mutating func `each further failure doubles the wait up to its limit`() {
        fail(8, at: start)
        #expect(throttle.wait(address: "10.0.0.1", user: "budi", at: start) == .seconds(8))
        fail(40, at: start)
        #expect(throttle.wait(address: "10.0.0.1", user: "budi", at: start) == LoginThrottle.addressWaitMax)
    }

    @Test mutating func `a user is held for half a minute at most when others fail in their name`() {
        for number in 0..<50 { fail(1, address: "10.0.1.\(number)", at: start) }
        #expect(throttle.wait(address: "10.9.9.9", user: "ani", at: start) == LoginThrottle.userWaitMax)
        #expect(throttle.wait(address: "10.9.9.9", user: "budi", at: start) == nil)
    }

    @Test mutating func `the wait runs down and a success forgets`() {
        fail(8, at: start)
        #expect(throttle.wait(address: "10.0.0.1", user: "ani", at: start + .seconds(7)) == .seconds(1))
        #expect(throttle.wait(address: "10.0.0.1", user: "ani", at: start + .seconds(8)) == nil)
        throttle.succeeded(address: "10.0.0.1", user: "ani")
        #expect(throttle.keyCount == 0)
    }

    @Test mutating func `a clock set back shuts nobody out`() {
        fail(20, at: start + .seconds(100_000))
        #expect(throttle.wait(address: "10.0.0.1", user: "ani", at: start) == nil)
    }

    @Test mutating func `a crowd of addresses does not fill the memory`() {
        for number in 0..<(LoginThrottle.keyCountMax + 500) {
            throttle.failed(address: "a\(number)", user: "u\(number)", at: start + .milliseconds(number))
        }
        #expect(throttle.keyCount <= LoginThrottle.keyCountMax)
    }
}
