public import ClientSettings
import Compression
public import Diagnostics
import Exposition
import JSONCoding
import Outbound
public import Series
import Synchronization
public import Units

// Reads series from any store that speaks as Prometheus does: Prometheus itself, VictoriaMetrics, Mimir, Thanos. Rules, pages and the
// API then see what the cluster has, which is more than one machine could hold.
//
// Samples come by remote read where the store has it: raw, in protobuf, with stale markers. Where it has not (VictoriaMetrics, Thanos'
// querier), a range selector is asked of `/api/v1/query`, which gives raw samples too, as JSON. Some stores leave stale markers out of it: a series that
// ended then looks alive until the lookback of five minutes has passed. VictoriaMetrics writes them as NaN, so a NaN is read as the end
// of a series here: taken for a value it would make every sum NaN, and an alert on that sum deaf. Which of the two ways is had is found out
// once and kept.

/// A store that is reached over HTTP.
public final class RemoteSeries: SeriesReading {
    /// How the store is reached.
    public struct Options: Sendable, Hashable {
        /// Up to what comes before `/api/v1/`, as in `http://victoria:8428`.
        public var url: String
        public var client: HTTPClientSettings
        /// Further header fields, such as the name of a tenant.
        public var headers: [String: Secret]
        public var timeout: Duration
        /// Bytes of one answer.
        public var answerByteCountMax: Int

        public init(
            url: String, client: HTTPClientSettings = HTTPClientSettings(), headers: [String: Secret] = [:],
            timeout: Duration = .seconds(30), answerByteCountMax: Int = 256 << 20
        ) {
            self.url = url
            while self.url.hasSuffix("/") { self.url.removeLast() }
            self.client = client
            self.headers = headers
            self.timeout = timeout
            self.answerByteCountMax = answerByteCountMax
        }
    }

    private let options: Options
    private let userAgent: String
    private let connection = HTTPConnection()
    /// Nil until it was tried.
    private let hasRemoteRead = Mutex<Bool?>(nil)

    public init(_ options: Options, userAgent: String) {
        self.options = options
        self.userAgent = userAgent
    }

    public func select(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp
    ) async throws -> [SeriesColumns] {
        guard start <= end else { return [] }
        let series: [SeriesColumns]
        if hasRemoteRead.withLock({ $0 }) != false, let read = try await remoteRead(matchers, start, end) {
            series = read
        } else {
            series = try await rangeQuery(matchers, start, end)
        }
        return series.filter { !$0.times.isEmpty }.sorted { $0.labels < $1.labels }
    }

    // MARK: Remote read

    /// - Returns: nil when the store does not know remote read.
    private func remoteRead(
        _ matchers: [LabelMatcher], _ start: Timestamp, _ end: Timestamp
    ) async throws -> [SeriesColumns]? {
        let question = writeReadRequest(ReadRequest(queries: [ReadQuery(matchers, from: start, through: end)]))
        let response = try await send(
            "/api/v1/read", method: "POST", body: Snappy.compress(question),
            headers: [
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Read-Version": "0.1.0",
            ])
        switch response.status {
        case 200: break
        case 404, 405, 501: return noteNoRemoteRead()
        // VictoriaMetrics answers 400 to paths that it does not know.
        case 400 where response.text.contains("unsupported path"): return noteNoRemoteRead()
        default: throw failure(response)
        }
        hasRemoteRead.withLock { $0 = true }
        do {
            let bytes = try Snappy.decompress(response.body, limit: options.answerByteCountMax)
            // What an answer may hold is bounded by its bytes alone: a sample takes four of them at least.
            let limits = WriteLimits(
                byteCountMax: options.answerByteCountMax, seriesCountMax: .max, sampleCountMax: .max,
                labelCountMax: .max)
            return try parseReadResponse(bytes, limits: limits).joined().map { series in
                series.within(start.millisecondsSinceEpoch...end.millisecondsSinceEpoch)
            }
        } catch {
            throw RemoteSeriesError(.unreadable, "\(origin) answered what cannot be read: \(describe(error))")
        }
    }

