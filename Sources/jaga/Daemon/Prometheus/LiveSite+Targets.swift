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
    func targets(state: String, pool: String?) async throws -> JSONValue {
        let report = parts.scrapes.report
        let wanted = { (name: String) in pool == nil || pool == name }
        let scraped = report.active.filter { wanted($0.pool) }.map(Self.json)
        let others = try await sources().filter { $0.kind != "scrape" && wanted($0.kind) }.map(Self.json)
        let dropped = report.dropped.filter { wanted($0.pool) }.map { target -> JSONValue in
            ["discoveredLabels": .labels(target.discoveredLabels), "scrapePool": .string(target.pool)]
        }
        // Another word asks for none, as in the reference.
        return [
            "activeTargets": .array(["", "any", "active"].contains(state) ? scraped + others : []),
            "droppedTargets": .array(["", "any", "dropped"].contains(state) ? dropped : []),
            "droppedTargetCounts": .object(
                report.droppedCounts.filter { wanted($0.key) }.mapValues { .integer(Int64($0)) }),
        ]
    }

    private static func json(_ target: TargetStatus) -> JSONValue {
        [
            "labels": .labels(target.labels), "discoveredLabels": .labels(target.discoveredLabels),
            "scrapePool": .string(target.pool), "scrapeUrl": .string(target.url), "globalUrl": .string(target.url),
            "lastError": .string(target.lastError ?? ""), "lastScrape": .instant(target.lastScrape),
            "lastScrapeDuration": .number(target.lastDuration?.inSeconds ?? 0),
            "health": .string(target.health.rawValue),
            "scrapeInterval": .string(target.interval.prometheusText),
            "scrapeTimeout": .string(target.timeout.prometheusText),
        ]
    }

    private static func json(_ source: SourceStatus) -> JSONValue {
        [
            "labels": .labels(source.labels), "discoveredLabels": [:], "scrapePool": .string(source.kind),
            "scrapeUrl": .string(source.address), "globalUrl": .string(source.address),
            "lastError": .string(source.error ?? ""), "lastScrape": .instant(source.lastReadAt),
            "lastScrapeDuration": .number((source.lastDurationMs ?? 0) / 1000),
            "health": .string(source.up.map { $0 ? "up" : "down" } ?? "unknown"),
            "scrapeInterval": .string(Duration.milliseconds(source.intervalMs).prometheusText),
            "scrapeTimeout": .string(Duration.milliseconds(source.deadlineMs).prometheusText),
        ]
    }

    func targetMetadata(selector: String?, metric: String?, limit: Int?) async throws -> JSONValue {
        let wanted = try matchers(
            selector.map { [$0] } ?? [], mayMatchAnything: true, prefix: "invalid parameter \"match_target\": ")
        let found = await parts.scrapes.metadata(wanted.first ?? [], metric: metric, limit: limit ?? .max)
        return .array(
            found.map { entry in
                [
                    "target": .labels(entry.target), "metric": .string(entry.metadata.name),
                    "type": .string(entry.metadata.type == .untyped ? "unknown" : entry.metadata.type.rawValue),
                    "help": .string(entry.metadata.help), "unit": .string(entry.metadata.unit),
                ]
            })
    }
}
