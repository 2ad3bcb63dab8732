import JSONCoding
import PromQL
import Scraping
import Series
import Units
import Web
import WebAPI

// What is scraped, as `/api/v1/targets` and `/api/v1/targets/metadata` of the reference say it. Collectors and probes stand there too: who
// looks for what is up wants to see them.
extension LiveSite {
    func targets(state: String, pool: String?) async throws -> String {
        let report = parts.scrapes.report
        let wanted = { (name: String) in pool.map(name.hasSameBytes) ?? true }
        let scraped = report.active.filter { wanted($0.pool) }.map(Self.json)
        let others = try await sources().filter { $0.kind != "scrape" && wanted($0.kind) }.map(Self.json)
        let dropped = report.dropped.filter { wanted($0.pool) }.map { target in
            Self.json(["discoveredLabels": target.discoveredLabels], ["scrapePool": .string(target.pool)])
        }
        // Another word asks for none, as in the reference.
        let active = ["", "any", "active"].contains(state) ? scraped + others : []
        let shownDropped = ["", "any", "dropped"].contains(state) ? dropped : []
        let counts = JSONValue.object(report.droppedCounts.filter { wanted($0.key) }.mapValues { .integer(Int64($0)) })
        return "{\"activeTargets\":[\(active.joined(separator: ","))],"
            + "\"droppedTargetCounts\":\(counts.canonicalText),"
            + "\"droppedTargets\":[\(shownDropped.joined(separator: ","))]}"
    }

    /// An object: labels first, told apart by their bytes, then the members of `rest`.
    private static func json(_ labels: KeyValuePairs<String, Labels>, _ rest: JSONValue) -> String {
        var json = AnswerJSON()
        json.raw("{")
        for (name, labels) in labels {
            json.quoted(name)
            json.raw(":")
            json.labels(labels)
            json.raw(",")
        }
        json.text(String(rest.canonicalText.dropFirst()))
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func json(_ target: TargetStatus) -> String {
        let rest: JSONValue = [
            "scrapePool": .string(target.pool), "scrapeUrl": .string(target.url), "globalUrl": .string(target.url),
            "lastError": .string(target.lastError ?? ""), "lastScrape": .instant(target.lastScrape),
            "lastScrapeDuration": .number(target.lastDuration?.inSeconds ?? 0),
            "health": .string(target.health.rawValue),
            "scrapeInterval": .string(target.interval.prometheusText),
            "scrapeTimeout": .string(target.timeout.prometheusText),
        ]
        return json(["discoveredLabels": target.discoveredLabels, "labels": target.labels], rest)
    }

    private static func json(_ source: SourceStatus) -> String {
        let rest: JSONValue = [
            "scrapePool": .string(source.kind),
            "scrapeUrl": .string(source.address), "globalUrl": .string(source.address),
            "lastError": .string(source.error ?? ""), "lastScrape": .instant(source.lastReadAt),
            "lastScrapeDuration": .number((source.lastDurationMs ?? 0) / 1000),
            "health": .string(source.up.map { $0 ? "up" : "down" } ?? "unknown"),
            "scrapeInterval": .string(Duration.milliseconds(source.intervalMs).prometheusText),
            "scrapeTimeout": .string(Duration.milliseconds(source.deadlineMs).prometheusText),
        ]
        let labels = Labels(source.labels.map { ($0.key, $0.value) })
        return json(["discoveredLabels": [:], "labels": labels], rest)
    }

    func targetMetadata(selector: String?, metric: String?, limit: Int?) async throws -> String {
        let wanted = try matchers(
            selector.map { [$0] } ?? [], mayMatchAnything: true, prefix: "invalid parameter \"match_target\": ")
        let metric = metric.flatMap { $0.isEmpty ? nil : $0 }
        let found = await parts.scrapes.metadata(wanted.first ?? [], metric: metric, limit: limit ?? .max)
        return
            "[\(found.map { Self.entry($0.metadata, of: $0.target, isNamed: metric == nil) }.joined(separator: ","))]"
    }

    /// - Parameter isNamed: whether the metric's name stands in it; who asked for one knows it.
    static func entry(_ metadata: MetricMetadata, of target: Labels, isNamed: Bool) -> String {
        var members: [String: JSONValue] = [
            "type": .string(metadata.type == .untyped ? "unknown" : metadata.type.rawValue),
            "help": .string(metadata.help), "unit": .string(metadata.unit),
        ]
        if isNamed { members["metric"] = .string(metadata.name) }
        return json(["target": target], .object(members))
    }
}
