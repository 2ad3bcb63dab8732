import TimeSeriesStore
import Diagnostics
import PromQL
import Series
import Units
import WebAPI

extension LiveSite {
    func query(_ expression: String, at time: Timestamp?, timeLimit: Duration) async throws -> QueryAnswer {
        try await answering {
            try await parts.engine(timeLimit: timeLimit).instant(expression, at: time ?? parts.clock.now)
        }
    }

    func queryRange(
        _ expression: String, from start: Timestamp, through end: Timestamp, step: Duration, timeLimit: Duration
    ) async throws -> QueryAnswer {
        try await answering {
            try await parts.engine(timeLimit: timeLimit).range(expression, from: start, through: end, step: step)
        }
    }

    func series(_ filter: SeriesFilter) async throws -> [Labels] {
        // The reference names the parameter here, and not where labels are asked for.
        let wanted = filter.selectors.isEmpty ? [[]] : try matchers(filter.selectors)
        let limit = filter.limit ?? .max
        let found = try await refusing {
            try await readingSeries {
                try await parts.labelSets(wanted, from: filter.from, through: filter.through, limit: limit)
            }
        }
        return Array(found.prefix(limit))
    }

    func labelNames(_ filter: SeriesFilter) async throws -> [String] {
        try await united(filter) { matchers in
            try await parts.reading.labelNames(matchers, from: filter.from, through: filter.through)
        }
    }

    func labelValues(_ name: String, _ filter: SeriesFilter) async throws -> [String] {
        try await united(filter) { matchers in
            try await parts.reading.labelValues(name, matchers, from: filter.from, through: filter.through)
        }
    }

    func lacks(_ filter: SeriesFilter) -> [String] {
        filter.from <= filter.through ? lacks([filter.from...filter.through]) : []
    }

    /// The texts of all selectors, sorted, as many as are asked for.
    private func united(
        _ filter: SeriesFilter, _ texts: @Sendable ([LabelMatcher]) async throws -> [String]
    ) async throws -> [String] {
        let wanted = try selectors(filter)
        let limit = filter.limit ?? .max
        return try await refusing {
            try await readingSeries {
                // Sorted as they are: of a million texts a second sorting would be felt.
                if wanted.count == 1 { return Array(try await texts(wanted[0]).prefix(limit)) }
                var found: Set<ByteText> = []
                for matchers in wanted { found.formUnion(try await texts(matchers).lazy.map(ByteText.init)) }
                return found.sorted().prefix(limit).map(\.text)
            }
        }
    }

    func metricMetadata() async throws -> MetadataByName {
        try await refusing { try await readingSeries { try await parts.reading.metadata() } }
    }

    /// Lets a failure to read say the same wherever series are read, as a query has it.
    func readingSeries<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as TooManySamples {
            throw error
        } catch let error where !(error is CancellationError || error is MemoryRefusal) {
            throw PromQL.QueryFault(reading: error)
        }
    }

    /// The matchers of each selector; one empty list where none is given.
    private func selectors(_ filter: SeriesFilter) throws -> [[LabelMatcher]] {
        filter.selectors.isEmpty ? [[]] : try matchers(filter.selectors, prefix: "")
    }

    private func answering(_ body: () async throws -> PromQL.QueryResult) async throws -> QueryAnswer {
        do {
            let result = try await body()
            return QueryAnswer(converted(result.value), warnings: result.warnings + lacks(result.spansRead))
        } catch let fault as PromQL.QueryFault {
            switch fault.code {
            case .parse, .tooManySteps: throw WebAPI.QueryFault(.badData, fault.summary)
            case .execution, .tooManySamples: throw WebAPI.QueryFault(.execution, fault.summary)
            case .noMemoryNow: throw WebAPI.QueryFault(.unavailable, fault.summary)
            case .timedOut: throw WebAPI.QueryFault(.timeout, fault.summary)
            case .storage: throw WebAPI.QueryFault(.internal, fault.oneLine)
            }
        } catch is CancellationError {
            throw WebAPI.QueryFault(.canceled, "the query was cancelled")
        }
    }

    private func converted(_ value: PromQL.QueryResult.Value) -> WebAPI.QueryResult {
        switch value {
        case .scalar(let number, let at): .scalar(number, at: at)
        case .string(let text, let at): .string(text, at: at)
        case .vector(let samples):
            .vector(
                samples.map {
                    .init(
                        labels: $0.labels, at: $0.timestamp, value: $0.value,
                        histogram: $0.histogram.map { histogramText($0) })
                })
        case .matrix(let series):
            .matrix(series.map(Self.columns))
        }
    }

    /// Numbers and native histograms apart.
    private static func columns(_ series: SeriesColumns) -> WebAPI.QueryResult.Columns {
        let isHistogram = Set(series.histograms.map(\.index))
        let numbers = series.times.indices.filter { !isHistogram.contains($0) }
        var columns = WebAPI.QueryResult.Columns(
            labels: series.labels, times: numbers.map { series.times[$0] },
            values: numbers.map { series.values[$0] })
        columns.histograms = series.histograms.map {
            .init(time: series.times[$0.index], text: histogramText($0.histogram), count: $0.histogram.count)
        }
        return columns
    }
}

/// The labels as a plain dictionary, for the API.
func dictionary(_ labels: Labels) -> [String: String] {
    // Names that Unicode takes for the same one are different ones to the store.
    Dictionary(labels.pairs.map { ($0.name, $0.value) }) { first, _ in first }
}

/// A native histogram in one line, for people.
func histogramText(_ histogram: NativeHistogram) -> String {
    "{count:\(PrometheusJSON.text(histogram.count)), sum:\(PrometheusJSON.text(histogram.sum))}"
}
