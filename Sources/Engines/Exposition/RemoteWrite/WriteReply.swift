/// What a receiver of remote write answers, as the specification asks: which status, and how much was written.
///
/// 204: all is stored. 400: something of the request can never be stored, and the sender must not send it again; the rest of it is
/// stored. 5xx and 429 are for the server to give when a later try may succeed.
public struct WriteReply: Sendable, Hashable {
    public var writtenSamples = 0
    public var writtenHistograms = 0
    public var writtenExemplars = 0
    /// What could not be stored, and why.
    public var faults: [String] = []

    public init() {}

    public var status: Int { faults.isEmpty ? 204 : 400 }

    /// The headers that version 2 requires. Without them a sender takes it that nothing was written.
    public var headers: [(name: String, value: String)] {
        [
            ("X-Prometheus-Remote-Write-Samples-Written", String(writtenSamples)),
            ("X-Prometheus-Remote-Write-Histograms-Written", String(writtenHistograms)),
            ("X-Prometheus-Remote-Write-Exemplars-Written", String(writtenExemplars)),
        ]
    }

    /// The body that goes with a 400: the first ten faults, and how many more there are.
    public var body: String {
        let shown = faults.prefix(10).joined(separator: "\n")
        return faults.count > 10 ? "\(shown)\nand \(faults.count - 10) more" : shown
    }
}
