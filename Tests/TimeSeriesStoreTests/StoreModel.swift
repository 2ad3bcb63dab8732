import DurableFiles
import Series
import Units

@testable import TimeSeriesStore

/// The store as plain arrays: what it must answer.
struct StoreModel {
    struct Sample: Equatable {
        var time: Int64
        var bits: UInt64
    }

    private(set) var series: [Labels: [Sample]] = [:]
    /// Older samples are refused, since their span is in a block.
    var minimumTime = Int64.min

    mutating func append(_ batch: SampleBatch) -> AppendOutcome {
        var outcome = AppendOutcome()
        for row in batch.rows {
            let time = (row.timestamp ?? batch.timestamp).millisecondsSinceEpoch
            let last = series[row.labels]?.last
            if time < minimumTime || time < last?.time ?? .min {
                outcome.outOfOrder += 1
            } else if time == last?.time {
                if last?.bits != row.value.bitPattern { outcome.duplicate += 1 }
            } else {
                series[row.labels, default: []].append(Sample(time: time, bits: row.value.bitPattern))
                outcome.stored += 1
            }
        }
        return outcome
    }

    mutating func drop(before time: Int64) {
        series = series.mapValues { $0.filter { $0.time >= time } }.filter { !$0.value.isEmpty }
    }

    func select(_ matchers: [LabelMatcher], _ range: ClosedRange<Int64>) -> [Labels: [Sample]] {
        series.filter { entry in matchers.allSatisfy { $0.matches(entry.key) } }
            .mapValues { $0.filter { range.contains($0.time) } }
            .filter { !$0.value.isEmpty }
    }
}

extension SeriesReading {
    /// The answer as the model gives it.
    func samples(_ matchers: [LabelMatcher] = [], _ range: ClosedRange<Int64> = Int64.min...Int64.max) async throws
        -> [Labels: [StoreModel.Sample]]
    {
        let columns = try await select(
            matchers, from: Timestamp(millisecondsSinceEpoch: range.lowerBound),
            through: Timestamp(millisecondsSinceEpoch: range.upperBound))
        return Dictionary(
            // The store's own word of itself is not in the model.
            uniqueKeysWithValues: columns.filter {
                !["jaga_series_writable", "jaga_series_disk_full"].contains($0.labels.name)
            }.map { column in
                (
                    column.labels,
                    zip(column.times, column.values).map { StoreModel.Sample(time: $0, bits: $1.bitPattern) }
                )
            })
    }
}

let hour: Int64 = 3_600_000
/// A multiple of two hours, so that spans begin with it.
let epoch: Int64 = 1_800_000_000_000 / (2 * hour) * (2 * hour)

func at(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }

func batch(_ milliseconds: Int64, _ rows: [(Labels, Double)]) -> SampleBatch {
    var batch = SampleBatch(at: at(milliseconds))
    batch.rows = rows.map { SampleBatch.Row(labels: $0.0, value: $0.1) }
    return batch
}

func openStore(
    _ files: any FileSystem, _ settings: StoreSettings = StoreSettings(), segmentByteCountMax: Int64 = 8 << 20
) throws -> TimeSeriesStore {
    try TimeSeriesStore.open(
        folder: "/data/series", files: files, settings: settings, selfLabels: Labels(),
        segmentByteCountMax: segmentByteCountMax)
}

extension AppendOutcome {
    /// Without which samples they were.
    var counts: AppendOutcome {
        var counts = self
        counts.leftOut = []
        return counts
    }
}
