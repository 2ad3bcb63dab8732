import Glibc
import Series
import TestSupport
import Testing

@testable import Collectors

/// Goal: the end of a certificate's life is read from its file, and a file without one is no success. Method: certificates made
/// by OpenSSL, one with a date of each kind.
@Suite struct CertificateSourceTests {
    private static let short = """
        -----BEGIN CERTIFICATE-----
        MIIBqzCCAVGgAwIBAgIUFRKU8PRbc+t7C5FF2V6qQ2Msg5QwCgYIKoZIzj0EAwIw
        KzESMBAGA1UECgwJVGVzdCBzaG9wMRUwEwYDVQQDDAxzaG9wLmV4YW1wbGUwHhcN
        MjYxMTIxMDM1NjM3WhcNMzYxMTE4MDM1NjM3WjArMRIwEAYDVQQKDAlUZXN0IHNo
        b3AxFTATBgNVBAMMDHNob3AuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABMjjkUYuwJWb7ys9249qkvyYAfG0Hh5T3XQFMJeNrGeoTpG/9ckVBh4aRcQb
        JkA5Abm9pdi9MDtqlppRJk+WdQijUzBRMB0GA1UdDgQWBBTsM3Ua47kbwXv4VVcL
        mLfpfOUxyzAfBgNVHSMEGDAWgBTsM3Ua47kbwXv4VVcLmLfpfOUxyzAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIBxTCNn4DH8ckBdppj9cupIuYX6z
        7yR6nqmaW8eleediAiEAyQB/sbtjUnzpUqNkVnce5d9SOV7iTch+/9iONGty4Ow=
        -----END CERTIFICATE-----
        """
    /// Ends after 2049, so that its date is a GeneralizedTime.
    private static let long = """
        -----BEGIN CERTIFICATE-----
        MIIBgTCCASegAwIBAgIUMcyeMwZJ9cI48h/rCI0UgTIOwswwCgYIKoZIzj0EAwIw
        FTETMBEGA1UECgwKTG9uZyBsaXZlZDAgFw0yNjExMjEwMzU2MzdaGA8yMDgxMDgy
        NDAzNTYzN1owFTETMBEGA1UECgwKTG9uZyBsaXZlZDBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABNxAomOhooccDyijBiQzXtohWUWyVG9YcJJuJL0CYQb9HV4v/Q1T
        3vZeyS1z99JDu+b+49U9w7N3mLQ6DEGahgqjUzBRMB0GA1UdDgQWBBTQcY9VP0KF
        d+pvh1CmnYBiA7W4+DAfBgNVHSMEGDAWgBTQcY9VP0KFd+pvh1CmnYBiA7W4+DAP
        BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIBVgn0p3yEjMpmgpK4ZL
        EzXiOl492sCsdzBzTyG4eZJBAiEA3MEImWJurlX2EEtxWm0bbIA4ZEJb9jFgMJcm
        10MWea0=
        -----END CERTIFICATE-----
        """

    private func write(_ text: String, _ folder: TemporaryFolder, _ name: String) throws -> String {
        let file = try #require(fopen(folder.file(name), "w"))
        fputs(text, file)
        fclose(file)
        return folder.file(name)
    }

    @Test func `every certificate of a chain has its end`() async throws {
        let folder = try TemporaryFolder()
        let chain = try write("Bag Attributes: none\n" + Self.short + "\n" + Self.long + "\n", folder, "chain.pem")
        let batch = try await CertificateSource(labels: [:], files: [chain]).read(at: testNow)
        #expect(
            batch.value("jaga_certificate_expiry_timestamp_seconds", ["file": chain, "subject": "shop.example"])
                == 2_110_593_397)
        #expect(
            batch.value("jaga_certificate_expiry_timestamp_seconds", ["file": chain, "subject": "Long lived"])
                == 3_523_233_397)
        #expect(batch.value("jaga_certificate_file_ok", ["file": chain]) == 1)
    }

    @Test func `a missing, an empty and a damaged file are not ok`() async throws {
        let folder = try TemporaryFolder()
        let empty = try write("", folder, "empty.pem")
        let damaged = try write(Self.short.replacing("MIIB", with: "AAAA"), folder, "damaged.pem")
        let cut = try write(
            "-----BEGIN CERTIFICATE-----\n" + Self.short.split(separator: "\n")[1...3].joined(separator: "\n")
                + "\n-----END CERTIFICATE-----\n", folder, "cut.pem")
        let files = [folder.file("missing.pem"), empty, damaged, cut]
        let batch = try await CertificateSource(labels: [:], files: files).read(at: testNow)
        for file in files { #expect(batch.value("jaga_certificate_file_ok", ["file": file]) == 0) }
        #expect(batch.rows("jaga_certificate_expiry_timestamp_seconds").isEmpty)
    }

    @Test func `every shortened certificate is refused without harm`() throws {
        let whole = try #require(certificatesInPEM(Self.short).first ?? nil)
        #expect(CertificateFacts(der: whole) != nil)
        for count in 0..<whole.count { #expect(CertificateFacts(der: Array(whole.prefix(count))) == nil) }
    }
}
