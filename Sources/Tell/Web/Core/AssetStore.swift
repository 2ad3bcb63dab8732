import FoundationEssentials

/// The files that pages need: our style sheet and script, which are part of the program, and uPlot's, which set-up unpacks.
struct AssetStore: Sendable {
    struct Asset: Sendable {
        let bytes: [UInt8]
        let type: String
        /// In quotation marks, as the header wants it.
        let tag: String

        init(_ bytes: [UInt8], type: String) {
            self.bytes = bytes
            self.type = type
            // FNV-1a tells versions of our own files apart; nobody gains by finding two that collide.
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            tag = "\"\(String(hash, radix: 16))\""
        }
    }

    /// By name, as in `/assets/app.css`.
    let assets: [String: Asset]

    /// Whether charts can be drawn by the browser.
    var hasChartLibrary: Bool { assets["uplot.js"] != nil && assets["uplot.css"] != nil }

    /// Changes whenever one of the files does, for addresses that may be kept for ever.
    let version: String

    /// - Parameter folder: absent files are simply not offered.
    init(folder: String?) {
        var assets = [
            "app.css": Asset(PackageResources.app_css, type: "text/css; charset=utf-8"),
            "app.js": Asset(PackageResources.app_js, type: "text/javascript; charset=utf-8"),
            "icon.svg": Asset(Array(Self.icon.utf8), type: "image/svg+xml"),
        ]
        if let folder {
            // Set-up may keep the names of uPlot itself or of the package that carries it.
            let wanted = [
                ("uplot.js", ["uplot.iife.min.js", "uPlot.iife.min.js"], "text/javascript; charset=utf-8"),
                ("uplot.css", ["uPlot.min.css", "uplot.min.css"], "text/css; charset=utf-8"),
            ]
            for (name, files, type) in wanted {
                // Absent or unreadable: charts are drawn by the server, which needs no library.
                let found = files.lazy.compactMap { try? Data(contentsOf: URL(filePath: "\(folder)/\($0)")) }.first
                if let found { assets[name] = Asset(Array(found), type: type) }
            }
        }
        self.assets = assets
        let tags = assets.sorted { $0.key < $1.key }.map(\.value.tag).joined()
        version = String(Asset(Array(tags.utf8), type: "").tag.dropFirst().dropLast())
    }

    /// An eye in a shield: Jaga keeps watch.
    private static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 2l12 4v9c0 8-5 13-12 15C9 28 4 23 4 15V6z" \
        fill="#1f6feb"/><path d="M7 15c5-6 13-6 18 0-5 6-13 6-18 0z" fill="#fff"/><circle cx="16" cy="15" r="3.2" \
        fill="#1f6feb"/></svg>
        """
}
