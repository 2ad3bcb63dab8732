import Settings
import Diagnostics
import Glibc
import TestSupport
import Testing
import Texts
import Units

@testable import Daemon

/// Goal: whatever is wrong with the configuration is said in one go, each fault once, in a sentence that names the place.
/// Method: files as somebody would leave them, read as the daemon and `config check` read them.
@Suite struct ConfigurationFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("configuration") }

    private func faults(_ path: String) throws -> [String] {
        do {
            _ = try LoadedSettings.load(file: path, discovered: "", at: Timestamp(secondsSinceEpoch: 0))
            return []
        } catch let invalid as InvalidInput {
            return invalid.diagnostics.map { "\($0)".replacing("\(folder.path)/", with: "") }
        }
    }

    private func writeBytes(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "we"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    private func faults(of text: String) throws -> [String] {
        try writeText(text, to: folder.file("jaga.yaml"))
        return try faults(folder.file("jaga.yaml"))
    }

    @Test func `a file that is none of ours is one fault`() throws {
        #expect(try faults(folder.file("none.yaml")) == ["cannot read none.yaml: No such file or directory"])
        mkdir(folder.file("folder"), 0o700)
        #expect(try faults(folder.file("folder")) == ["folder is a folder, not a file"])
        try writeBytes([0x7F, 0x45, 0x4C, 0x46, 0xFF, 0xFE, 0x00], to: folder.file("program"))
        #expect(try faults(folder.file("program")) == ["program is not UTF-8 text"])
        try writeBytes([0x61, 0x00, 0x62], to: folder.file("zero"))
        let zero = try faults(folder.file("zero"))
        #expect(zero == ["zero:1:2: holds the control character U+0000, so it is no text; remove it"])
        guard geteuid() != 0 else { return }
        try writeText("site: x\n", to: folder.file("closed.yaml"))
        chmod(folder.file("closed.yaml"), 0)
        #expect(try faults(folder.file("closed.yaml")) == ["cannot read closed.yaml: Permission denied"])
    }

    @Test func `faults of the settings and of the rule files come together`() throws {
        try writeText("groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]\n", to: folder.file("rules.yml"))
        let found = try faults(
            of: "site: shop\nprbes: []\nrules:\n  files: [rules.yml, none.yml]\n  disabled: [PostgresDwn]\n")
        #expect(found.contains { $0.hasPrefix("jaga.yaml:2:1: prbes: unknown key") }, "\(found)")
        #expect(found.contains { $0.hasPrefix("rules.yml:1:") }, "\(found)")
        #expect(found.contains { $0 == "jaga.yaml:4:22: rules.files[1]: 'none.yml' names no file" }, "\(found)")
        #expect(
            found.contains {
                $0
                    == "jaga.yaml:5:14: rules.disabled[0]: there is no shipped alert 'PostgresDwn'; did you mean 'PostgresDown'?"
            }, "\(found)")
        #expect(found.count == 4, "\(found)")
        let without = try faults(of: "rules: {shipped: false, disabled: [PostgresDown, Nonsense]}\n")
        #expect(without == ["jaga.yaml:1:50: rules.disabled[1]: there is no shipped alert 'Nonsense'"])
    }

    @Test func `one missing password is one fault`() throws {
        let found = try faults(
            of: """
                smtp: {host: localhost, username: jaga, password: "${JAGA_NO_SUCH_VARIABLE}"}
                receivers: {ops: {email: [{to: [a@b.example]}]}}

                """)
        #expect(found.count == 1 && found[0].contains("JAGA_NO_SUCH_VARIABLE is not set"), "\(found)")
        let url = try faults(of: "receivers: {ops: {webhook: [{url: \"${JAGA_NO_SUCH_VARIABLE}\"}]}}\n")
        #expect(url.count == 1, "\(url)")
        #expect(
            try faults(of: "smtp: {username: jaga}\n") == [
                "jaga.yaml:1:7: smtp: 'username' is set and 'password' is missing"
            ])
    }

    @Test func `a fault of a schedule goes on in lower case after its semicolon`() throws {
        let found = try faults(
            of: "jobs: {a: {shell: x, schedule: every now}, b: {shell: x, time_zone: Europe/Berln}}\n")
        #expect(found.count == 2, "\(found)")
        for fault in found { #expect(fault.firstMatch(of: /; [A-Z][a-z]/) == nil && !fault.hasSuffix("."), "\(fault)") }
    }

    @Test(arguments: [
        ("site: \"a\\u0007b\"\n", "holds the control character U+0007"),
        ("site: \"a\\nb\"\n", "goes over several lines"),
        ("site: \"  \"\n", "is empty"), ("jobs: {\"a b\": {shell: x}}\n", "'a b' cannot be a name"),
        ("backup: {targets: {\"\": {database: x}}}\n", "a name is empty"),
        ("receivers: {\"ops\\0\": {}}\n", "'ops?' cannot be a name"),
    ])
    func `a name that would break a label or a line is refused`(text: String, complaint: String) throws {
        let found = try faults(of: text)
        #expect(found.contains { $0.contains(complaint) && $0.hasPrefix("jaga.yaml:1:") }, "\(found)")
    }

    @Test func `every effective value has its documentation`() throws {
        try writeText("probes: [{name: a, tcp: \"h:1\"}]\njobs: {n: {shell: x}}\n", to: folder.file("jaga.yaml"))
        let loaded = try LoadedSettings.load(
            file: folder.file("jaga.yaml"), discovered: "", at: Timestamp(secondsSinceEpoch: 0))
        #expect(loaded.values.count > 20)
        for value in loaded.values { #expect(!value.documentation.isEmpty, "\(value.path)") }
        #expect(loaded.summary(in: .english).hasPrefix("1 probe, 1 job, "))
    }
}
