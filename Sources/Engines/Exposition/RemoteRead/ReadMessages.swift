public import Series
public import Units

// Remote read asks another program for raw samples: `prometheus.ReadRequest` in the body of a POST, packed with Snappy. The answer is either one
// `prometheus.ReadResponse` (packed too), or, where the asker says that it can, a stream of frames with compressed chunks
// (`StreamedChunks`). <https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/>

/// How samples come back from a remote read.
public enum ReadResponseType: UInt64, Sendable, Hashable {
    case samples = 0
    case streamedChunks = 1

    public var contentType: String {
        switch self {
        case .samples: "application/x-protobuf"
        case .streamedChunks: "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
        }
    }
}

/// Questions of a remote read.
public struct ReadRequest: Sendable, Hashable {
    public var queries: [ReadQuery]
    /// In the asker's order of preference. Empty: samples.
    public var acceptedTypes: [ReadResponseType]

    public init(queries: [ReadQuery], acceptedTypes: [ReadResponseType] = []) {
        self.queries = queries
        self.acceptedTypes = acceptedTypes
    }

    /// The first kind of answer that the asker takes.
    public var responseType: ReadResponseType { acceptedTypes.first ?? .samples }
}

public struct ReadQuery: Sendable, Hashable {
    public var matchers: [LabelMatcher]
    /// Both ends included.
    public var start: Timestamp
    public var end: Timestamp

    public init(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) {
        self.matchers = matchers
        self.start = start
        self.end = end
    }
}

private let operators: [LabelMatcher.Operator] = [.equal, .notEqual, .matches, .doesNotMatch]

/// Reads a `prometheus.ReadRequest`, already unpacked.
public func parseReadRequest(_ bytes: [UInt8], queryCountMax: Int = 100) throws(WireError) -> ReadRequest {
    do {
        return try withProtobuf(bytes) { message throws(ProtobufFault) in
            var request = ReadRequest(queries: [])
            var types: [UInt64] = []
            while let field = try message.field() {
                switch field {
                case 1:
                    var query = try message.message()
                    request.queries.append(try readQuery(&query))
                    guard request.queries.count <= queryCountMax else {
                        throw message.fault("more than \(queryCountMax) queries")
                    }
                case 2: try message.varints(into: &types)
                default: try message.skip()
                }
            }
            request.acceptedTypes = types.compactMap(ReadResponseType.init(rawValue:))
            return request
        }
    } catch {
        throw WireError(.syntax, "prometheus.ReadRequest", at: error.offset, error.message)
    }
}

private func readQuery(_ message: inout ProtobufReader) throws(ProtobufFault) -> ReadQuery {
    var start: Int64 = 0
    var end: Int64 = 0
    var matchers: [LabelMatcher] = []
    while let field = try message.field() {
        switch field {
        case 1: start = try message.signed()
        case 2: end = try message.signed()
        case 3:
            var matcher = try message.message()
            matchers.append(try readMatcher(&matcher))
            guard matchers.count <= 1000 else { throw message.fault("more than 1000 matchers") }
        // Field 4 has hints about the function that asks; the answer is right without them.
        default: try message.skip()
        }
    }
    return ReadQuery(
        matchers, from: Timestamp(millisecondsSinceEpoch: start), through: Timestamp(millisecondsSinceEpoch: end))
}

private func readMatcher(_ message: inout ProtobufReader) throws(ProtobufFault) -> LabelMatcher {
    var type: UInt64 = 0
    var name = ""
    var value = ""
    while let field = try message.field() {
        switch field {
        case 1: type = try message.unsigned()
        case 2: name = try message.text()
        case 3: value = try message.text()
        default: try message.skip()
        }
    }
    guard type < operators.count else { throw message.fault("\(type) is no kind of matcher") }
    do {
        return try LabelMatcher(name, operators[Int(type)], value)
    } catch {
        throw message.fault("the matcher of '\(name)': \(error)")
    }
}

public func writeReadRequest(_ request: ReadRequest) -> [UInt8] {
    var message = ProtobufWriter()
    for query in request.queries {
        message.message(1) { writer in
            writer.signed(1, query.start.millisecondsSinceEpoch)
            writer.signed(2, query.end.millisecondsSinceEpoch)
            for matcher in query.matchers {
                writer.message(3) {
                    $0.unsigned(1, UInt64(operators.firstIndex(of: matcher.op)!))
                    $0.text(2, matcher.name)
                    $0.text(3, matcher.value)
                }
            }
        }
    }
    message.packedVarints(2, request.acceptedTypes.map(\.rawValue))
    return message.bytes
}

/// Writes a `prometheus.ReadResponse`, still to be packed: for each query its series.
public func writeReadResponse(_ results: [[SeriesColumns]]) -> [UInt8] {
    var message = ProtobufWriter()
    for result in results {
        message.message(1) { writer in
            for columns in result {
                writer.message(1) {
                    $0.timeSeries(columns)
                    $0.histograms(4, columns)
                }
            }
        }
    }
    return message.bytes
}

/// Reads a `prometheus.ReadResponse`, already unpacked: for each query its series.
public func parseReadResponse(
    _ bytes: [UInt8], limits: WriteLimits = WriteLimits()
) throws(WireError) -> [[SeriesColumns]] {
    do {
        return try withProtobuf(bytes) { message throws(ProtobufFault) in
            var results: [[SeriesColumns]] = []
            var sampleCount = 0
            while let field = try message.field() {
                guard field == 1 else {
                    try message.skip()
                    continue
                }
                var inner = try message.message()
                var series: [SeriesColumns] = []
                while let field = try inner.field() {
                    guard field == 1 else {
                        try inner.skip()
                        continue
                    }
                    var one = try inner.message()
                    var parser = WriteRequestParser(limits: limits)
                    let read = try parser.readFirstSeries(&one)
                    // A question has no half answer.
                    if parser.hasBrokenText { throw inner.fault("a text of \(read.columns.labels) is not UTF-8") }
                    sampleCount += read.columns.times.count
                    guard sampleCount <= limits.sampleCountMax, series.count < limits.seriesCountMax else {
                        throw inner.fault(
                            "more than \(limits.sampleCountMax) samples or \(limits.seriesCountMax) series")
                    }
                    series.append(read.columns)
                }
                results.append(series)
            }
            return results
        }
    } catch {
        throw WireError(.syntax, "prometheus.ReadResponse", at: error.offset, error.message)
    }
}
