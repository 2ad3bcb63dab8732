import SampleStack

/// A self-signed certificate for `localhost` and 127.0.0.1 with its key, made with openssl.
public final class TestCertificate: Sendable {
    private let folder: StackFolder
    /// PEM.
    public var chainPath: String { "\(folder.path)/certificate.pem" }
    public var keyPath: String { "\(folder.path)/key.pem" }

    private init(_ folder: StackFolder) {
        self.folder = folder
    }

    /// - Parameters:
    ///   - days: how long from now it is valid; at least 1.
    ///   - names: further DNS names.
    public static func make(days: Int = 30, names: [String] = []) async throws -> TestCertificate {
        let certificate = TestCertificate(try StackFolder(prefix: "jaga-certificate-"))
        let alternatives = (["DNS:localhost", "IP:127.0.0.1"] + names.map { "DNS:\($0)" }).joined(separator: ",")
        let result = try await runProgram([
            try findProgram("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", certificate.keyPath, "-out", certificate.chainPath, "-days", "\(days)", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=\(alternatives)",
        ])
        guard result.status == 0 else { throw TestProgramFailed(description: "openssl: \(result.output)") }
        return certificate
    }
}
