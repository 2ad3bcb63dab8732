public import Access
public import Logging
public import Texts
public import Units

import Synchronization

/// How the pages and the API are served.
public struct WebOptions: Sendable, Hashable {
    /// Where set-up unpacked `uplot.iife.min.js` and `uPlot.min.css`; nil or absent files: charts are the server's own SVG.
    public var assetsFolder: String?
    public var language: Language
    /// A page or an API answer that takes longer is given up.
    public var timeLimit: Duration
    /// Largest request body. Our largest form is a password.
    public var bodyBytesMax: Int
    /// Pages that listen for changes at the same time.
    public var liveClientsMax: Int

    public init(
        assetsFolder: String? = nil, language: Language = .english, timeLimit: Duration = .seconds(30),
        bodyBytesMax: Int = 256 * 1024, liveClientsMax: Int = 64
    ) {
        self.assetsFolder = assetsFolder
        self.language = language
        self.timeLimit = timeLimit
        self.bodyBytesMax = bodyBytesMax
        self.liveClientsMax = liveClientsMax
    }
}

/// All pages and the whole API, over a `SiteService`. `respond(to:)` is everything; `WebServer` puts it on a socket.
public final class WebSite: Sendable {
    let service: any SiteService
    let access: AccessControl
    let clock: any WallClock
    let options: WebOptions
    let logger: Logger
    let phrases: Phrases<WebText>
    let table: RouteTable
    let assets: AssetStore
    let liveClients = Mutex(0)

    public init(
        service: any SiteService, access: AccessControl, clock: any WallClock, options: WebOptions, logger: Logger
    ) {
        self.service = service
        self.access = access
        self.clock = clock
        self.options = options
        self.logger = logger
        phrases = Phrases(options.language)
        table = RouteTable(routes: Self.allRoutes)
        assets = AssetStore(folder: options.assetsFolder)
    }

    /// Every address there is.
    static let allRoutes: [Route] =
        openRoutes + pageRoutes + actionRoutes + accountRoutes + prometheusRoutes + apiRoutes + apiActionRoutes
        + apiAccountRoutes
}
