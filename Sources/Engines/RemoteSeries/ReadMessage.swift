import Exposition
import Series

// The messages of remote read. They have no specification of their own and stand in the reference's `prompb/remote.proto`:
//
//     ReadRequest   { Query queries = 1; }                Query { start = 1; end = 2; LabelMatcher matchers = 3; }
//     LabelMatcher  { type = 1 (EQ NEQ RE NRE); name = 2; value = 3; }
//     ReadResponse  { QueryResult results = 1; }          QueryResult { TimeSeries timeseries = 1; }
//
// A `QueryResult` has the same bytes as a `WriteRequest` of version 1 without metadata, so the reader of that reads it.
enum ReadMessage {
    static func request(_ matchers: [LabelMatcher], from start: Int64, through end: Int64) -> [UInt8] {
        var query: [UInt8] = []
        query += [0x08] + varint(UInt64(bitPattern: start))
        query += [0x10] + varint(UInt64(bitPattern: end))
        for matcher in matchers {
            var message: [UInt8] = []
            let type: UInt8 =
                switch matcher.op {
                case .equal: 0
                case .notEqual: 1
                case .matches: 2
                case .doesNotMatch: 3
                }
            message += [0x08, type]
            message += [0x12] + varint(UInt64(matcher.name.utf8.count)) + Array(matcher.name.utf8)
            message += [0x1A] + varint(UInt64(matcher.value.utf8.count)) + Array(matcher.value.utf8)
            query += [0x1A] + varint(UInt64(message.count)) + message
        }
        return [0x0A] + varint(UInt64(query.count)) + query
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// The series of all results.
    static func series(_ bytes: [UInt8], byteCountMax: Int) throws -> [SeriesColumns] {
        let limits = WriteLimits(
            byteCountMax: byteCountMax, seriesCountMax: .max, sampleCountMax: .max, labelCountMax: .max)
        var found: [SeriesColumns] = []
        var place = 0
        func number() throws -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while place < bytes.count, shift < 64 {
                let byte = bytes[place]
                place += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw RemoteSeriesError(.unreadable, "the answer ends too early")
        }
        while place < bytes.count {
            guard try number() == 0x0A else {
                throw RemoteSeriesError(.unreadable, "the answer holds something that is no result")
            }
            let length = try number()
            guard length <= UInt64(bytes.count - place) else {
                throw RemoteSeriesError(.unreadable, "the answer ends too early")
            }
            let result = Array(bytes[place..<place + Int(length)])
            place += Int(length)
            found += try parseWriteRequest(result, .v1, limits: limits).series.map(\.columns)
        }
        return found
    }
}
