import ClientSettings
import Relabelling
import Outbound
import Units
import Diagnostics
import Settings
import Testing

@testable import Scraping

/// Goal: a `scrape_configs` section copied from a `prometheus.yml` works as it is, and what does not is refused by name. Method:
/// texts are read as the program reads its file.
@Suite struct ScrapeSettingsTests {
    struct File: SettingsSection {
        var global: GlobalSettings
        var configs: [ScrapeConfigSettings]

        init(_ s: SettingsReader) {
            global = s.section("global", GlobalSettings.self, "What holds everywhere.")
            configs = s.list("scrape_configs", of: ScrapeConfigSettings.self, "Jobs.")
        }

        var jobs: [ScrapeJob] { configs.map { ScrapeJob($0, global: global, folder: "/etc/jaga") } }
    }

    static func read(_ yaml: String) throws -> SettingsReading<File> {
        try SettingsDocument.read(yaml, file: "p.yaml", sources: .none, as: File.self)
    }

    @Test func `a copied section is read as it is meant`() throws {
        let reading = try Self.read(copied)
        let jobs = reading.section.jobs
        #expect(jobs.map(\.name) == ["node", "blackbox", "containers", "names"])
        #expect(jobs[0].interval == .seconds(30))
        #expect(jobs[0].timeout == .seconds(7))
        #expect(jobs[1].interval == .seconds(5))
        // The standard timeout is cut to the job's own interval.
        #expect(jobs[1].timeout == .seconds(5))
        #expect(jobs[1].params == ["module": ["http_2xx"]])
        #expect(jobs[1].relabelRules.count == 3)
        #expect(jobs[1].relabelRules[2].replacement == "127.0.0.1:9115")
        #expect(jobs[0].client.authorization == .basic(user: .text(Secret("shop")), password: .text(Secret("hunter2"))))
        #expect(jobs[0].client.tls.authorityFile == "/etc/jaga/certs/ca.pem")
        #expect(jobs[0].client.tls.serverName == "node.example")
        #expect(jobs[0].limits.samples == 5000)
        #expect(jobs[0].limits.labels == 30)
        #expect(jobs[0].limits.body?.bytes == 10 << 20)
        #expect(jobs[0].discoveries.count == 2)
        #expect(jobs[0].discoveries[1] == .files(patterns: ["/etc/jaga/targets/*.json"], refresh: .seconds(300)))
        #expect(jobs[2].client.authorization == .header(type: "Bearer", credentials: .file("/run/secrets/token")))
        #expect(
            jobs[3].discoveries == [
                .dns(names: ["_metrics._tcp.example"], type: .srv, port: nil, refresh: .seconds(30))
            ])
        #expect(reading.section.global.externalLabels == ["site": "north"])
        #expect(jobs.allSatisfy { !$0.storesCreatedZeros })
        let zeros = try Self.read(
            "global: {created_timestamp_zero_ingestion: true}\nscrape_configs: [{job_name: a}]\n")
        #expect(zeros.section.jobs.map(\.storesCreatedZeros) == [true])
    }

    @Test func `a secret in the file works, is warned of, and is not shown`() throws {
        let reading = try Self.read(copied)
        #expect(reading.warnings.contains { $0.message.contains("stands in the file itself") })
        #expect(!reading.values.contains { $0.text.contains("hunter2") })
        #expect(!String(reflecting: reading.section).contains("hunter2"))
    }

    @Test(arguments: DiscoverySettings.unsupportedMechanisms + ["oauth2", "sigv4"])
    func `what is not supported is refused by name`(_ name: String) throws {
        let key = ["oauth2", "sigv4"].contains(name) ? name : "\(name)_sd_configs"
        let error = try #require(throws: InvalidInput.self) {
            try Self.read("scrape_configs:\n  - job_name: x\n    \(key):\n      - a: b\n")
        }
        #expect(error.summary.contains("p.yaml:4:") && error.summary.contains(key), "\(error.summary)")
        #expect(error.summary.contains("not supported"), "\(error.summary)")
    }

    @Test(arguments: [
        ("scrape_interval: 5s\n    scrape_timeout: 6s", "longer than the interval"),
        ("scheme: ftp", "neither http nor https"),
        ("static_configs: [{targets: ['http://a:1/metrics']}]", "is not an address"),
        ("scrape_protocols: [OpenMetricsText1.0.0, Nope]", "'Nope' is not one of"),
        ("basic_auth: {username: a}\n    bearer_token: b", "exclude each other"),
        ("authorization: {type: Basic, credentials: x}", "use 'basic_auth' instead"),
        ("dns_sd_configs: [{names: [a], type: A}]", "'port' is missing"),
        ("http_headers: {Authorization: {values: [x]}}", "cannot be set here"),
        ("fallback_scrape_protocol: text", "is not one of"),
        ("tls_config: {cert_file: a}", "needs its key"),
        ("honor_label: true", "did you mean 'honor_labels'?"),
    ])
    func `faults are found with their places`(lines: String, words: String) throws {
        let error = try #require(throws: InvalidInput.self) {
            try Self.read("scrape_configs:\n  - job_name: x\n    \(lines)\n")
        }
        #expect(error.summary.contains(words), "\(error.summary)")
    }

    @Test func `a format that is not known is one fault, and a list of none is another`() throws {
        for (list, words) in [("[Nope]", "'Nope' is not one of"), ("[]", "is empty; name at least one format")] {
            let error = try #require(throws: InvalidInput.self) {
                try Self.read("scrape_configs:\n  - job_name: x\n    scrape_protocols: \(list)\n")
            }
            #expect(error.summary.contains(words), "\(error.summary)")
            #expect(error.diagnostics.count == 1, "\(error.summary)")
        }
    }

    @Test func `formats are asked for in their order`() {
        #expect(
            ScrapeProtocol.acceptHeader(ScrapeProtocol.standard, escaping: "allow-utf-8")
                == "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                + "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1")
    }

    @Test(
        arguments: [
            ("text/plain; version=0.0.4; charset=utf-8", ScrapeProtocol.text004), ("text/plain", .text004),
            ("text/plain;version=1.0.0;escaping=allow-utf-8", .text100),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics100),
            ("application/openmetrics-text; version=0.0.1", .openMetrics001),
            ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", .protobuf),
            ("text/html", nil), ("application/json", nil), (nil, nil),
        ] as [(String?, ScrapeProtocol?)])
    func `content types name formats`(type: String?, format: ScrapeProtocol?) {
        #expect(ScrapeProtocol(contentType: type) == format)
    }
}

