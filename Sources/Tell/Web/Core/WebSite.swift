public import Access
public import Logging
public import Texts
public import Units

/// How the pages and the API are served.
public struct WebOptions: Sendable, Hashable {
    /// Where set-up unpacked `uplot.iife.min.js` and `uPlot.min.css`; nil or absent files: charts are the server's own SVG.
    public var assetsFolder: String?
    public var language: Language
    /// A page or an API answer that takes longer is given up.
    public var timeLimit: Duration
    /// The same for questions to the samples.
    public var queryTimeLimit: Duration
    /// Largest request body. Our largest form is a password.
    public var bodyBytesMax: Int
    /// Largest request body of a caller who is not known yet: a login form with room to spare.
    public var strangerBodyBytesMax: Int
    /// Pages that listen for changes at the same time, all together and of one session or token.
    public var liveClientsMax: Int
    public var liveClientsPerCallerMax: Int
    /// How often a page that listens gets a sign of life, and its session is looked at again.
    public var signOfLife: Duration
    /// The names besides `localhost` and addresses to which the site answers; nil: to any. A name that is not among them gets
    /// status 421, unless a trusted proxy sends it.
    public var hostNames: Set<String>?

    public init(
        assetsFolder: String? = nil, language: Language = .english, timeLimit: Duration = .seconds(30),
        queryTimeLimit: Duration = .seconds(120), bodyBytesMax: Int = 256 * 1024, strangerBodyBytesMax: Int = 16 * 1024,
        liveClientsMax: Int = 64,
        liveClientsPerCallerMax: Int = 16, signOfLife: Duration = .seconds(15), hostNames: Set<String>? = nil
    ) {
        self.assetsFolder = assetsFolder
        self.language = language
        self.timeLimit = timeLimit
        self.queryTimeLimit = max(timeLimit, queryTimeLimit)
        self.bodyBytesMax = bodyBytesMax
        self.strangerBodyBytesMax = strangerBodyBytesMax
        self.liveClientsMax = liveClientsMax
        self.liveClientsPerCallerMax = liveClientsPerCallerMax
        self.signOfLife = signOfLife
        self.hostNames = hostNames
    }

    /// The names for a site that listens at `host`: where only this machine can connect, those of `publicURL`; elsewhere any,
    /// since nobody but its owner knows by which names a machine can be reached.
    public static func hostNames(listeningAt host: String, publicURL: String) -> Set<String>? {
        guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else { return nil }
        return Set([HostName(url: publicURL)?.name].compactMap { $0 })
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
    let feeds: LiveFeeds

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
        feeds = LiveFeeds(totalMax: options.liveClientsMax, perCallerMax: options.liveClientsPerCallerMax)
    }

    /// Every address there is.
    static let allRoutes: [Route] =
        openRoutes + pageRoutes + actionRoutes + accountRoutes + prometheusRoutes + apiRoutes + apiActionRoutes
        + apiAccountRoutes
}
