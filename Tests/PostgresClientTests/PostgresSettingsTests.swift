import Diagnostics
import PostgresClient
import Testing

/// Goal: an address is read right, or refused without telling its password. Method: texts in, settings or messages out.
@Suite struct PostgresSettingsTests {
    @Test func `a URL gives every part, percent signs decoded`() throws {
        let settings = try PostgresSettings(
            url:
                "postgres://us%40er:p%3Aw%2F@db.example:6432/sh%20op?sslmode=require&application_name=x&connect_timeout=3"
        )
        #expect(settings.user == "us@er")
        #expect(settings.password?.reveal() == "p:w/")
        #expect(settings.host == "db.example")
        #expect(settings.port == 6432)
        #expect(settings.database == "sh op")
        #expect(settings.sslMode == "require")
        #expect(settings.applicationName == "x")
        #expect(settings.further == ["connect_timeout": "3"])
        #expect(settings.target == "us@er@db.example:6432/sh op")
    }

    @Test func `a URL may leave nearly everything out`() throws {
        let settings = try PostgresSettings(url: "postgresql://")
        #expect(settings == PostgresSettings())
        #expect(try PostgresSettings(url: "postgres:///shop?host=/run/postgresql").host == "/run/postgresql")
        #expect(try PostgresSettings(url: "postgres://[::1]:5433/").host == "::1")
        #expect(try PostgresSettings(url: "postgres://%2Frun%2Fpg/shop").host == "/run/pg")
    }

    @Test(arguments: [
        "mysql://user:hunter2@host/db", "postgres://user:hunter2%zz@host/db", "postgres://user:hunter2@host:99999/db",
        "postgres://user:hunter2@[::1/db", "postgres://user:hunter2@host/db?novalue", "user:hunter2@host",
    ])
    func `a faulty URL is refused without its password`(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresSettings(url: url) }
        #expect(error?.code == .invalidSettings)
        #expect(error.map { "\($0.oneLine) \($0.hint ?? "")" }?.contains("hunter2") == false)
    }

    @Test func `settings print no password`() {
        let settings = PostgresSettings(host: "db", user: "u", password: Secret("hunter2"))
        var text = "\(settings)"
        dump(settings, to: &text)
        #expect(!text.contains("hunter2"))
    }
}
