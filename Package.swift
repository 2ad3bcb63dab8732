// swift-tools-version:6.2
import PackageDescription

// The target list, in the order of the floors, is the map of Jaga: read it from the top and each target only
// uses what stands above it. `ARCHITECTURE.md` says what each one owns.

let everywhere: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

extension Target.Dependency {
    static let argumentParser = Self.product(name: "ArgumentParser", package: "swift-argument-parser")
    static let crypto = Self.product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras = Self.product(name: "CryptoExtras", package: "swift-crypto")
    static let grdb = Self.product(name: "GRDB", package: "GRDB.swift")
    static let hummingbird = Self.product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore = Self.product(name: "HummingbirdCore", package: "hummingbird")
    static let logging = Self.product(name: "Logging", package: "swift-log")
    static let serviceLifecycle = Self.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let subprocess = Self.product(name: "Subprocess", package: "swift-subprocess")
    static let system = Self.product(name: "SystemPackage", package: "swift-system")
    static let yams = Self.product(name: "Yams", package: "Yams")
}

/// A library of floor `floor`: `Sources/<floor>/<name>`.
func library(
    _ name: String, _ floor: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(floor)/\(name)", resources: resources)
}

/// C that makes a C library callable from Swift.
func shim(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Doors/Shims/\(name)")
}

/// A C library of the system, found by pkg-config; nil where the compiler finds it by itself.
func system(_ name: String, pkgConfig: String?, apt: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Doors/Shims/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// - Parameter hasGolden: the folder `Golden/` holds inputs with their expected outputs, which the tests read as files.
func tests(_ name: String, _ dependencies: [Target.Dependency], hasGolden: Bool = false) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
        exclude: hasGolden ? ["Golden"] : [])
}

let values: [Target] = [
    library("Units", "Values"),
    .target(name: "ChecksumShim", path: "Sources/Values/ChecksumShim"),
    library("BinaryCoding", "Values", ["Units", "ChecksumShim"]),
    library("Diagnostics", "Values", ["Units"]),
    library("JSONCoding", "Values", ["Diagnostics"]),
    library("Series", "Values", ["Units"]),
    library("Events", "Values", ["Units", "JSONCoding"]),
    library("Texts", "Values", ["Units"]),
    library("Schedule", "Values", ["Units", "Diagnostics", "Texts"]),
]

