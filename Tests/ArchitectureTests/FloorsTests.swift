import Foundation
import Testing

/// Goal: the folder list stays the architecture. Method: the import lines of every source file are read and held against the
/// floors that `ARCHITECTURE.md` draws.
@Suite struct FloorsTests {
    /// Lowest first. Targets of floors 3 and above are capabilities, which do not import each other.
    static let floorByFolder = [
        "Values": 0, "Doors": 1, "Engines": 2, "Sense": 3, "Judge": 3, "Act": 3, "Tell": 3, "Demo": 3, "jaga": 5,
    ]
    /// Part of Tell, but on top of its other targets: what the world sees.
    static let upperTell: Set<String> = ["WebAPI", "Web", "Commands"]
    /// Within one floor: vocabulary and shared ground, not capabilities.
    static let mayBeImportedBySiblings: Set<String> = ["WebAPI", "SampleShop", "SampleStack"]

    struct Source {
        let floor: Int
        let target: String
        let path: String
        let imports: Set<String>
        let text: String
    }

    static let sources: [Source] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        let files =
            FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return files.filter { $0.pathExtension == "swift" }.compactMap { file in
            let parts = file.pathComponents.drop { $0 != "Sources" }.dropFirst()
            guard parts.count >= 3, let folder = parts.first, let floor = floorByFolder[folder] else { return nil }
            let target = parts[parts.startIndex + 1]
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            let imports = text.split(separator: "\n").compactMap { line -> String? in
                let words = line.split(separator: " ").filter {
                    !["public", "package", "internal", "@_exported"].contains($0)
                }
                guard words.first == "import", words.count >= 2 else { return nil }
                let module = words[1] == "struct" || words[1] == "class" || words[1] == "func" ? words.last! : words[1]
                return String(module.split(separator: ".")[0])
            }
            let height = upperTell.contains(target) ? 4 : floor
            return Source(
                floor: height, target: target, path: parts.joined(separator: "/"), imports: Set(imports), text: text)
        }
    }()

    static let floorOfTarget = Dictionary(
        sources.map { ($0.target, $0.floor) }, uniquingKeysWith: { first, _ in first })

    @Test func `the sources were found`() {
        #expect(Self.sources.count > 100)
        #expect(Set(Self.sources.map(\.floor)) == [0, 1, 2, 3, 4, 5])
    }

    @Test func `imports point down`() {
        for source in Self.sources {
            for module in source.imports {
                guard let floor = Self.floorOfTarget[module] else { continue }
                #expect(floor <= source.floor, "\(source.path) imports \(module), which stands above it")
            }
        }
    }

    @Test func `capabilities of one floor do not import each other`() {
        for source in Self.sources where source.floor == 3 || source.floor == 4 {
            for module in source.imports where module != source.target && !Self.mayBeImportedBySiblings.contains(module)
            {
                #expect(
                    Self.floorOfTarget[module] != source.floor,
                    "\(source.path) imports \(module), a capability of the same floor; let them meet in Series, Events or a protocol"
                )
            }
        }
    }

    /// One door for each outside package.
    @Test(arguments: [
        ("Yams", ["Settings"]), ("CLibcurl", ["Outbound", "Shims"]), ("CurlShim", ["Outbound"]),
        ("ChecksumShim", ["BinaryCoding"]),
        ("CLibpq", ["PostgresClient"]), ("CHiredis", ["RedisClient"]), ("CZstd", ["Compression"]),
        ("Subprocess", ["Processes"]), ("Hummingbird", ["Web", "SampleShop"]),
        ("ArgumentParser", ["Commands", "Program"]), ("ServiceLifecycle", ["Web", "Daemon", "SampleShop"]),
    ])
    func `an outside package has one door`(package: String, doors: [String]) {
        for source in Self.sources where source.imports.contains(package) {
            #expect(doors.contains(source.target), "\(source.path) imports \(package)")
        }
    }

    @Test func `GRDB appears in the store, the ledger and Storage folders`() {
        for source in Self.sources where source.imports.contains("GRDB") {
            let isAtHome = ["StateStore", "Ledger"].contains(source.target) || source.path.contains("/Storage/")
            #expect(isAtHome, "\(source.path) imports GRDB outside its target's Storage folder")
        }
    }

    @Test func `values and engines do not import Foundation`() {
        for source in Self.sources where source.floor == 0 || source.floor == 2 {
            let found = source.imports.intersection(["Foundation", "FoundationEssentials"])
            // swift-crypto speaks in `Data`, which lives in FoundationEssentials.
            if source.target == "Ledger" && found == ["FoundationEssentials"] { continue }
            #expect(found.isEmpty, "\(source.path) imports \(found)")
        }
    }

    @Test func `the query language does not know the store`() {
        for source in Self.sources where source.target == "PromQL" {
            #expect(!source.imports.contains("TimeSeriesStore"), "\(source.path)")
        }
    }

    @Test func `no source leaves work for later or speaks of its workshop`() {
        let banned = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "fatal" + "Error(\"", "Task." + "detached"]
        for source in Self.sources {
            for word in banned { #expect(!source.text.contains(word), "\(source.path) holds \(word)") }
        }
    }
}
