import Compression
import Exposition
import JSONCoding
import Outbound
import PromQL
import Series
import TestSupport
import TimeSeriesStore
import Units

// Two engines over the same samples, asked the same queries. The reference is Debian's Prometheus 2.42, which gets the samples by remote
// write (OpenMetrics text could not carry stale markers) and is asked over its HTTP API. Jaga's side is the query engine over a store in
// a folder of its own, and the JSON that the API would send.

/// Compares answers of the two engines.
public final class QueryComparison {
    private let reference: ReferenceEngine
    private let store: TimeSeriesStore
    private let folder: TemporaryFolder
    private let engine: QueryEngine
    private var generator: QueryGenerator

    /// Whether the reference is installed here.
    public static var isPossible: Bool { MetricsStore.Kind.prometheus.isThere }

    public init(seed: UInt64) async throws {
        let world = SampleWorld(seed: seed)
        folder = try TemporaryFolder("comparison")
        store = try TimeSeriesStore.open(folder: folder.file("series"))
        var options = QueryOptions()
        // What 2.42 has and Prometheus 3 has put behind a flag, as `double_exponential_smoothing`.
        options.features = [.experimentalFunctions]
        engine = QueryEngine(store, options: options)
        generator = QueryGenerator(seed: seed)
        reference = try ReferenceEngine()
        try await reference.wait()
        // By time: neither takes samples that are much older than the newest.
        let slice: Int64 = 1_200_000
        for start in stride(from: SampleWorld.begin, to: SampleWorld.end + slice, by: Int(slice)) {
            let part = world.columns.map { $0.part(from: start, to: start + slice) }.filter { !$0.times.isEmpty }
            try await reference.write(part)
            var batch = SampleBatch(at: Timestamp(millisecondsSinceEpoch: start + slice))
            for column in part {
                for (time, value) in zip(column.times, column.values) {
                    let timestamp = Timestamp(millisecondsSinceEpoch: time)
                    batch.rows.append(.init(labels: column.labels, value: value, timestamp: timestamp))
                }
            }
            let outcome = try await store.append(batch)
            guard outcome.stored == batch.rows.count else { throw ComparisonError("the store took \(outcome)") }
        }
    }

    /// Asks `count` queries.
    public func run(_ count: Int) async throws -> ComparisonReport {
        var report = ComparisonReport()
        for _ in 0..<count {
            let query = generator.next()
            let theirs = try await reference.ask(query)
            let ours = try await ask(query)
            report.note(query, ours: ours, theirs: theirs)
            if case .data = theirs, let theirs = try await reference.format(query) {
                let ours = try Expression.parse(query.text, features: engine.options.features).prettyText
                report.noteFormat(query, ours: ours, theirs: theirs)
            }
        }
        return report
    }

    private func ask(_ query: GeneratedQuery) async throws -> Answer {
        do {
            let result =
                switch query.when {
                case .instant(let time):
                    try await engine.instant(query.text, at: Timestamp(millisecondsSinceEpoch: time))
                case .range(let start, let end, let step):
                    try await engine.range(
                        query.text, from: Timestamp(millisecondsSinceEpoch: start),
                        through: Timestamp(millisecondsSinceEpoch: end), step: .milliseconds(step))
                }
            var json = AnswerJSON()
            result.value.write(to: &json, limit: nil)
            return .data(try JSONValue(parsing: String(decoding: json.bytes, as: UTF8.self)))
        } catch let fault as QueryFault {
            return .refused(fault.code == .parse ? "bad_data" : "execution", fault.summary)
        }
    }
}

struct ComparisonError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Debian's Prometheus with a store of its own.
final class ReferenceEngine {
    private let server: MetricsStore
    private let connection = HTTPConnection()

    init() throws { server = try MetricsStore(.prometheus) }

    func wait() async throws {
        try await waitUntil("Prometheus is ready") {
            (try? await connection.send(HTTPRequest(url: "\(server.url)/-/ready")).status) == 200
        }
    }

    func write(_ columns: [SeriesColumns]) async throws {
        let request = WriteRequest(series: columns.map { WrittenSeries(columns: $0) })
        let reply = try await connection.send(
            HTTPRequest(
                url: "\(server.url)/api/v1/write", method: "POST",
                headers: [
                    "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                    "X-Prometheus-Remote-Write-Version": "0.1.0",
                ], body: Snappy.compress(writeWriteRequest(request, .v1)), timeout: .seconds(30)))
        guard reply.status / 100 == 2 else { throw ComparisonError("Prometheus refused samples: \(reply.text)") }
    }

    func ask(_ query: GeneratedQuery) async throws -> Answer {
        var fields = [("query", query.referenceText)]
        var path = "query"
        switch query.when {
        case .instant(let time): fields.append(("time", seconds(time)))
        case .range(let start, let end, let step):
            path = "query_range"
            fields += [("start", seconds(start)), ("end", seconds(end)), ("step", seconds(step))]
        }
        let body = fields.map { "\($0.0)=\(formEncoded($0.1))" }.joined(separator: "&")
        let reply = try await connection.send(
            HTTPRequest(
                url: "\(server.url)/api/v1/\(path)", method: "POST",
                headers: ["Content-Type": "application/x-www-form-urlencoded"], body: Array(body.utf8),
                timeout: .seconds(60), bodyBytesMax: 256 << 20))
        let json = try JSONValue(parsing: reply.text)
        if json["status"]?.stringValue == "success", let data = json["data"] { return .data(data) }
        return .refused(json["errorType"]?.stringValue ?? "", json["error"]?.stringValue ?? reply.text)
    }

    /// The query as the reference lays it out; nil where it refuses.
    func format(_ query: GeneratedQuery) async throws -> String? {
        let reply = try await connection.send(
            HTTPRequest(
                url: "\(server.url)/api/v1/format_query?query=\(formEncoded(query.text))", timeout: .seconds(60)))
        return try JSONValue(parsing: reply.text)["data"]?.stringValue
    }

    private func seconds(_ milliseconds: Int64) -> String {
        "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
    }

    private func formEncoded(_ text: String) -> String {
        text.utf8.map { byte -> String in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return String(UnicodeScalar(byte))
            default: return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

extension SeriesColumns {
    fileprivate func part(from start: Int64, to end: Int64) -> SeriesColumns {
        let kept = times.indices.filter { times[$0] >= start && times[$0] < end }
        return SeriesColumns(labels: labels, times: kept.map { times[$0] }, values: kept.map { values[$0] })
    }
}