    private func noteNoRemoteRead() -> [SeriesColumns]? {
        hasRemoteRead.withLock { $0 = false }
        return nil
    }

    // MARK: Queries

    private func rangeQuery(
        _ matchers: [LabelMatcher], _ start: Timestamp, _ end: Timestamp
    ) async throws -> [SeriesColumns] {
        // Newer stores leave the beginning of a range out, so it begins a millisecond early; what is too much is cut off below.
        let span = (end - start).wholeMilliseconds + 1
        let data = try await get(
            "/api/v1/query",
            [("query", "\(selector(matchers))[\(span)ms]"), ("time", seconds(end))])
        guard let result = data["result"]?.arrayValue else {
            throw RemoteSeriesError(.unreadable, "\(origin) answered a query without a result")
        }
        return try result.map { item in
            let labels = Labels((item["metric"]?.objectValue ?? [:]).map { ($0.key, $0.value.stringValue ?? "") })
            var columns = SeriesColumns(labels: labels, times: [], values: [])
            for pair in item["values"]?.arrayValue ?? [] {
                guard let time = pair[0]?.doubleValue, let text = pair[1]?.stringValue, let value = number(text) else {
                    throw RemoteSeriesError(.unreadable, "\(origin) answered a sample that is none")
                }
                columns.times.append(Int64((time * 1000).rounded()))
                columns.values.append(value.isNaN ? staleMarker : value)
            }
            return columns.within(start.millisecondsSinceEpoch...end.millisecondsSinceEpoch)
        }
    }

    public func labelNames(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp
    ) async throws -> [String] {
        try await texts("/api/v1/labels", matchers, start, end)
    }

    public func labelValues(
        _ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp
    ) async throws -> [String] {
        try await texts("/api/v1/label/\(encoded(name))/values", matchers, start, end)
    }

    /// The labels of the series matching any of `selectors` in the range, sorted.
    public func series(
        _ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp
    ) async throws -> [Labels] {
        // Everything has a name, and a selector that anything satisfies is refused.
        let named = try selectors.map { $0.isEmpty ? [try LabelMatcher(Labels.metricName, .notEqual, "")] : $0 }
        let found = try await get(
            "/api/v1/series", named.map { ("match[]", selector($0)) } + Self.span(start, end))
        return (found.arrayValue ?? []).map { item in
            Labels((item.objectValue ?? [:]).map { ($0.key, $0.value.stringValue ?? "") })
        }.sorted()
    }

    private func texts(
        _ path: String, _ matchers: [LabelMatcher], _ start: Timestamp, _ end: Timestamp
    ) async throws -> [String] {
        var parameters = Self.span(start, end)
        if !matchers.isEmpty { parameters.append(("match[]", selector(matchers))) }
        return (try await get(path, parameters).arrayValue ?? []).compactMap(\.stringValue).sorted()
    }

    /// Ends that nobody named stay unnamed.
    private static func span(_ start: Timestamp, _ end: Timestamp) -> [(String, String)] {
        var parameters: [(String, String)] = []
        if start > .distantPast, start.millisecondsSinceEpoch > 0 { parameters.append(("start", seconds(start))) }
        if end < .distantFuture { parameters.append(("end", seconds(end))) }
        return parameters
    }

    public func metadata() async throws -> MetadataByName {
        let data = try await get("/api/v1/metadata", [])
        var found: MetadataByName = [:]
        for (name, entries) in data.objectValue ?? [:] {
            guard let entry = entries[0] else { continue }
            let type = entry["type"]?.stringValue.flatMap { MetricType(rawValue: $0) } ?? .untyped
            found[name] = MetricMetadata(
                name, type, entry["help"]?.stringValue ?? "", unit: entry["unit"]?.stringValue ?? "")
        }
        return found
    }

    // MARK: Requests

    private var origin: String { displayedOrigin(of: Secret(options.url)) }

