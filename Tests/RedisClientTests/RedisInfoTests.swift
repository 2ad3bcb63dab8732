import RedisClient
import Testing

/// Goal: INFO's text becomes fields. Method: a shortened answer of Redis 7.
@Suite struct RedisInfoTests {
    @Test func `sections, fields and pairs are found`() {
        let info = RedisInfo(
            "# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/redis-server\r\n\r\n# Memory\r\nused_memory:1024\r\n"
                + "# Keyspace\r\ndb0:keys=5,expires=2,avg_ttl=1500\r\n")
        #expect(info["redis_version"] == "7.0.15")
        #expect(info.number("used_memory") == 1024)
        #expect(info["missing"] == nil)
        #expect(info.sections.map(\.name) == ["Server", "Memory", "Keyspace"])
        #expect(info.fields(of: "keyspace").map(\.name) == ["db0"])
        #expect(RedisInfo.pairs(info["db0"]!) == ["keys": "5", "expires": "2", "avg_ttl": "1500"])
    }
}
