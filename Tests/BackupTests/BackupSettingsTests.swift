import Diagnostics
import PostgresClient
import Settings
import Testing

@testable import Backup

/// Goal: the section `backup` is read whole or explained, and its secrets stay hidden. Method: good and bad YAML.
@Suite struct BackupSettingsTests {
    struct Top: SettingsSection {
        let backup: BackupSettings
        init(_ s: SettingsReader) { backup = s.section("backup", BackupSettings.self, "Backups.") }
    }

    @Test func `a target is read from its parts or from a URL`() throws {
        let yaml = """
            backup:
              targets:
                shop:
                  host: /run/postgresql
                  database: shop
                  keep_last: 3
                  assertions:
                    users: SELECT count(*) FROM users
                blog:
                  url: ${BLOG_URL}
                  max_age: 2h
            """
        let sources = SettingsSources(
            environment: { $0 == "BLOG_URL" ? "postgresql://ani:geheim@db:5433/blog" : nil },
            readFile: { _ in "" })
        let read = try SettingsDocument.read(yaml, file: "jaga.yaml", sources: sources, as: Top.self)
        let targets = read.section.backup.targets.map { $0.value.target(name: $0.name) }
        #expect(targets[0].retention.keepLast == 3)
        #expect(targets[0].assertions == ["users": "SELECT count(*) FROM users"])
        #expect(targets[1].postgres.database == "blog")
        #expect(targets[1].postgres.password == Secret("geheim"))
        #expect(targets[1].maxAge == .seconds(7200))
        #expect(!read.values.contains { $0.text.contains("geheim") })
    }

    @Test func `faults name their place`() {
        let yaml = """
            backup:
              folder: relative/path
              targets:
                bad name:
                  database: x
                shop:
                  keep_last: 0
            """
        let fault = #expect(throws: InvalidInput.self) {
            try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: Top.self)
        }
        let text = fault?.summary ?? ""
        #expect(text.contains("'relative/path' is not an absolute path"), "\(text)")
        #expect(text.contains("the name 'bad name' may hold only"), "\(text)")
        #expect(text.contains("names no database"), "\(text)")
        #expect(text.contains("keep_last"), "\(text)")
    }
}
