import Synchronization
import Diagnostics
import Exposition
import JSONCoding
import PromQL
import Series
import TimeSeriesStore
import Units
import Web
import WebAPI

extension LiveSite {
    func answer(_ query: PrometheusQuery) async throws -> PrometheusAnswer {
        FreeHeap.noteQuery()
        return try await refusing {
            do {
                return try await answerNow(query)
            } catch let fault as PromQL.QueryFault where fault.code == .noMemoryNow {
                return try await parts.queryTurns.inTurn { try await answerNow(query) }
            }
        }
    }

    private func answerNow(_ query: PrometheusQuery) async throws -> PrometheusAnswer {
        let engine = parts.engine(timeLimit: query.timeLimit, lookback: query.lookback)
        let result =
            switch query.when {
            case .instant(let time):
                try await engine.instant(query.expression, at: time ?? parts.clock.now)
            case .range(let start, let end, let step):
                try await engine.range(query.expression, from: start, through: end, step: step)
            }
        do {
            return try answer(result, query, warnings: result.warnings + lacks(result.spansRead))
        } catch let refusal as MemoryRefusal {
            throw PromQL.QueryFault(refusal)
        }
    }

    /// What an answer from these spans lacks, a sentence each: an answer that silently lacks samples would pass for a healthy one.
    func lacks(_ spans: [ClosedRange<Timestamp>]) -> [String] {
        guard let store = parts.reading as? TimeSeriesStore else { return [] }
        return store.lostBlocks.filter { block in
            spans.contains { $0.lowerBound < block.span.upperBound && block.span.lowerBound <= $0.upperBound }
        }.map { block in
            """
            samples from \(block.span.lowerBound.rfc3339) to \(block.span.upperBound.rfc3339) may be missing: the block \
            '\(block.setAsideAs ?? block.file)' is damaged and was left out when the store was opened
            """
        }
    }

    /// Makes text of an answer, off the caller's executor, since there may be much of it.
    private func answer(
        _ result: PromQL.QueryResult, _ query: PrometheusQuery, warnings: [String]
    ) throws -> PrometheusAnswer {
        // Of the same share: whether both fit together is known then, whatever others hold.
        let memory = result.memory ?? MemoryShare(of: parts.queryMemory)
        var json = AnswerJSON(memory: memory)
        result.value.write(to: &json, limit: query.limit)
        if query.wantsStatistics {
            json.removeLast()
            Self.writeStatistics(of: result, to: &json)
            json.raw("}")
        }
        var warnings = warnings
        if result.value.exceeds(query.limit) { warnings.append("results truncated due to limit") }
        let pieces = try json.finish()
        memory.keep(pieces.reduce(0) { $0 + $1.count })
        return PrometheusAnswer(pieces, warnings: warnings, infos: result.infos, memory: memory)
    }

    /// What is measured here of what the reference tells: no query waits for its turn, and sorting is a part of the evaluation.
    private static func writeStatistics(of result: PromQL.QueryResult, to json: inout AnswerJSON) {
        let timings = result.timings
        json.raw(",\"stats\":{\"timings\":{\"evalTotalTime\":")
        json.number(inSeconds: timings.preparation + timings.evaluation)
        json.raw(",\"queryPreparationTime\":")
        json.number(inSeconds: timings.preparation)
        json.raw(",\"innerEvalTime\":")
        json.number(inSeconds: timings.evaluation)
        json.raw(",\"execTotalTime\":")
        json.number(inSeconds: timings.total)
        json.raw("},\"samples\":{\"totalQueryableSamples\":")
        json.whole(Int64(result.samplesRead))
        json.raw(",\"peakSamples\":")
        json.whole(Int64(result.samplesCounted))
        json.raw("}}")
    }

    func exemplars(_ expression: String, from start: Timestamp, through end: Timestamp) async throws -> PrometheusAnswer
    {
        try await refusing {
            let selectors = try unnamed { try parsed(expression).selectors.map(\.matchers) }
            let found = try await parts.series.exemplars(selectors, from: start, through: end)
            var json = AnswerJSON()
            let bySeries = Dictionary(grouping: found, by: \.series).sorted { $0.key < $1.key }
            json.list(bySeries) { json, group in
                json.raw("{\"seriesLabels\":")
                json.labels(group.key)
                json.raw(",\"exemplars\":")
                json.list(group.value) { json, exemplar in
                    json.raw("{\"labels\":")
                    json.labels(exemplar.labels)
                    json.raw(",\"value\":")
                    json.value(exemplar.value)
                    json.raw(",\"timestamp\":")
                    json.seconds(exemplar.timestamp ?? 0)
                    json.raw("}")
                }
                json.raw("}")
            }
            return PrometheusAnswer([json.bytes])
        }
    }