let doors: [Target] = [
    system("CLibcurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    system("CLibpq", pkgConfig: "libpq", apt: "libpq-dev"),
    system("CHiredis", pkgConfig: nil, apt: "libhiredis-dev"),
    system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
    system("CSnappy", pkgConfig: nil, apt: "libsnappy-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    shim("CurlShim", ["CLibcurl"]),
    shim("AllocatorShim", []),
    library("BlockingCalls", "Doors", ["Diagnostics"]),
    library("DurableFiles", "Doors", ["Diagnostics", .system]),
    library("Compression", "Doors", ["Diagnostics", "CZstd", "CSnappy", "CZlib"]),
    library("StateStore", "Doors", ["Diagnostics", "BlockingCalls", .grdb]),
    library("Settings", "Doors", ["Units", "Schedule", "Diagnostics", "JSONCoding", .yams]),
    library(
        "Outbound", "Doors",
        ["Units", "BinaryCoding", "Diagnostics", "BlockingCalls", "Compression", "CLibcurl", "CurlShim"]),
    library("ClientSettings", "Doors", ["Diagnostics", "Settings", "Outbound"]),
    library("Processes", "Doors", ["Diagnostics", .subprocess, .system]),
    library("PostgresClient", "Doors", ["Diagnostics", "BlockingCalls", "CLibpq"]),
    library("RedisClient", "Doors", ["Diagnostics", "BlockingCalls", "CHiredis"]),
]

let engines: [Target] = [
    library("Exposition", "Engines", ["Units", "Series", "Diagnostics", "BinaryCoding", "JSONCoding"]),
    library(
        "TimeSeriesStore", "Engines",
        [
            "Units", "Series", "Diagnostics", "BinaryCoding", "BlockingCalls", "Compression", "DurableFiles",
            "Settings",
        ]),
    library("Relabelling", "Engines", ["Series", "Diagnostics", "Settings", .crypto]),
    library(
        "RemoteSeries", "Engines",
        [
            "Units", "Series", "Diagnostics", "JSONCoding", "Settings", "Outbound", "ClientSettings", "Compression",
            "Exposition",
        ]),
    library("PromQL", "Engines", ["Units", "Series", "Diagnostics", "JSONCoding", "BlockingCalls"]),
    library("GoTemplates", "Engines", ["Units", "Diagnostics", "JSONCoding"]),
    library(
        "Ledger", "Engines",
        [
            "BinaryCoding", "Units", "Events", "JSONCoding", "Diagnostics", "StateStore", "DurableFiles", .crypto,
            .grdb,
        ]),
]

let sense: [Target] = [
    library(
        "Collectors", "Sense",
        [
            "BinaryCoding",
            "Units", "Series", "Diagnostics", "Settings", "BlockingCalls", "Outbound", "PostgresClient", "RedisClient",
            .logging,
        ]),
    library(
        "Scraping", "Sense",
        [
            "Units", "Series", "Diagnostics", "JSONCoding", "Exposition", "Relabelling", "Settings", "BlockingCalls",
            "Outbound", "ClientSettings", .logging,
        ]),
    library(
        "Probes", "Sense",
        ["Units", "Series", "Diagnostics", "JSONCoding", "Texts", "Settings", "BlockingCalls", "Outbound"]),
    library("LogTail", "Sense", ["Units", "Series", "Diagnostics", "Settings", "BlockingCalls", "DurableFiles"]),
    library(
        "Discovery", "Sense", ["Units", "Diagnostics", "JSONCoding", "BlockingCalls", "Outbound", "Processes"]),
]

let judge: [Target] = [
    library(
        "Rules", "Judge",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "Settings", "PromQL", "GoTemplates", "StateStore",
            "Ledger", .grdb, .logging,
        ], resources: [.embedInCode("Packs")]),
    library("Alerting", "Judge", ["Units", "Series", "Diagnostics", "Events", "JSONCoding", "Schedule", "Settings"]),
]

let act: [Target] = [
    library(
        "Jobs", "Act",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "Schedule", "Settings", "Processes", "StateStore",
            "Ledger", .grdb, .logging, .system,
        ]),
    library(
        "Backup", "Act",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "Settings", "Schedule", "DurableFiles",
            "Compression", "PostgresClient", "Processes", "BlockingCalls", "StateStore", "Ledger", .crypto, .grdb,
            .system,
        ]),
]

let tell: [Target] = [
    library(
        "Access", "Tell",
        [
            "Units", "Diagnostics", "Events", "JSONCoding", "BlockingCalls", "StateStore", "Ledger", .crypto,
            .cryptoExtras, .grdb,
        ]),
    library(
        "Notifications", "Tell",
        [
            "Units", "Diagnostics", "Series", "Events", "JSONCoding", "Texts", "Settings", "Outbound", "StateStore",
            "Ledger", .crypto, .grdb, .logging,
        ]),
    library(
        "RemoteWrite", "Tell",
        [
            "Units", "BinaryCoding", "Diagnostics", "Series", "Settings", "ClientSettings", "Outbound", "DurableFiles",
            "Compression", "Exposition", "Relabelling", .logging,
        ]),
    library("WebAPI", "Tell", ["Units", "Diagnostics", "Series", "JSONCoding", "Texts"]),
    library(
        "Web", "Tell",
        [
            "BinaryCoding", "BlockingCalls", "Compression",
            "Units", "Diagnostics", "Series", "JSONCoding", "Events", "Texts", "Settings", "Access", "WebAPI",
            .hummingbird, .hummingbirdCore, .serviceLifecycle, .logging,
        ], resources: [.embedInCode("Assets/app.css"), .embedInCode("Assets/app.js")]),
    library(
        "Commands", "Tell",
        [
            "Units", "Diagnostics", "JSONCoding", "Events", "Texts", "Series", "WebAPI", "Settings", "Outbound",
            "DurableFiles", "Exposition", "PromQL", "TimeSeriesStore", "Ledger", .argumentParser,
        ]),
]

let demo: [Target] = [
    .target(name: "SpawnShim", path: "Sources/Demo/SpawnShim"),
    library(
        "SampleShop", "Demo",
        [
            "Units", "Diagnostics", "JSONCoding", "BlockingCalls", "PostgresClient", "RedisClient", .hummingbird,
            .logging,
        ]),
    library(
        "SampleStack", "Demo", ["Units", "Diagnostics", "JSONCoding", "BlockingCalls", "SpawnShim"]),
    .executableTarget(
        name: "sample-stack", dependencies: ["SampleShop", "SampleStack", "BlockingCalls", "Diagnostics"],
        path: "Sources/Demo/SampleStackProgram"),
]

