import BinaryCoding
import Series
import Units

// What stands in a segment of the queue (`docs/formats/remote-queue.md`):
//
//     segment   = magic "JRQ1" · record …
//     record    = length (4) · CRC32C of the payload (4) · payload
//     payload   = kind (1) · …
//       series    = count · { id · label count · { name · value } }
//       block     = time · run count · { first id · length } · value (8) …
//       rows      = count · { id · time · 0 · value (8)  |  id · time · 1 · histogram }
//       exemplars = count · { id · label count · { name · value } · value (8) · has time · time }
//
// Ids are those of the segment alone: a segment says what it needs to be read, so that any can be the first. Numbers without a size
// are LEB128, times zigzag.

/// A place in the queue.
struct QueuePosition: Sendable, Hashable, Comparable {
    var segment: Int
    var offset: Int64

    static func < (left: QueuePosition, right: QueuePosition) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }
}

enum QueueFormat {
    static let magic = Array("JRQ1".utf8)
    static let recordHeadByteCount = 8
    /// A scrape of a hundred thousand samples is less than a megabyte.
    static let recordByteCountMax = 64 << 20

    enum Kind: UInt8 {
        case series = 1
        case block = 2
        case rows = 3
        case exemplars = 4
    }

    static func record(_ payload: ByteWriter) -> [UInt8] {
        var record = ByteWriter(reserving: payload.count + recordHeadByteCount)
        record.fixed(UInt32(payload.count))
        record.fixed(Checksum.of(payload.bytes))
        record.raw(payload.bytes)
        return record.bytes
    }

    static func series(_ definitions: [(id: UInt32, labels: Labels)]) -> [UInt8] {
        var payload = ByteWriter()
        payload.byte(Kind.series.rawValue)
        payload.varint(definitions.count)
        for definition in definitions {
            payload.varint(Int(definition.id))
            write(definition.labels, to: &payload)
        }
        return record(payload)
    }

    static func block(_ ids: [UInt32], _ values: [Double], at time: Int64) -> [UInt8] {
        var payload = ByteWriter(reserving: values.count * 8 + 64)
        payload.byte(Kind.block.rawValue)
        payload.zigzag(time)
        var runs: [(first: UInt32, length: Int)] = []
        for id in ids {
            if let last = runs.last, last.first &+ UInt32(last.length) == id {
                runs[runs.count - 1].length += 1
            } else {
                runs.append((id, 1))
            }
        }
        payload.varint(runs.count)
        for run in runs {
            payload.varint(Int(run.first))
            payload.varint(run.length)
        }
        for value in values { payload.double(value) }
        return record(payload)
    }

    static func rows(_ rows: [(id: UInt32, row: SampleBatch.Row)], at time: Timestamp) -> [UInt8] {
        var payload = ByteWriter()
        payload.byte(Kind.rows.rawValue)
        payload.varint(rows.count)
        for (id, row) in rows {
            payload.varint(Int(id))
            payload.zigzag((row.timestamp ?? time).millisecondsSinceEpoch)
            if let histogram = row.histogram {
                payload.byte(1)
                write(histogram, to: &payload)
            } else {
                payload.byte(0)
                payload.double(row.value)
            }
        }
        return record(payload)
    }

    static func exemplars(_ exemplars: [(id: UInt32, exemplar: Exemplar)]) -> [UInt8] {
        var payload = ByteWriter()
        payload.byte(Kind.exemplars.rawValue)
        payload.varint(exemplars.count)
        for (id, exemplar) in exemplars {
            payload.varint(Int(id))
            write(exemplar.labels, to: &payload)
            payload.double(exemplar.value)
            payload.byte(exemplar.timestamp == nil ? 0 : 1)
            payload.zigzag(exemplar.timestamp ?? 0)
        }
        return record(payload)
    }

    private static func write(_ labels: Labels, to payload: inout ByteWriter) {
        payload.varint(labels.pairs.count)
        for pair in labels.pairs {
            payload.text(pair.name)
            payload.text(pair.value)
        }
    }

    private static func write(_ histogram: NativeHistogram, to payload: inout ByteWriter) {
        payload.byte(histogram.resetHint.rawValue)
        payload.zigzag(Int64(histogram.schema))
        for value in [histogram.zeroThreshold, histogram.zeroCount, histogram.count, histogram.sum] {
            payload.double(value)
        }
        for (spans, buckets) in [
            (histogram.positiveSpans, histogram.positiveBuckets), (histogram.negativeSpans, histogram.negativeBuckets),
        ] {
            payload.varint(spans.count)
            for span in spans {
                payload.zigzag(Int64(span.offset))
                payload.varint(Int(span.length))
            }
            payload.varint(buckets.count)
            for bucket in buckets { payload.double(bucket) }
        }
        payload.varint(histogram.customBounds.count)
        for bound in histogram.customBounds { payload.double(bound) }
    }

    static func labels(_ reader: inout ByteReader) throws(CodingError) -> Labels {
        var labels = Labels()
        for _ in 0..<(try reader.count(limit: 10_000)) {
            let name = try reader.text()
            labels[name] = try reader.text()
        }
        return labels
    }

    static func histogram(_ reader: inout ByteReader) throws(CodingError) -> NativeHistogram {
        let hint = NativeHistogram.ResetHint(rawValue: try reader.byte()) ?? .unknown
        var histogram = NativeHistogram(schema: Int8(truncatingIfNeeded: try reader.zigzag()))
        histogram.resetHint = hint
        histogram.zeroThreshold = try reader.double()
        histogram.zeroCount = try reader.double()
        histogram.count = try reader.double()
        histogram.sum = try reader.double()
        (histogram.positiveSpans, histogram.positiveBuckets) = try buckets(&reader)
        (histogram.negativeSpans, histogram.negativeBuckets) = try buckets(&reader)
        for _ in 0..<(try reader.count(limit: 100_000)) { histogram.customBounds.append(try reader.double()) }
        return histogram
    }

    private static func buckets(_ reader: inout ByteReader) throws(CodingError) -> ([NativeHistogram.Span], [Double]) {
        var spans: [NativeHistogram.Span] = []
        for _ in 0..<(try reader.count(limit: 100_000)) {
            let offset = Int32(truncatingIfNeeded: try reader.zigzag())
            spans.append(.init(offset: offset, length: UInt32(truncatingIfNeeded: try reader.varint())))
        }
        var values: [Double] = []
        for _ in 0..<(try reader.count(limit: 1_000_000)) { values.append(try reader.double()) }
        return (spans, values)
    }
}
