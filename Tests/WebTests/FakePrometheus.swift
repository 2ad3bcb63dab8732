import JSONCoding
import Series
import Units
import Web
import WebAPI

/// What the Prometheus API asks beyond the pages: each method gives what it was asked, so that a test sees that it came through.
protocol FakePrometheus: SiteService {
    /// What answers are taken from.
    var memory: MemoryBudget { get }
}

extension FakePrometheus {
    func answer(_ query: PrometheusQuery) async throws -> PrometheusAnswer {
        if query.expression == "large" { return large }
        guard !query.expression.isEmpty else { throw QueryFault(.badData, "no expression found in input") }
        let result =
            switch query.when {
            case .instant(let time): try await self.query(query.expression, at: time, timeLimit: query.timeLimit)
            case .range(let start, let end, let step):
                try await queryRange(
                    query.expression, from: start, through: end, step: step, timeLimit: query.timeLimit)
            }
        var data = ""
        result.result.write(to: &data)
        return PrometheusAnswer([Array(data.utf8)], warnings: result.warnings, infos: ["about \(query.expression)"])
    }

    /// More than the buffers between two programs hold.
    private var large: PrometheusAnswer {
        let parts = [[UInt8]](repeating: [UInt8](repeating: UInt8(ascii: "1"), count: 1_000_000), count: 30)
        do {
            let memory = MemoryShare(of: memory)
            try memory.take(30_000_000)
            return PrometheusAnswer(parts, memory: memory)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    func exemplars(_ expression: String, from start: Timestamp, through end: Timestamp) async throws -> PrometheusAnswer
    {
        PrometheusAnswer([Array("[]".utf8)])
    }

    func format(_ expression: String) async throws -> String { "formatted \(expression)" }
    func parse(_ expression: String) async throws -> JSONValue { ["expression": .string(expression)] }

    func targets(state: String, pool: String?) async throws -> String {
        (["state": .string(state), "pool": .string(pool ?? "")] as JSONValue).canonicalText
    }

    func targetMetadata(selector: String?, metric: String?, limit: Int?) async throws -> String {
        ([["selector": .string(selector ?? ""), "metric": .string(metric ?? "")]] as JSONValue).canonicalText
    }

    func status(_ topic: PrometheusStatusTopic, limit: Int) async throws -> JSONValue {
        ["topic": .string(topic.rawValue), "limit": .integer(Int64(limit))]
    }

    func deleteSeries(_ selectors: [String], from start: Timestamp, through end: Timestamp) async throws {
        if selectors == ["no_such"] { throw QueryFault(.badData, "nothing is called no_such") }
    }

    func cleanTombstones() async throws {}

    func snapshot(skipsHead: Bool) async throws -> String { skipsHead ? "blocks-only" : "whole" }

    func exchange(_ message: ReceivedMessage) async throws -> SentMessage {
        SentMessage(
            200, headers: [("X-Prometheus-Remote-Write-Samples-Written", "\(message.body.count)")],
            body: Array("\(message.kind) as \(message.headers["content-type"] ?? "")".utf8))
    }

    func federate(_ selectors: [String], accept: String?) async throws -> SentMessage {
        guard selectors != ["{"] else { throw QueryFault(.badData, "1:2: parse error: unexpected end of input") }
        return SentMessage(
            200, type: accept ?? "text/plain; version=0.0.4; charset=utf-8",
            body: Array("federated \(selectors.joined(separator: " "))\n".utf8))
    }
}
