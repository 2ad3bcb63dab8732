import Settings
import Events
import Ledger
import Logging
import Synchronization
import Texts
import Units
import Web
import WebAPI

/// The running site as the pages, the API and the command line see it. Each chapter (`LiveSite+….swift`) puts together what
/// one page needs from the parts; none keeps state of its own.
struct LiveSite: SiteService {
    let parts: SiteParts
    /// The sentences of the site, in its language.
    var t: Phrases<SiteText> { Phrases(parts.language) }

    func changes() async -> AsyncStream<SiteChange> { parts.changes.subscribe() }

    func version() async throws -> VersionInfo {
        VersionInfo(
            version: JagaVersion.number, revision: JagaVersion.revision, swiftVersion: JagaVersion.swift,
            startedAt: parts.startedAt, processID: Int(parts.processID), dataFolder: parts.dataFolder,
            residentBytes: residentBytes(), pagesURL: parts.pagesURL)
    }

    func configuration() async throws -> EffectiveConfiguration {
        let loaded = parts.loaded.withLock { $0 }
        return EffectiveConfiguration(
            file: loaded.file, loadedAt: loaded.loadedAt, sha256: loaded.sha256,
            values: parts.valuesInForce.map {
                .init(
                    path: $0.value.path, value: $0.value.text, origin: "\($0.value.origin)",
                    documentation: $0.value.documentation, afterRestart: $0.afterRestart)
            })
    }
}
