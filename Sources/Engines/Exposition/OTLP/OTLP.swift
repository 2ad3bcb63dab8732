import JSONCoding

/// How a request of OTLP is encoded, and its answer with it.
public enum OTLPEncoding: Sendable, Hashable, CaseIterable {
    case protobuf, json

    /// Nil for a type that the receiver must answer with 415.
    public init?(contentType: String?) {
        switch contentType?.prefix(while: { $0 != ";" }).filter({ $0 != " " }).lowercased() {
        case "application/x-protobuf": self = .protobuf
        case "application/json": self = .json
        default: return nil
        }
    }

    public var contentType: String { self == .protobuf ? "application/x-protobuf" : "application/json" }
}

/// Reads an `ExportMetricsServiceRequest`, already unpacked, and makes series of it.
/// - Throws: `WireError`, for which the answer is 400; nothing is to be stored then.
public func parseOTLPMetrics(
    _ bytes: [UInt8], _ encoding: OTLPEncoding, limits: WriteLimits = WriteLimits()
) throws(WireError) -> OTLPOutcome {
    let name = "ExportMetricsServiceRequest"
    guard bytes.count <= limits.byteCountMax else {
        throw WireError(.tooMuch, name, at: 0, "\(bytes.count) bytes, more than \(limits.byteCountMax)")
    }
    let request: OTLPRequest
    switch encoding {
    case .protobuf:
        do {
            request = try withProtobuf(bytes) { message throws(ProtobufFault) in try readOTLPRequest(&message) }
        } catch {
            throw WireError(.syntax, name, at: error.offset, error.message)
        }
    case .json: request = try readJSON(bytes, name)
    }
    var translator = OTLPTranslator()
    translator.translate(request)
    let outcome = translator.outcome
    guard outcome.request.series.count <= limits.seriesCountMax,
        outcome.request.sampleCount + outcome.request.histogramCount <= limits.sampleCountMax
    else {
        throw WireError(
            .tooMuch, name, at: 0,
            "\(outcome.request.series.count) series, \(outcome.request.sampleCount) samples: more than is taken at once"
        )
    }
    return outcome
}

private func readJSON(_ bytes: [UInt8], _ name: String) throws(WireError) -> OTLPRequest {
    let json: JSONValue
    do {
        json = try JSONValue(parsing: bytes)
    } catch {
        throw WireError(.syntax, name, at: error.byteOffset, error.reason)
    }
    do {
        return try readOTLPRequest(json)
    } catch {
        throw WireError(.meaning, name, at: 0, error.reason)
    }
}

/// The body of the answer 200: an `ExportMetricsServiceResponse`, which says how many data points were refused and why.
public func writeOTLPResponse(_ outcome: OTLPOutcome, _ encoding: OTLPEncoding) -> [UInt8] {
    let reason = outcome.reasons.joined(separator: "; ")
    let isWhole = outcome.rejectedCount == 0 && reason.isEmpty
    switch encoding {
    case .protobuf:
        var message = ProtobufWriter()
        if !isWhole {
            message.message(1) {
                $0.signed(1, Int64(outcome.rejectedCount))
                $0.text(2, reason)
            }
        }
        return message.bytes
    case .json:
        guard !isWhole else { return Array("{}".utf8) }
        let json: JSONValue = [
            "partialSuccess": [
                "rejectedDataPoints": .string(String(outcome.rejectedCount)), "errorMessage": .string(reason),
            ]
        ]
        return Array(json.canonicalText.utf8)
    }
}