/// Targets in C: they take no Swift settings, and only the target above them imports them.
let shims: Set<String> = ["AllocatorShim", "ChecksumShim", "CurlShim", "SpawnShim"]

let everyLibrary = (values + doors + engines + sense + judge + act + tell + demo)
    .filter { $0.type == .regular && !shims.contains($0.name) }
    .map { Target.Dependency(stringLiteral: $0.name) }

let program: [Target] = [
    .target(
        name: "Daemon", dependencies: everyLibrary + ["AllocatorShim", .serviceLifecycle, .logging, .grdb],
        path: "Sources/jaga/Daemon"),
    .executableTarget(
        name: "jaga", dependencies: ["Daemon", "Commands", .argumentParser], path: "Sources/jaga/Program"),
]

/// Programs for those who work on Jaga. They go into no package.
let workshop: [Target] = [
    .executableTarget(
        name: "parse-bench", dependencies: ["Exposition", "Series", "Units"], path: "Benchmarks/Parsing"),
    .target(
        name: "Fuzzing", dependencies: ["Units", "Series", "Exposition", "Compression", "PromQL"], path: "Tests/Fuzzing"
    ),
    .executableTarget(name: "jaga-fuzz", dependencies: ["Fuzzing"], path: "Tests/FuzzProgram"),
    .target(
        name: "QueryComparison",
        dependencies: [
            "Units", "Series", "Diagnostics", "JSONCoding", "Compression", "Outbound", "Exposition", "TimeSeriesStore",
            "PromQL", "TestSupport",
        ], path: "Tests/QueryComparison"),
    .executableTarget(
        name: "compare-queries", dependencies: ["QueryComparison"], path: "Tests/QueryComparisonProgram"),
    .target(name: "Measuring", path: "Benchmarks/Measuring"),
    .executableTarget(
        name: "store-bench", dependencies: ["Measuring", "TimeSeriesStore", "Series", "Units"],
        path: "Benchmarks/StoreBench"),
    .executableTarget(
        name: "query-bench", dependencies: ["Measuring", "PromQL", "Series", "Units"], path: "Benchmarks/QueryBench"),
]