    /// - Returns: the `data` of the answer.
    private func get(_ path: String, _ parameters: [(String, String)]) async throws -> JSONValue {
        let form = parameters.map { "\(encoded($0.0))=\(encoded($0.1))" }.joined(separator: "&")
        let response = try await send(path + (form.isEmpty ? "" : "?\(form)"), method: "GET", body: [], headers: [:])
        let answer: JSONValue
        do {
            answer = try JSONValue(parsing: response.body)
        } catch {
            if response.status != 200 { throw failure(response) }
            throw RemoteSeriesError(.unreadable, "\(origin) answered what is no JSON: \(describe(error))")
        }
        guard response.status == 200, answer["status"]?.stringValue == "success", let data = answer["data"] else {
            let said = answer["error"]?.stringValue ?? "status \(response.status)"
            throw RemoteSeriesError(.refused, "\(origin) refused: \(said)")
        }
        return data
    }

    private func send(
        _ path: String, method: String, body: [UInt8], headers: HTTPHeaders
    ) async throws -> HTTPResponse {
        var request = HTTPRequest(
            url: options.url + path, method: method, headers: headers, body: body, timeout: options.timeout,
            connectTimeout: .seconds(10), bodyBytesMax: options.answerByteCountMax)
        request.headers["User-Agent"] = userAgent
        for (name, value) in options.headers { request.headers[name] = value.reveal() }
        // Remote read answers in Snappy whatever is asked for, which libcurl would take for a fault.
        request.acceptsCompression = method == "GET"
        let prepared = request
        return try await connection.send { [options] in
            var request = prepared
            try options.client.apply(to: &request)
            return request
        }
    }

    private func failure(_ response: HTTPResponse) -> RemoteSeriesError {
        let said = response.text.prefix(200).split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
        return RemoteSeriesError(.refused, "\(origin) answered \(response.status)\(said)")
    }
}

/// Why a remote store gave nothing.
public struct RemoteSeriesError: Failure, Hashable {
    public enum Code: String, Sendable {
        case refused = "remote-store-refused"
        case unreadable = "remote-store-unreadable"
    }

    public let code: Code
    public let summary: String

    init(_ code: Code, _ summary: String) {
        self.code = code
        self.summary = summary
    }

    public var codeName: String { code.rawValue }
    public var hint: String? { "Look at 'series.url' and at the store's own log." }
}

/// `{__name__="up",job=~"a|b"}`, with names in quotation marks where they are not plain words.
private func selector(_ matchers: [LabelMatcher]) -> String {
    let parts = matchers.map { matcher in
        let isPlain =
            matcher.name.utf8.allSatisfy { ($0 | 0x20) &- 97 < 26 || $0 == 0x5F || $0 &- 48 < 10 }
            && !(matcher.name.utf8.first.map { $0 &- 48 < 10 } ?? true)
        let name = isPlain ? matcher.name : "\"\(Labels.escaped(matcher.name))\""
        return "\(name)\(matcher.op.rawValue)\"\(Labels.escaped(matcher.value))\""
    }
    return "{\(parts.joined(separator: ","))}"
}

private func seconds(_ time: Timestamp) -> String {
    let (whole, rest) = time.millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 1000)
    let digits = String(rest.magnitude)
    return "\(whole).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
}

private func number(_ text: String) -> Double? {
    switch text {
    case "NaN": .nan
    case "+Inf", "Inf": .infinity
    case "-Inf": -.infinity
    default: Double(text)
    }
}

private func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        let isPlain =
            (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
        bytes += isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: bytes, as: UTF8.self)
}

extension SeriesColumns {
    /// The samples of a stretch of time, both ends included.
    func within(_ range: ClosedRange<Int64>) -> SeriesColumns {
        guard let first = times.first, let last = times.last, first < range.lowerBound || last > range.upperBound else {
            return self
        }
        var part = SeriesColumns(labels: labels, times: [], values: [])
        var own = histograms[...]
        for index in times.indices {
            let histogram = own.first?.index == index ? own.removeFirst().histogram : nil
            guard range.contains(times[index]) else { continue }
            if let histogram { part.histograms.append(.init(index: part.times.count, histogram: histogram)) }
            part.times.append(times[index])
            part.values.append(values[index])
        }
        return part
    }
}
