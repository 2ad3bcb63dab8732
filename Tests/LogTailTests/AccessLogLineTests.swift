import Testing

@testable import LogTail

/// Goal: a line's fields are what nginx meant, whatever a visitor wrote into them. Method: lines in, fields out.
@Suite struct AccessLogLineTests {
    private func parse(_ text: String) -> AccessLogLine? {
        Array(text.utf8).withUnsafeBytes { AccessLogLine($0) }
    }

    @Test func `a combined line gives all fields`() throws {
        let line = try #require(
            parse(
                #"203.0.113.9 - - [21/Nov/2026:03:50:12 +0000] "GET /orders?id=5 HTTP/1.1" 200 1534 "https://shop/" "Mozilla/5.0 (X11)""#
            ))
        #expect(line.address == "203.0.113.9")
        #expect(line.user == "-")
        #expect(line.time == "21/Nov/2026:03:50:12 +0000")
        #expect(line.method == "GET")
        #expect(line.target == "/orders?id=5")
        #expect(line.httpVersion == "HTTP/1.1")
        #expect(line.status == 200)
        #expect(line.sentByteCount == 1534)
        #expect(line.referrer == "https://shop/")
        #expect(line.userAgent == "Mozilla/5.0 (X11)")
        #expect(line.requestTime == nil)
    }

    @Test(arguments: [
        (#" 0.123"#, 0.123), (#" rt=0.250 uct="0.000" urt="0.249""#, 0.25), (#" "0.005""#, 0.005),
        (#" request_time=1.5"#, 1.5), (#" 7 0.010"#, 0.01),
    ])
    func `a request time behind the user agent is found`(tail: String, seconds: Double) throws {
        let line = parse(#"::1 - - [21/Nov/2026:03:50:12 +0000] "GET / HTTP/2.0" 200 5 "-" "curl""# + tail)
        #expect(try #require(line).requestTime == seconds)
    }

    /// What a `grep " 500 "` would count wrongly.
    @Test func `a status in a request, a user agent or a user's name is not the status`() throws {
        let line = try #require(
            parse(
                #"10.0.0.1 - eve 500 [21/Nov/2026:03:50:12 +0000] "GET /a 500 500 b HTTP/1.1" 404 0 "-" "x 500 \x22 500 1.5""#
            ))
        #expect(line.user == "eve 500")
        #expect(line.status == 404)
        #expect(line.target == "/a 500 500 b")
        #expect(line.requestTime == nil)
    }

    @Test func `a request that is no HTTP keeps its status and has no method`() throws {
        let line = try #require(
            parse(#"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] "\x16\x03\x01" 400 150 "-" "-""#))
        #expect(line.method == "")
        #expect(line.status == 400)
        #expect(try #require(parse(#"10.0.0.1 - - [t] "" 408 0 "-" "-""#)).status == 408)
    }

    @Test(arguments: [
        "", "garbage", #"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] "GET / HTTP/1.1" 20 5 "-" "-""#,
        #"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] "GET / HTTP/1.1" abc 5 "-" "-""#,
        #"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] "GET / HTTP/1.1" 200 x "-" "-""#,
        #"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000] "GET / HTTP/1.1" 200 5 "-" "unfinished"#,
        #"10.0.0.1 - - [21/Nov/2026:03:50:12 +0000 "GET / HTTP/1.1" 200 5 "-" "-""#,
        #"{"status":200}"#,
    ])
    func `what is not in the format is refused`(text: String) {
        #expect(parse(text) == nil)
    }
}
