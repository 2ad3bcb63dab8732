import ArgumentParser
import JSONCoding
import Texts
import Units
import WebAPI

extension SeriesCommand {
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats",
            abstract: "Say how much is stored, and which metrics, labels and targets have the most series.",
            discussion: """
                While the daemon runs, also how often it refused a series because of a limit, and of which metrics and targets.
                """)
        @Option(name: .long, parsing: .unconditional, help: "How many of each kind are named, 1 to 1000.") var limit =
            10
        @OptionGroup var folder: FolderOptions

        func validate() throws { try OptionValue.count(limit, "--limit", in: 1...1000) }

        func run() async throws {
            try await folder.withStore { store in
                SeriesOverview(store, limit: limit, hasLimits: false)
            } daemon: { daemon in
                try await daemon.get("\(APIPath.series)?limit=\(limit)", as: SeriesOverview.self)
            } show: { overview in
                show(overview)
            }
        }

        private func show(_ overview: SeriesOverview) {
            let t = Console.current.phrases
            let groups: [(String, String, [SeriesOverview.Entry])] = [
                ("refused_metrics", t[.seriesRefusedByMetric], overview.refusedMetrics),
                ("refused_targets", t[.seriesRefusedByTarget], overview.refusedTargets),
                ("metrics", t[.seriesByMetric], overview.metrics),
                ("targets", t[.seriesByTarget], overview.targets),
                ("jobs", t[.seriesByJob], overview.jobs),
                ("label_pairs", t[.seriesByPair], overview.labelPairs),
                ("label_names", t[.seriesValuesByLabel], overview.labelNames),
                ("label_bytes", t[.seriesBytesByLabel], overview.labelBytes),
            ]
            var members = Self.figures(overview)
            var lines = Self.lines(overview, t)
            for (key, title, entries) in groups {
                members[key] = .array(
                    entries.map { ["name": .string($0.name), "count": .integer(Int64($0.count))] })
                guard !entries.isEmpty else { continue }
                lines += ["", title] + entries.map { "  \($0.count)  \($0.title)" }
            }
            folder.show(.object(members), lines)
        }

        private static func figures(_ overview: SeriesOverview) -> [String: JSONValue] {
            var limits: [String: JSONValue] = [:]
            for (name, most) in [
                ("series", overview.limits.series), ("per_metric", overview.limits.perMetric),
                ("per_target", overview.limits.perTarget),
            ] {
                if let most { limits[name] = .integer(Int64(most)) }
            }
            return [
                "series_in_memory": .integer(Int64(overview.seriesCount)),
                "samples_in_memory": .integer(Int64(overview.memorySamples)),
                "blocks": .integer(Int64(overview.blocks)), "block_samples": .integer(overview.blockSamples),
                "block_bytes": .integer(overview.blockBytes), "log_bytes": .integer(overview.logBytes),
                "limits": .object(limits), "refusals": .integer(overview.refusals),
            ]
        }

        private static func lines(_ overview: SeriesOverview, _ t: Phrases<CommandText>) -> [String] {
            var lines = [
                t(
                    .seriesInMemory,
                    [
                        "series": overview.seriesCount, "samples": overview.memorySamples,
                        "log": ByteCount(overview.logBytes).text,
                    ]),
                t(
                    .seriesInBlocks,
                    [
                        "samples": overview.blockSamples, "blocks": overview.blocks,
                        "size": ByteCount(overview.blockBytes).text,
                    ]),
            ]
            let limits = overview.limits
            if limits.series != nil || limits.perMetric != nil || limits.perTarget != nil {
                func most(_ count: Int?) -> String { count.map { "\($0)" } ?? t[.seriesUnlimited] }
                lines.append(
                    t(
                        .seriesLimits,
                        [
                            "series": most(limits.series), "metric": most(limits.perMetric),
                            "target": most(limits.perTarget),
                        ]))
            }
            if overview.refusals > 0 { lines.append(t(.seriesRefused, ["count": overview.refusals])) }
            if let fault = overview.fault { lines.append(fault) }
            return lines
        }
    }
}
