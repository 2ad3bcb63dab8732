/// A condition did not come true in time.
public struct WaitTimedOut: Error, CustomStringConvertible {
    public let description: String
}

/// Asks again and again whether `condition` holds, for what outside processes do and cannot be waited for otherwise.
/// - Parameters:
///   - what: names the condition in the error.
///   - timeout: real time. Long, since it only passes when something is wrong: a slow machine must not fail.
/// - Throws: `WaitTimedOut`, or what `condition` throws.
public func waitUntil(
    _ what: String = "the condition", timeout: Duration = .seconds(60), every pause: Duration = .milliseconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw WaitTimedOut(description: "\(what) did not come true within \(timeout)")
        }
        try await Task.sleep(for: pause)
    }
}

/// Asks again and again until there is a value.
public func waitFor<Value>(
    _ what: String, timeout: Duration = .seconds(60), every pause: Duration = .milliseconds(20),
    _ value: () async throws -> Value?
) async throws -> Value {
    var found: Value?
    try await waitUntil(what, timeout: timeout, every: pause) {
        found = try await value()
        return found != nil
    }
    return found!
}
