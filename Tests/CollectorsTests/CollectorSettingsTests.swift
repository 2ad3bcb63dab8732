import Collectors
import Diagnostics
import PostgresClient
import Series
import Settings
import Testing

/// Goal: the settings name the sources that run, and faults name their place without showing a secret. Method: YAML in, plans or
/// messages out.
@Suite struct CollectorSettingsTests {
    private func read(_ yaml: String) throws -> CollectorSettings {
        let sources = SettingsSources(
            environment: { $0 == "PASSWORD" ? "hunter2" : nil }, readFile: { _ in throw PlainFailure("x", "x") })
        return try SettingsDocument.read(yaml, file: "jaga.yaml", sources: sources, as: CollectorSettings.self).section
    }

    private func names(_ settings: CollectorSettings) throws -> [String] {
        try settings.plans(onHost: "h").map(\.source.name)
    }

    @Test func `an empty file watches the host`() throws {
        #expect(try names(read("")) == ["host/h"])
    }

    @Test func `every section gives its sources`() throws {
        let settings = try read(
            """
            host: {interval: 30s}
            processes:
              - {name: worker, contains: ["worker.py"]}
            postgres:
              - {name: shop, host: /run/postgresql, database: shop, user: jaga, password: "${PASSWORD}", query_timeout: 2s}
              - {name: other, url: "postgres://u:${PASSWORD}@db:5433/other?sslmode=require"}
            redis:
              - {name: cache, socket: /run/redis/redis.sock}
            nginx:
              - {name: front, status_url: "http://127.0.0.1/stub_status", access_log: /var/log/nginx/access.log}
              - {name: logged, access_log: /var/log/nginx/other.log}
            certificates: {files: [/etc/ssl/shop.pem]}
            """)
        #expect(
            try names(settings) == [
                "host/h", "processes/h", "postgres/shop", "postgres/other", "redis/cache", "nginx/front",
                "certificates/h",
            ])
        #expect(settings.postgres[0].connection.host == "/run/postgresql")
        #expect(settings.postgres[0].limits.query == .seconds(2))
        #expect(settings.postgres[1].connection.password?.reveal() == "hunter2")
        #expect(settings.postgres[1].connection.target == "u@db:5433/other")
        #expect(settings.nginx[1].accessLog == "/var/log/nginx/other.log")
        let plans = try settings.plans(onHost: "h")
        #expect(plans.first?.source.interval == .seconds(30))
        var text = ""
        dump(settings, to: &text)
        #expect(!text.contains("hunter2"))
    }

    @Test(arguments: [
        ("postgres: [{host: db}]", "'name' is missing"),
        ("postgres: [{name: a, url: \"mysql://u:hunter2@h\"}]", "a PostgreSQL URL starts with"),
        ("postgres: [{name: a, url: \"postgres://h/d\", host: b}]", "either the url or the keys"),
        ("postgres: [{name: a, sslmode: requre}]", "did you mean 'require'"),
        ("redis: [{name: a}, {name: a}]", "two elements have the name 'a'"),
        ("redis: [{name: a, socket: /s, port: 5}]", "give either"),
        ("nginx: [{name: a}]", "add 'status_url' or 'access_log'"),
        ("processes: [{name: a}]", "add 'program', 'contains' or 'pattern'"),
        ("host: {interval: 5s, timeout: 10s}", "longer than the interval"),
    ])
    func `faults say what to do`(yaml: String, expected: String) {
        let error = #expect(throws: InvalidInput.self) { try read(yaml) }
        #expect(error?.summary.contains(expected) == true, "\(error?.summary ?? "")")
        #expect(error?.summary.contains("hunter2") != true)
    }
}