let testTargets: [Target] = [
    .target(
        name: "TestSupport",
        dependencies: [
            "Units", "Events", "Diagnostics", "JSONCoding", "SampleStack", .system,
        ],
        path: "Tests/TestSupport"),
    tests("Units", []),
    tests("BinaryCoding", ["Units"]),
    tests("Diagnostics", []),
    tests("JSONCoding", ["Diagnostics"]),
    tests("Series", ["Units"]),
    tests("Events", ["JSONCoding", "Units"]),
    tests("Schedule", ["Units", "Diagnostics"]),
    tests("Texts", []),
    tests("BlockingCalls", []),
    tests("DurableFiles", ["Diagnostics", .system]),
    tests("Compression", ["Diagnostics"]),
    tests("StateStore", ["Diagnostics", "TestSupport", .grdb]),
    tests("Settings", ["Units", "Diagnostics", "JSONCoding"]),
    tests("Outbound", ["Units", "Diagnostics", "TestSupport"]),
    tests("Processes", ["Diagnostics", .system]),
    tests("PostgresClient", ["Diagnostics", "TestSupport"]),
    tests("RedisClient", ["Diagnostics", "TestSupport"]),
    tests("Exposition", ["Units", "Series", "Diagnostics", "JSONCoding", "Compression"], hasGolden: true),
    tests(
        "TimeSeriesStore",
        ["Units", "Series", "Diagnostics", "DurableFiles", "BinaryCoding", "Settings", "PromQL", "TestSupport"],
        hasGolden: true),
    tests("PromQL", ["Units", "Series", "Diagnostics", "JSONCoding", "TestSupport"], hasGolden: true),
    tests("Relabelling", ["Series", "Diagnostics", "Settings"]),
    tests(
        "RemoteSeries",
        ["Units", "Series", "Diagnostics", "Outbound", "Compression", "Exposition", "TestSupport"]),
    tests("GoTemplates", ["Diagnostics", "JSONCoding", "Series"], hasGolden: true),
    tests(
        "Ledger", ["Units", "Events", "JSONCoding", "Diagnostics", "StateStore", "TestSupport", .crypto, .grdb],
        hasGolden: true),
    tests(
        "Probes", ["Units", "Series", "Diagnostics", "JSONCoding", "Texts", "Settings", "Outbound", "TestSupport"]),
    tests(
        "Scraping",
        [
            "Units", "Series", "Diagnostics", "JSONCoding", "Exposition", "Relabelling", "Settings", "Outbound",
            "ClientSettings", "TestSupport", .logging,
        ]),
    tests(
        "Collectors",
        [
            "Units", "Series", "Diagnostics", "Settings", "Outbound", "PostgresClient", "RedisClient", "TestSupport",
            .logging,
        ]),
    tests("LogTail", ["Units", "Series", "Outbound", "TestSupport"]),
    tests("Discovery", ["Diagnostics", "JSONCoding", "TestSupport", "Units"]),
    tests(
        "Rules",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "PromQL", "Settings", "StateStore", "Ledger",
            "TestSupport", .grdb, .logging,
        ], hasGolden: true),
    tests("Alerting", ["Units", "Series", "Events", "JSONCoding", "Diagnostics", "Settings"]),
    tests(
        "Jobs",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "Schedule", "Settings", "Processes", "StateStore",
            "Ledger", "TestSupport", .grdb,
        ]),
    tests(
        "Backup",
        [
            "Units", "Series", "Diagnostics", "Events", "JSONCoding", "Settings", "DurableFiles", "PostgresClient",
            "Processes", "StateStore", "Ledger", "TestSupport", .grdb, .system,
        ]),
    tests("Access", ["Units", "Diagnostics", "Events", "JSONCoding", "StateStore", "Ledger", .grdb]),
    tests(
        "Notifications",
        [
            "Units", "Diagnostics", "Series", "Events", "JSONCoding", "Settings", "Outbound", "StateStore", "Ledger",
            "TestSupport", .grdb,
        ]),
    tests(
        "RemoteWrite",
        [
            "Units", "Series", "Diagnostics", "Settings", "DurableFiles", "Compression", "Exposition", "Relabelling",
            "JSONCoding", "Outbound", "TestSupport", .logging,
        ]),
    tests(
        "Web",
        [
            "Units", "Diagnostics", "JSONCoding", "Series", "Texts", "Access", "WebAPI", "Events", "StateStore",
            "Ledger", "Compression",
            .hummingbird, .serviceLifecycle, .logging,
        ]),
    tests(
        "Commands",
        [
            "Units", "Diagnostics", "JSONCoding", "Texts", "WebAPI", "Series", "DurableFiles", "TimeSeriesStore",
            "TestSupport",
        ]),
    tests("SampleStack", ["Diagnostics", "JSONCoding", "TestSupport", "Units", "sample-stack"]),
    tests(
        "Daemon",
        [
            "Units", "Series", "Events", "JSONCoding", "Diagnostics", "Settings", "Discovery", "Ledger", "Rules",
            "Probes",
            "Texts", "WebAPI", "Commands", "Backup", "Collectors", "ClientSettings", "RemoteWrite", "Scraping",
            "Notifications", "TimeSeriesStore", "DurableFiles",
            "TestSupport",
            .argumentParser,
            .logging,
        ]),
    tests("Fuzzing", []),
    tests("QueryComparison", ["PromQL", "JSONCoding", "TestSupport"]),
    .testTarget(name: "ArchitectureTests", dependencies: []),
    .testTarget(
        name: "EndToEndTests",
        dependencies: [
            "TestSupport", "Units", "JSONCoding", "Outbound", "Processes", "SampleStack", "PostgresClient",
            "DurableFiles",
            "Diagnostics", "jaga", "sample-stack", .system,
        ]),
]

let package = Package(
    name: "jaga",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: chosen(values + doors + engines + sense + judge + act + tell + demo + program + workshop + testTargets)
)

for target in package.targets where target.type != .system && !shims.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + everywhere
}

/// All targets; or, where the environment has `JAGA_ONLY=PromQLTests,RulesTests`, those and what they stand on. Building the
/// tests of one capability then takes seconds, since SwiftPM builds the tests of all targets that it knows.
func chosen(_ targets: [Target]) -> [Target] {
    guard let only = Context.environment["JAGA_ONLY"], !only.isEmpty else { return targets }
    let byName = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0) })
    var kept: Set<String> = []
    var pending = only.split(separator: ",").map(String.init)
    while let name = pending.popLast() {
        guard let target = byName[name], kept.insert(name).inserted else { continue }
        for dependency in target.dependencies {
            switch dependency {
            case .byNameItem(let name, _), .targetItem(let name, _): pending.append(name)
            default: break
            }
        }
    }
    return targets.filter { kept.contains($0.name) }
}
