import RedisClient
import Testing

/// What a person reads when Redis refuses.
struct RedisErrorTests {
    @Test func `a sentence of the server loses its full stop, since a hint follows`() {
        let error = RedisError(.authenticationFailed, target: "127.0.0.1:6379/0", "NOAUTH Authentication required.")
        #expect(error.summary == "Redis 127.0.0.1:6379/0: NOAUTH Authentication required")
    }
}
