import ClientSettings
import Diagnostics
import Foundation
import JSONCoding
import RemoteWrite
import Rules
import Scraping
import Series
import Settings
import Testing
import TimeSeriesStore
import Units

@testable import Daemon

/// Goal: what a `prometheus.yml` says of scraping and remote write may stand in `jaga.yaml`, also in files of its own. Method: files in a
/// folder are read as the program reads them at its start.
@Suite struct ScrapeConfigurationTests {
    static func load(_ yaml: String, _ others: [String: String] = [:]) throws -> LoadedSettings {
        let folder = FileManager.default.temporaryDirectory.appending(path: "jaga-config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in others.merging(["jaga.yaml": yaml], uniquingKeysWith: { first, _ in first }) {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        return try LoadedSettings.load(
            file: folder.appending(path: "jaga.yaml").path(percentEncoded: false), discovered: "",
            at: Timestamp(millisecondsSinceEpoch: 0))
    }

    @Test func `jobs come from the sections and from files of their own`() throws {
        let loaded = try Self.load(
            """
            global: {scrape_interval: 20s, external_labels: {site: n}}
            scrape:
              - {name: simple, url: "https://u:p@shop.example/m?a=b%20c", labels: {team: t}}
            scrape_configs:
              - job_name: copied
                static_configs: [{targets: ["a:1"]}]
            scrape_config_files: ["more-*.yml"]
            rule_files: [own.yml]
            remote_write:
              - {url: "http://127.0.0.1:1/api/v1/write", name: far}
            rules: {shipped: false}
            """,
            [
                "more-1.yml": "scrape_configs:\n  - job_name: further\n    file_sd_configs: [{files: [t.json]}]\n",
                "own.yml": "groups:\n  - name: g\n    rules: [{record: a, expr: b}]\n",
            ])
        #expect(loaded.scrapeJobs.map(\.name) == ["simple", "copied", "further"])
        let simple = loaded.scrapeJobs[0]
        #expect(simple.scheme == "https" && simple.metricsPath == "/m" && simple.params == ["a": ["b c"]])
        #expect(simple.discoveries == [.fixed(targets: ["shop.example:443"], labels: ["team": "t"])])
        #expect(simple.client.authorization == .basic(user: .text(Secret("u")), password: .text(Secret("p"))))
        #expect(loaded.scrapeJobs[1].interval == .seconds(20))
        #expect(loaded.groups.map(\.name) == ["g"])
        #expect(loaded.remoteWrites.map(\.name) == ["far"])
        #expect(loaded.ownRemoteWrite == nil)
        #expect(!loaded.values.contains { $0.text.contains("u:p@") })
    }

    @Test func `reading from elsewhere sends everything there too`() throws {
        let loaded = try Self.load("series: {engine: remote, url: 'http://v:8428/', retention: 2d}\n")
        #expect(loaded.ownRemoteWrite?.url == "http://v:8428/api/v1/write")
        #expect(loaded.settings.series.store.retention == .seconds(2 * 86_400))
    }

    @Test func `who asks what targets say of one metric is not told its name again, as in the reference`() throws {
        let metadata = MetricMetadata("go_goroutines", .gauge, "Number of goroutines.")
        let target: Labels = ["instance": "a:1", "job": "p"]
        let named = try JSONValue(parsing: LiveSite.entry(metadata, of: target, isNamed: true))
        #expect(named["metric"]?.stringValue == "go_goroutines" && named["type"]?.stringValue == "gauge")
        let unnamed = try JSONValue(parsing: LiveSite.entry(metadata, of: target, isNamed: false))
        #expect(unnamed["metric"] == nil && unnamed["target"]?["job"]?.stringValue == "p")
        #expect(unnamed["help"]?.stringValue == "Number of goroutines." && unnamed["unit"]?.stringValue == "")
    }

    /// An address may begin with a user and a password; messages are read by more people than the file.
    @Test(arguments: [
        "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://any:S3CRET@h:1/metrics']}]}]",
        "scrape_configs: [{job_name: a, docker_sd_configs: [{host: 'ftp://any:S3CRET@h'}]}]",
        "probes: [{name: a, url: 'any:S3CRET@h/x'}]", "web: {public_url: 'any:S3CRET@h'}",
    ])
    func `a password in an address is in no fault`(yaml: String) throws {
        let error = try #require(throws: InvalidInput.self) { try Self.load(yaml) }
        let text = error.diagnostics.map(\.description).joined(separator: "\n")
        #expect(text.contains("@h") && !text.contains("S3CRET"), "\(text)")
    }

    @Test(arguments: [
        ("scrape_configs: [{job_name: a}, {job_name: a}]", "two jobs have the name 'a'"),
        ("scrape: [{name: a, url: 'http://x'}]\nscrape_configs: [{job_name: a}]", "two jobs have the name 'a'"),
        ("scrape_config_files: [nothing.yml]", "names no file"),
        ("remote_read: [{url: x}]", "engine: remote"),
        ("alerting: {alertmanagers: [{static_configs: [{targets: [a:9093]}]}]}", "who is told in 'receivers'"),
        ("alerting: {alert_relabel_configs: [{action: drop}]}", "set labels in their rules"),
        ("series: {engine: remote}", "needs a 'url'"),
        ("scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod}]}]", "not supported"),
    ])
    func `faults say what to do`(yaml: String, words: String) throws {
        let error = try #require(throws: InvalidInput.self) { try Self.load(yaml) }
        #expect(error.summary.contains(words), "\(error.summary)")
    }
}
