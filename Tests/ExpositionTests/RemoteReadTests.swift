import Exposition
import Series
import Testing
import Units

/// Goal: questions and answers of remote read come through in both forms. Method: round trips over shapes of series, a chunk whose bytes are
/// those of the format's description, damage.
@Suite struct RemoteReadTests {
    static func makeSeries(_ seed: UInt64) -> [SeriesColumns] {
        var random = Random(seed)
        return (0..<5).map { index in
            var time = Int64(random.next(1_000_000)) - 500_000
            var times: [Int64] = []
            var values: [Double] = []
            for _ in 0..<[1, 2, 119, 120, 1000][index] {
                time += [15_000, 15_001, 14_990, 1, 3_000_000, 1 << 40][random.next(6)]
                times.append(time)
                values.append(
                    [
                        1, Double(random.next(10)), Double(bitPattern: random.bits()), staleMarker, -.infinity, 0.1,
                        -0.0,
                    ][random.next(7)])
            }
            return SeriesColumns(labels: Labels("m\(index)", ["a": "é"]), times: times, values: values)
        }
    }

    /// Equal to the bit.
    func isSame(_ left: [[SeriesColumns]], _ right: [[SeriesColumns]]) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { one, other in
                one.map(\.labels) == other.map(\.labels) && one.map(\.times) == other.map(\.times)
                    && one.map { $0.values.map(\.bitPattern) } == other.map { $0.values.map(\.bitPattern) }
            }
    }

    @Test func `a request comes through`() throws {
        let request = ReadRequest(
            queries: [
                ReadQuery(
                    [
                        LabelMatcher("__name__", equals: "up"), try LabelMatcher("a", .matches, "b.*"),
                        try LabelMatcher("c", .notEqual, ""), try LabelMatcher("d", .doesNotMatch, "x|y"),
                    ], from: Timestamp(millisecondsSinceEpoch: -5), through: Timestamp(millisecondsSinceEpoch: 1 << 42))
            ], acceptedTypes: [.streamedChunks, .samples])
        #expect(try parseReadRequest(writeReadRequest(request)) == request)
        #expect(request.responseType == .streamedChunks && ReadRequest(queries: []).responseType == .samples)
        // A matcher of kind 2 with the value "(".
        let bad: [UInt8] = [0x0A, 10, 0x1A, 8, 0x08, 2, 0x12, 1, 0x61, 0x1A, 1, 0x28]
        #expect(throws: WireError.self) { try parseReadRequest(bad) }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `answers come through as samples and as chunks`(seed: UInt64) throws {
        let results = [Self.makeSeries(seed), [], Self.makeSeries(seed + 100)]
        #expect(isSame(try parseReadResponse(writeReadResponse(results)), results))
        let writer = StreamedChunkWriter(frameBytesMax: seed.isMultiple(of: 2) ? 500 : 1 << 20)
        var stream: [UInt8] = []
        for (query, series) in results.enumerated() {
            for columns in series { stream += writer.frames(of: columns, query: query).joined() }
        }
        #expect(isSame(try parseStreamedChunks(stream, queryCount: 3), results), "seed \(seed)")
        for index in stride(from: 0, to: stream.count, by: 97) {
            var damaged = stream
            damaged[index] ^= 1
            #expect(throws: WireError.self) { try parseStreamedChunks(damaged, queryCount: 3) }
        }
        #expect(throws: WireError.self) { try parseStreamedChunks(Array(stream.dropLast()), queryCount: 3) }
        #expect(throws: WireError.self) { try parseStreamedChunks(stream, queryCount: 2) }
    }

    @Test func `a frame is laid out as the protocol says`() throws {
        let columns = SeriesColumns(labels: Labels("a"), times: [1000, 2000, 3000], values: [1, 1, 2])
        let frame = try #require(StreamedChunkWriter().frames(of: columns, query: 0).first)
        #expect(Int(frame[0]) == frame.count - 5)
        // Three samples; 1000 as a zigzag varint; 1.0; 1000 as a varint; "same"; change 0; then 1.0 ^ 2.0 in a window of
        // its own: 11, leading 1, width 10 (0x7FF without its last bit over the fraction), the bits.
        let chunk: [UInt8] = [0, 3, 0xD0, 0x0F, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xE8, 0x07]
        #expect(frame.suffix(from: 0).contains(chunk))
    }
}