private let copied = #"""
    global:
      scrape_interval: 30s
      scrape_timeout: 7s
      external_labels: {site: north}
    scrape_configs:
      - job_name: node
        scheme: https
        honor_labels: true
        sample_limit: 5000
        label_limit: 30
        body_size_limit: 10MB
        basic_auth:
          username: shop
          password: hunter2
        tls_config:
          ca_file: certs/ca.pem
          server_name: node.example
          min_version: TLS12
        static_configs:
          - targets: ['10.0.0.1:9100', "10.0.0.2:9100"]
            labels: {rack: a}
        file_sd_configs:
          - files: [targets/*.json]
      - job_name: blackbox
        scrape_interval: 5s
        metrics_path: /probe
        params:
          module: [http_2xx]
        static_configs:
          - targets:
              - shop.example
        relabel_configs:
          - source_labels: [__address__]
            target_label: __param_target
          - source_labels: [__param_target]
            regex: ^https?://(.+)$
            target_label: instance
            replacement: ${1}
          - target_label: __address__
            replacement: 127.0.0.1:9115
        metric_relabel_configs:
          - source_labels: [__name__]
            regex: go_.*
            action: drop
      - job_name: containers
        authorization:
          credentials_file: /run/secrets/token
        docker_sd_configs:
          - host: unix:///var/run/docker.sock
            filters: [{name: label, values: [metrics]}]
      - job_name: names
        dns_sd_configs:
          - names: [_metrics._tcp.example]
    """#
