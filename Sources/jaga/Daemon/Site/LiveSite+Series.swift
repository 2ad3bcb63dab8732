import RemoteSeries
import Commands
import Diagnostics
import Outbound
import Synchronization
import WebAPI

extension LiveSite {
    func seriesOverview(limit: Int) async throws -> SeriesOverview {
        let remote = parts.loaded.withLock { $0.settings.series.remote }
        return SeriesOverview(
            parts.series, limit: limit, hasLimits: true,
            readElsewhere: remote.engine == .local ? nil : displayedOrigin(of: Secret(remote.url)))
    }
}