    func format(_ expression: String) async throws -> String {
        try await refusing { try parsed(expression).prettyText }
    }

    func parse(_ expression: String) async throws -> JSONValue {
        try await refusing { try parsed(expression).tree }
    }

    /// The reference names no parameter where exemplars are asked for.
    private func unnamed<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let fault as PromQL.QueryFault {
            throw WebAPI.QueryFault(.badData, fault.summary)
        }
    }

    /// Experimental parts of the language are read where the settings allow them, as in queries.
    private func parsed(_ expression: String) throws -> Expression {
        try Expression.parse(expression, features: parts.started.settings.queryOptions.features)
    }

    // MARK: The store

    func deleteSeries(_ selectors: [String], from start: Timestamp, through end: Timestamp) async throws {
        let wanted = try matchers(selectors)
        try await refusing { try await parts.series.delete(wanted, from: start, through: end) }
    }

    func cleanTombstones() async throws { try await refusing { try await parts.series.cleanTombstones() } }

    func snapshot(skipsHead: Bool) async throws -> String {
        guard !skipsHead else {
            throw WebAPI.QueryFault(
                .badData, "invalid parameter \"skip_head\": a snapshot here always holds everything")
        }
        return try await refusing {
            let digits = parts.clock.now.rfc3339.filter { $0.isNumber }
            let name = "\(digits)-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
            try await parts.series.snapshot(to: "\(parts.dataFolder)/series/snapshots/\(name)")
            return name
        }
    }

    /// The conditions of each selector of `match[]`.
    /// - Parameters:
    ///   - mayMatchAnything: also takes one that every series satisfies, such as `{}`.
    ///   - prefix: what a refusal begins with.
    func matchers(
        _ selectors: [String], mayMatchAnything: Bool = false, prefix: String = "invalid parameter \"match[]\": "
    ) throws -> [[LabelMatcher]] {
        try selectors.map { text in
            let matchers: [LabelMatcher]
            do throws(PromQL.QueryFault) {
                matchers = try Expression.parseSelector(text, mayMatchAnything: true)
            } catch {
                throw WebAPI.QueryFault(.badData, prefix + error.summary)
            }
            guard mayMatchAnything || matchers.contains(where: { !$0.matches("") }) else {
                throw WebAPI.QueryFault(.badData, prefix + "match[] must contain at least one non-empty matcher")
            }
            return matchers
        }
    }

    func federate(_ selectors: [String], accept: String?) async throws -> SentMessage {
        let wanted = try matchers(selectors, mayMatchAnything: true, prefix: "")
        let format = ExpositionFormat.preferred(by: accept)
        return try await refusing {
            let now = parts.clock.now
            let memory = MemoryShare(of: parts.queryMemory)
            let bounds = SelectionBounds(isLatestEnough: true, memory: memory)
            var newest: [Labels: SampleBatch.Row] = [:]
            for matchers in wanted {
                let found = try await readingSeries {
                    try await parts.select(matchers, from: now - .seconds(300), through: now, within: bounds)
                }
                for columns in found {
                    newest[columns.labels] = columns.newestRow
                }
            }
            var batch = SampleBatch(at: now)
            batch.rows = newest.values.sorted { $0.labels < $1.labels }
            if format == .protobuf {
                // Each series stands for itself there; only what is a histogram says so.
                for row in batch.rows where row.histogram != nil {
                    batch.metadata[row.labels.name] = MetricMetadata(row.labels.name, .histogram, "")
                }
            } else {
                batch.metadata = try await readingSeries { try await parts.reading.metadata() }
                    .filter { $0.value.type != .untyped }
                    .mapValues { MetricMetadata($0.name, $0.type, "") }
            }
            return SentMessage(
                200, type: format.contentType, body: writeExposition(batch, format), memory: memory)
        }
    }

    // MARK: How the site does

    func status(_ topic: PrometheusStatusTopic, limit: Int) async throws -> JSONValue {
        switch topic {
        case .config: ["yaml": .string(try await effectiveYAML())]
        case .flags: flags
        case .runtimeinfo: runtimeInfo
        case .tsdb: storeStatus(limit: limit)
        case .walreplay:
            // The store is open before the server listens, so that whoever can ask finds the log read.
            ["min": 0, "max": 0, "current": 0, "state": "done"]
        }
    }

    /// The effective settings, a line each, as YAML that reads back: keys with points are paths.
    private func effectiveYAML() async throws -> String {
        try await configuration().values.map { "\($0.path): \(JSONValue.quoted($0.value))\n" }.joined()
    }

    private var runtimeInfo: JSONValue {
        let loaded = parts.loaded.withLock { $0 }
        let series = parts.started.settings.series.store
        let stats = parts.series.stats
        return [
            "startTime": .string(parts.startedAt.rfc3339), "CWD": .string(parts.dataFolder),
            "reloadConfigSuccess": .bool(parts.lastReloadWasRefused.withLock { !$0 }),
            "lastConfigTime": .string(loaded.loadedAt.rfc3339),
            "corruptionCount": .integer(Int64(stats.health.problems.count)),
            "storageRetention": .string(series.retention.prometheusText), "GOMAXPROCS": 0, "GOMEMLIMIT": 0,
            "goroutineCount": 0, "GOGC": "", "GODEBUG": "", "serverTime": .string(parts.clock.now.rfc3339),
            "hostname": .string(parts.hostName),
        ]
    }

    private func storeStatus(limit: Int) -> JSONValue {
        let stats = parts.series.stats
        let report = parts.series.cardinality(limit: limit)
        func list(_ counts: [StoreReport.Entry]) -> JSONValue {
            .array(counts.map { ["name": .string($0.name), "value": .integer(Int64($0.count))] })
        }
        return [
            "headStats": [
                "numSeries": .integer(Int64(stats.seriesCount)),
                "numLabelPairs": .integer(Int64(report.labelPairCount)),
                "chunkCount": .integer(Int64(stats.headChunkCount)),
                "numSamples": .integer(Int64(stats.headSampleCount)),
                "minTime": .integer(
                    stats.oldest.map { max($0, stats.minimumTime).millisecondsSinceEpoch } ?? 0),
                "maxTime": .integer(stats.newest?.millisecondsSinceEpoch ?? 0),
            ],
            "seriesCountByMetricName": list(report.metrics), "labelValueCountByLabelName": list(report.labelNames),
            "memoryInBytesByLabelName": list(report.labelBytes), "seriesCountByLabelValuePair": list(report.labelPairs),
        ]
    }

    // MARK: Refusals

    /// Turns the engine's and the store's failures into those of the API.
    @concurrent
    func refusing<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let fault as PromQL.QueryFault {
            switch fault.code {
            case .parse: throw WebAPI.QueryFault(.badData, "invalid parameter \"query\": \(fault.summary)")
            case .tooManySteps: throw WebAPI.QueryFault(.badData, fault.summary)
            case .execution, .tooManySamples: throw WebAPI.QueryFault(.execution, fault.summary)
            case .noMemoryNow: throw WebAPI.QueryFault(.unavailable, fault.summary)
            case .timedOut: throw WebAPI.QueryFault(.timeout, fault.summary)
            case .storage: throw WebAPI.QueryFault(.internal, fault.oneLine)
            }
        } catch let refusal as MemoryRefusal {
            throw WebAPI.QueryFault(refusal.isAlone ? .execution : .unavailable, "query is refused: \(refusal)")
        } catch is CancellationError {
            throw WebAPI.QueryFault(.canceled, "the query was cancelled")
        } catch let error as StoreError {
            throw WebAPI.QueryFault(error.code == .ingestionStopped ? .unavailable : .internal, error.oneLine)
        }
    }
}

extension JSONValue {
    static func labels(_ labels: [String: String]) -> JSONValue { .object(labels.mapValues { .string($0) }) }
    static func labels(_ labels: Labels) -> JSONValue { .labels(dictionary(labels)) }
    static func instant(_ time: Timestamp?) -> JSONValue { .string(time?.rfc3339 ?? "0001-01-01T00:00:00Z") }
}

extension SeriesColumns {
    /// The last sample with its time; nil where the series ended.
    fileprivate var newestRow: SampleBatch.Row? {
        guard let time = times.last, let value = values.last else { return nil }
        let timestamp = Timestamp(millisecondsSinceEpoch: time)
        if let last = histograms.last, last.index == times.count - 1 {
            return SampleBatch.Row(labels: labels, histogram: last.histogram, timestamp: timestamp)
        }
        return value.isStaleMarker ? nil : SampleBatch.Row(labels: labels, value: value, timestamp: timestamp)
    }
}
