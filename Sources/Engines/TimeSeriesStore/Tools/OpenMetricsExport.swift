public import Series
import Synchronization
public import Units

// Text that `promtool tsdb create-blocks-from openmetrics`, `jaga series import` and every other reader of OpenMetrics takes: all samples of
// a series one after the other, the series of a metric together, times in seconds. Types are left out: they would rename counters whose
// names do not end as the format demands. Stale markers and native histograms have no text and are left out, counted.

/// How many samples were written, and how many have no text.
public struct ExportOutcome: Sendable, Hashable {
    public var written = 0
    /// Native histograms, for which OpenMetrics 1.0 has no form.
    public var histograms = 0
    public var staleMarkers = 0
}

extension TimeSeriesStore {
    /// Gives the samples of the series that satisfy all matchers, from `start` to `end`, both included, as OpenMetrics text. Blocks.
    /// Chunks that are damaged are left out; they are in `health.problems` afterwards.
    /// - Parameter write: called with pieces of about 64 KiB.
    /// - Throws: `StoreError`, or what `write` throws.
    public func exportOpenMetrics(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, _ write: ([UInt8]) throws -> Void
    ) throws -> ExportOutcome {
        try notingDamage { try export(matchers, from: start, through: end, write) }
    }

    private func export(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, _ write: ([UInt8]) throws -> Void
    ) throws -> ExportOutcome {
        let (gatherer, tombstones) = try gatherer(matchers, TimeRange(start, end))
        var outcome = ExportOutcome()
        var text: [UInt8] = []
        // A metric's series must stand together, also where a label sorts before the name.
        let ordered = gatherer.ordered().map { (slot: $0.slot, labels: $0.labels, name: $0.labels.name) }
        let byName = Dictionary(grouping: ordered, by: \.name).sorted { precedes($0.key, $1.key) }
        for (_, group) in byName {
            for entry in group {
                let found = try readableSamples(of: entry.slot, gatherer)
                var samples = BlockSamples(times: found.times, values: found.values, histograms: found.histograms)
                samples.remove(tombstones.filter { $0.matches(entry.labels) })
                let histograms = Set(samples.histograms.map(\.index))
                let series = Self.openMetricsName(entry.labels)
                for index in samples.times.indices {
                    if histograms.contains(index) {
                        outcome.histograms += 1
                        continue
                    }
                    if samples.values[index].isStaleMarker {
                        outcome.staleMarkers += 1
                        continue
                    }
                    outcome.written += 1
                    text +=
                        "\(series) \(Self.number(samples.values[index])) \(Self.seconds(samples.times[index]))\n".utf8
                    if text.count > 64 << 10 {
                        try write(text)
                        text.removeAll(keepingCapacity: true)
                    }
                }
            }
        }
        text += "# EOF\n".utf8
        try write(text)
        return outcome
    }

    /// The samples of a slot without those that are damaged, which is noted.
    private func readableSamples(of slot: Int, _ gatherer: SampleGatherer) throws(StoreError) -> GatheredSamples {
        do throws(StoreError) {
            return try gatherer.samples(of: slot)
        } catch {
            guard StoreProblem(of: error) != nil else { throw error }
            noteDamage(error)
            gatherer.keepReadablePieces(of: slot)
            return try gatherer.samples(of: slot)
        }
    }

    /// `name{a="b"}`; names that are no words stand in quotes, as Prometheus 3 reads them.
    private static func openMetricsName(_ labels: Labels) -> String {
        func isWord(_ text: String, colons: Bool) -> Bool {
            !text.isEmpty && !text.utf8.first!.isDigit
                && text.utf8.allSatisfy { $0.isWordByte || colons && $0 == UInt8(ascii: ":") }
        }
        var parts: [String] = []
        let name = labels.name
        let isPlain = isWord(name, colons: true)
        if !isPlain, !name.isEmpty { parts.append("\"\(Labels.escaped(name))\"") }
        for pair in labels.pairs where pair.name != Labels.metricName {
            let key = isWord(pair.name, colons: false) ? pair.name : "\"\(Labels.escaped(pair.name))\""
            parts.append("\(key)=\"\(Labels.escaped(pair.value))\"")
        }
        return (isPlain ? name : "") + (parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    /// Milliseconds as seconds, without a double in between.
    private static func seconds(_ time: Int64) -> String {
        let magnitude = time.magnitude
        let rest = String(magnitude % 1000)
        let fraction = rest == "0" ? "" : "." + String(repeating: "0", count: 3 - rest.count) + rest
        return (time < 0 ? "-" : "") + "\(magnitude / 1000)\(fraction)"
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    fileprivate var isWordByte: Bool {
        isDigit || self == UInt8(ascii: "_") || self >= UInt8(ascii: "a") && self <= UInt8(ascii: "z")
            || self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z")
    }
}
