import Diagnostics
import Schedule
import Settings
import Testing

@testable import Jobs

/// Goal: a jobs section is read whole or explained. Method: good and bad YAML.
@Suite struct JobSettingsTests {
    struct Top: SettingsSection {
        let jobs: [(name: String, value: JobSettings)]
        init(_ s: SettingsReader) { jobs = s.map("jobs", of: JobSettings.self, "The jobs.") }
    }

    @Test func `jobs are read with their defaults`() throws {
        let yaml = """
            jobs:
              nightly:
                backup: shop
                schedule: "0 2 * * *"
                time_zone: Europe/Berlin
              clean:
                command: [find, /tmp, -mtime, "+7"]
            """
        let jobs = try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: Top.self).section.jobs
        #expect(jobs[0].value.missed == .runOnce)
        #expect(jobs[0].value.recurrence?.words() == "every day at 02:00 (Europe/Berlin)")
        #expect(jobs[1].value.missed == .skip)
        struct Kind: JobKind {
            let name = "backup"
            func run(_ context: JobContext) async throws -> JobResult { JobResult(message: "") }
        }
        let definition = try jobs[0].value.definition(name: "nightly") { kind, target in
            kind == "backup" && target == "shop" ? Kind() : nil
        }
        #expect(definition.locks == ["target/shop"])
        #expect(throws: PlainFailure.self) { try jobs[0].value.definition(name: "x") { _, _ in nil } }
    }

    @Test func `faults name the place`() throws {
        let yaml = """
            jobs:
              a:
                shell: echo
                schedule: "61 2 * * *"
              b:
                shell: echo
                backup: shop
              c:
                shell: echo
                time_zone: Europe/Berlim
            """
        let fault = #expect(throws: InvalidInput.self) {
            try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: Top.self)
        }
        let text = fault?.summary ?? ""
        #expect(text.contains("jobs.a.schedule: '61 2 * * *' is not a schedule at character 1"), "\(text)")
        #expect(
            text.contains("jobs.b: needs exactly one of command, shell, backup, verify and drill, and has 2"), "\(text)"
        )
        #expect(text.contains("jobs.c.time_zone: the time zone 'Europe/Berlim' cannot be read"), "\(text)")
    }
}
