import BlockingCalls
import Diagnostics
import Glibc
public import Series
public import Units

/// Certificates in PEM files: until when they hold.
public struct CertificateSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "jaga_certificate_files_up"
    private let files: [String]

    /// A chain holds three or four; a bundle of authorities is not meant here.
    static let certificateCountMax = 10

    public init(
        name: String = "certificates", labels: Labels, files: [String], interval: Duration = .seconds(60),
        deadline: Duration = .seconds(10)
    ) {
        self.name = name
        self.labels = labels
        self.files = files
        self.interval = interval
        self.deadline = min(deadline, interval)
    }

    /// A file that cannot be read, or that holds no certificate, has `jaga_certificate_file_ok 0` and the others go on.
    public func read(at now: Timestamp) async throws -> SampleBatch {
        let files = files
        return try await BlockingThreads.shared.run {
            var batch = SampleBatch(at: now)
            for file in files {
                let facts = Self.facts(in: file)
                batch.gauge(
                    "jaga_certificate_file_ok", "Whether every certificate of the file could be read.",
                    facts == nil ? 0 : 1, ["file": file])
                // A chain may name one subject twice; then the earlier end counts.
                var ends: [String: Timestamp] = [:]
                for fact in facts ?? [] { ends[fact.subject] = min(ends[fact.subject] ?? fact.expiry, fact.expiry) }
                for (subject, end) in ends.sorted(by: { $0.key < $1.key }) {
                    batch.gauge(
                        "jaga_certificate_expiry_timestamp_seconds",
                        "When the certificate expires, in seconds since 1970.", end.secondsSinceEpoch,
                        ["file": file, "subject": subject])
                }
            }
            return batch
        }
    }

    /// - Returns: nil when the file cannot be read as certificates.
    static func facts(in file: String) -> [CertificateFacts]? {
        guard let bytes = readWholeFile(file, byteCountMax: 1 << 20) else { return nil }
        let blocks = certificatesInPEM(String(decoding: bytes, as: UTF8.self)).prefix(certificateCountMax)
        let facts = blocks.compactMap { $0.flatMap { CertificateFacts(der: $0) } }
        return facts.isEmpty || facts.count < blocks.count ? nil : facts
    }
}
