import JSONCoding
import Logging
import PromQL
import Settings
import Synchronization
import TimeSeriesStore
import Units
import Web
import WebAPI

extension LiveSite {
    /// What the reference sets by options of its command line, under its names and as it runs here, as far as it has a meaning here.
    /// Viewers see it, so that nothing of the configuration is here but what is named: all of it, with whom it is sent to and by
    /// which parameters targets are asked, is for `status/config`.
    var flags: JSONValue {
        let started = parts.started.settings
        let queries = parts.loaded.withLock { $0.settings.queries }
        let limits = queries.limits(timeLimit: queries.timeout)
        let store = started.series.store
        let level = parts.logger.logLevel
        let flags: KeyValuePairs<String, String> = [
            "config.file": parts.started.file ?? "",
            "enable-feature": started.queryOptions.enabledFlags.joined(separator: ","),
            "log.level": level == .warning ? "warn" : level.rawValue,
            "query.lookback-delta": started.queryOptions.lookback.prometheusText,
            "query.max-samples": String(limits.samplesMax),
            "query.timeout": queries.timeout.prometheusText,
            "storage.tsdb.min-block-duration": store.blockSpan.prometheusText,
            "storage.tsdb.path": "\(parts.dataFolder)/series",
            "storage.tsdb.retention.size": "\(store.retentionSize.bytes)B",
            "storage.tsdb.retention.time": store.retention.prometheusText,
            "web.enable-admin-api": "true",
            "web.enable-lifecycle": "false",
            "web.enable-remote-write-receiver": "true",
            "web.external-url": parts.loaded.withLock { $0.settings.web.publicURL },
            "web.listen-address": parts.valuesInForce.first { $0.value.path == "web.listen" }?.value.text ?? "",
            "web.route-prefix": "/",
        ]
        return .object(Dictionary(uniqueKeysWithValues: flags.map { ($0.key, .string($0.value)) }))
    }
}
