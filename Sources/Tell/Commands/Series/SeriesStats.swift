import ArgumentParser
import JSONCoding
import Texts
import TimeSeriesStore
import Units
import WebAPI

extension SeriesCommand {
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats",
            abstract: "Say how much is stored, and which metrics, labels and targets have the most series.",
            discussion: """
                The series are those in memory. Where none is, as in a folder without a daemon whose samples are all in blocks, they are \
                those of the newest block. While the daemon runs, also how often it refused a series because of a limit, and of \
                which metrics and targets.
                """)
        @Option(name: .long, parsing: .unconditional, help: "How many of each kind are named, 1 to 1000.") var limit =
            10
        @OptionGroup var folder: FolderOptions

        func validate() throws { try OptionValue.count(limit, "--limit", in: 1...1000) }

        func run() async throws {
            var block: Range<Timestamp>?
            try await folder.withStore { store in
                var overview = SeriesOverview(store, limit: limit, hasLimits: false)
                if overview.seriesCount == 0, let newest = try store.newestBlockCardinality(limit: limit) {
                    overview.name(newest.report)
                    block = newest.span
                }
                return overview
            } daemon: { daemon in
                try await daemon.get("\(APIPath.series)?limit=\(limit)", as: SeriesOverview.self)
            } show: { overview in
                show(overview, ofBlock: block)
            }
        }

        /// - Parameter block: the span of the block whose series are named; nil for those in memory.
        private func show(_ overview: SeriesOverview, ofBlock block: Range<Timestamp>?) {
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
            if let block {
                let (start, end) = (block.lowerBound.rfc3339, block.upperBound.rfc3339)
                members["series_of_block"] = ["start": .string(start), "end": .string(end)]
                lines += ["", t(.seriesOfBlock, ["start": start, "end": end])]
            }
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
