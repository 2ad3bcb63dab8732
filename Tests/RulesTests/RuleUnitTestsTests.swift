import Diagnostics
import Glibc
import Series
import Testing

@testable import Rules

/// Goal: unit tests of rules come out here as promtool lets them come out, with the same words. Method: files whose name says how
/// they end are run; where promtool is installed it runs them too, and what it prints is compared line by line. The files use
/// nothing in which Prometheus 2 and 3 differ.
@Suite struct RuleUnitTestsTests {
    static let folder = goldenFolder + "/unit-tests"
    static let files = expandedPaths(folder + "/*.pass.yml") + expandedPaths(folder + "/*.fail.yml")
    /// Tests of the shipped packs.
    static let packFiles = expandedPaths(goldenFolder + "/packs/*.pass.yml")

    private let tests = RuleUnitTests(readFile: { try textOfFile($0) }, expand: { expandedPaths($0) })

    /// The failures, or the faults of a file that cannot be read.
    private func failures(_ file: String) async throws -> [String] {
        do {
            return try await tests.run(file: file).failures
        } catch let invalid as InvalidInput {
            return invalid.diagnostics.map(\.description)
        }
    }

    @Test func `every shipped pack has tests`() {
        let names = Self.packFiles.map { $0.split(separator: "/").last!.prefix { $0 != "." } }
        #expect(Set(names.map(String.init)) == Set(RulePack.allCases.map(\.rawValue)))
    }

    @Test(.enabled(if: promtool != nil, "promtool is not installed"))
    func `the reference takes the shipped packs`() throws {
        let folder = goldenFolder + "/../../../Sources/Judge/Rules/Packs"
        let (status, output) = try runProgram(
            [try #require(promtool), "check", "rules"] + expandedPaths(folder + "/*.yml"))
        #expect(status == 0, "\(output)")
        for pack in RulePack.allCases {
            let report = try RuleFile.check(pack.yaml, file: pack.fileName, templates: AnnotationTemplates())
            #expect(report.findings.isEmpty, "\(report.findings)")
            #expect(output.contains("\(report.alertingCount + report.recordingCount) rules found"))
        }
    }

    @Test(arguments: files + packFiles)
    func `a file of tests ends as its name says`(file: String) async throws {
        let failures = try await failures(file)
        #expect(failures.isEmpty == file.hasSuffix(".pass.yml"), "\(failures)")
    }

    @Test(.enabled(if: promtool != nil, "promtool is not installed"), arguments: files + packFiles)
    func `promtool judges the same and says the same`(file: String) async throws {
        let (status, output) = try runProgram([try #require(promtool), "test", "rules", file])
        let failures = try await failures(file)
        #expect((status == 0) == failures.isEmpty, "\(output)")
        // Why a file, a series or an expression cannot be read is said in other words.
        let differs = ["unknown-key", "bad-values", "bad-expression", "repeated-order", "no-name"]
        guard !failures.isEmpty, !differs.contains(where: { file.contains("/\($0).") }) else { return }
        func lines(_ text: String) -> [Substring] {
            text.split(separator: "\n").filter { $0.contains { $0 != " " } }
        }
        let theirs = lines(output).filter { !$0.hasPrefix("Unit Testing") && !$0.hasPrefix("  FAILED") }
        #expect(failures.flatMap(lines) == theirs)
    }

    @Test func `the series begin when the test says`() async throws {
        let tests = RuleUnitTests(
            readFile: { _ in
                """
                tests:
                  - interval: 1m
                    start_timestamp: 2026-01-01T00:00:00Z
                    input_series: [{series: x, values: '1+1x5'}]
                    promql_expr_test:
                      - {expr: 'timestamp(x)', eval_time: 2m, exp_samples: [{labels: '{}', value: 1767225720}]}
                """
            }, expand: { _ in [] })
        #expect(try await tests.run(file: "t.yml").failures == [])
    }

    @Test func `values may differ by a millionth where the file allows it`() async throws {
        func failures(_ fuzzy: Bool) async throws -> [String] {
            let tests = RuleUnitTests(
                readFile: { _ in
                    """
                    fuzzy_compare: \(fuzzy)
                    tests:
                      - input_series: [{series: x, values: '0.3'}]
                        promql_expr_test:
                          - {expr: 'x + 0', exp_samples: [{value: 0.30000001}]}
                    """
                }, expand: { _ in [] })
            return try await tests.run(file: "t.yml").failures
        }
        #expect(try await failures(true) == [])
        #expect(try await failures(false).count == 1)
    }

    @Test func `native histograms are read, compared and computed with`() async throws {
        func failures(_ sum: Int) async throws -> [String] {
            let tests = RuleUnitTests(
                readFile: { _ in
                    """
                    tests:
                      - input_series:
                          - series: h
                            values: '{{schema:0 sum:3 count:6 buckets:[1 2 3]}}+{{schema:0 sum:1 count:1 buckets:[1]}}x4'
                        promql_expr_test:
                          - {expr: histogram_count(h), eval_time: 2m, exp_samples: [{value: 8}]}
                          - expr: h
                            eval_time: 2m
                            exp_samples:
                              - {labels: h, histogram: '{{schema:0 sum:\(sum) count:8 buckets:[3 2 3]}}'}
                    """
                }, expand: { _ in [] })
            return try await tests.run(file: "t.yml").failures
        }
        #expect(try await failures(5) == [])
        #expect(try await failures(6).count == 1)
        #expect(throws: SeriesNotation.Fault.self) { try SeriesNotation.values("{{schema:x}}") }
        #expect(throws: SeriesNotation.Fault.self) { try SeriesNotation.values("0x100000000") }
    }
}
