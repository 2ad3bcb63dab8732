import PromQL
import Testing

/// Goal: a script that is wrong says where, and the rest of it still runs; and a case that should fail does. Method: scripts with
/// known faults.
@Suite struct ScriptTests {
    private func run(_ text: String) async -> [ScriptOutcome] { await ScriptRunner().run(QueryScript(text)) }

    @Test func `lines may end as Windows ends them`() async {
        let outcomes = await run(
            "load 1m\r\n  a 1 2\r\n\r\neval instant at 1m a\r\n  a 2\r\n\r\neval instant at 0m a\r\n  a 2\r\n")
        #expect(outcomes.map(\.line) == [4, 7] && outcomes.map { $0.failure == nil } == [true, false])
    }

    @Test func `faults are cases with their lines and the rest runs`() async {
        let outcomes = await run(
            """
            load 1m
              a 1x3
              b{x= 2
              c 1 2 oops
              d {{schema:9}}

            nonsense here

            eval instant at 1m a
              a 1

            eval sometime a
              a 1

            eval instant at 1m a
              expect everything

            eval instant at 2m a
              a 2
            """)
        #expect(outcomes.map(\.line) == [3, 4, 5, 7, 9, 12, 16, 18])
        #expect(outcomes.map { $0.failure == nil } == [false, false, false, false, true, false, false, false])
        #expect(outcomes.last?.failure == "expected 2 for a, got 1")
    }

    /// What Prometheus 2.42 answers.
    @Test(arguments: [
        ("1e18", "31688740476 10 23 5 297 31 1 46"),
        ("-1e18", "-31688736537 3 10 2 69 31 22 13"),
        ("9.2e18", "291536396232 8 31 5 244 31 11 33"),
        ("-62135596801", "0 12 31 0 366 31 23 59"),
        ("1e15", "31690708 7 5 0 187 31 1 46"),
    ])
    func `dates are those of the calendar as far as 64 bits of seconds reach`(time: String, parts: String) async {
        let names = ["year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"]
        let cases = zip(names, parts.split(separator: " ")).map {
            "eval instant at 0m \($0)(vector(\(time)))\n  {} \($1)\n"
        }
        let outcomes = await run(cases.joined(separator: "\n"))
        #expect(outcomes.count == 8 && outcomes.allSatisfy { $0.failure == nil }, "\(outcomes)")
    }

    @Test func `cases without a blank line between them run all the same, and are told`() async {
        let outcomes = await run(
            """
            load 1m
              load 1
              load 5
              eval 2
            eval instant at 0m load
              load 5
            eval_fail instant at 0m load +
            clear
            """)
        // `load` and `eval` are names of metrics where no interval and no kind of query follows.
        #expect(outcomes.map(\.line) == [5, 5, 7, 7, 8])
        #expect(outcomes.map { $0.failure == nil } == [false, true, false, true, false], "\(outcomes)")
        #expect(outcomes.first?.failure == "a blank line is missing before: eval instant at 0m load")
    }

    @Test(arguments: [
        ("eval instant at 1m a\n  a 1\n  b 2", "expected b, got a 1"),
        ("eval instant at 1m a", "expected no a, got a 1"),
        ("eval instant at 1m a\n  expect fail\n", "expected an error of any kind, got a 1"),
        (
            "eval instant at 1m a()\n  expect fail msg: other\n",
            "expected an error 'other', got: 1:1: parse error: unknown function with name \"a\""
        ),
        (
            "eval instant at 1m a()\n  expect fail regex: (\n",
            "expected an error that matches '(', which is no regular expression: missing closing )"
        ),
        ("eval instant at 1m a\n  expect warn\n  a 1", "expected a warning of any kind, got: none"),
        ("eval instant at 1m a\n  expect range vector from 0 to 1m step 1m\n  a 1", "expected a 1, got a 1"),
        ("eval instant at 1m h\n  h {{schema:0 count:2 sum:1 buckets:[2]}}", nil),
        ("eval instant at 1m h\n  h {{schema:0 count:2 sum:1 buckets:[1 1]}}", "buckets:[1 1]"),
        (
            "eval instant at 1m h\n  h {{schema:0 count:2 sum:1 buckets:[2] counter_reset_hint:reset}}",
            "counter_reset_hint"
        ),
        ("eval range from 0 to 2m step 1m a\n  a 1 1 2", "expected 2 at 120000 ms for a"),
        ("eval instant at 1m 1\n  1", nil), ("eval instant at 1m 'x'\n  expect string \"x\"", nil),
        ("eval_fail instant at 1m a +", nil), ("eval_warn instant at 1m quantile(2, a)\n  {} Inf", nil),
        ("eval instant at 1m rate(a[2m])\n  expect no_info\n  {} 0", "expected no info"),
    ]) func `a case passes or says what it expected`(_ text: String, _ failure: String?) async {
        let outcomes = await run("load 1m\n  a 1x3\n  h {{schema:0 count:2 sum:1 buckets:[2]}}x3\n\n" + text)
        #expect(outcomes.count == 1)
        if let failure {
            #expect(outcomes.first?.failure?.contains(failure) ?? false, "\(outcomes)")
        } else {
            #expect(outcomes.first?.failure == nil)
        }
    }
}
