import Units
import BlockingCalls
import ClientSettings
import Diagnostics
import Exposition
import Outbound

/// Asks a target for its page, over a connection that stays open.
struct TargetFetch: Sendable {
    private let job: ScrapeJob
    private let target: Target
    private let connection = HTTPConnection()
    private let request: HTTPRequest
    /// The request with the job's settings, where nothing of it must be read from files each time.
    private let complete: HTTPRequest?
    private let bodyLimit: Int

    /// - Parameter version: of the program, for the User-Agent header.
    init(_ job: ScrapeJob, _ target: Target, userAgent: String) {
        self.job = job
        self.target = target
        bodyLimit = Int((job.limits.body ?? ScrapeLimits.standardBody).bytes)
        var request = HTTPRequest(
            url: target.url,
            headers: [
                "Accept": ScrapeProtocol.acceptHeader(job.protocols, escaping: job.escaping), "User-Agent": userAgent,
                "X-Prometheus-Scrape-Timeout-Seconds": shortSeconds(target.timeout),
            ],
            timeout: target.timeout, connectTimeout: target.timeout, bodyBytesMax: bodyLimit)
        request.acceptsCompression = job.acceptsCompression
        self.request = request
        // A file on a disk that hangs would hold the thread without end, and so would that of a certificate.
        let readsFiles =
            job.client.readsFiles || job.client.tls.authorityFile != nil || job.client.tls.clientCertificateFile != nil
            || job.client.tls.clientKeyFile != nil
        // What could not be applied is said with each scrape.
        complete = readsFiles ? nil : try? request.applying(job.client)
    }

    /// - Parameter isQuick: the target is likely to answer at once, so that the calling thread may as well wait for it.
    /// - Throws: `OutboundError`, `ScrapingError` for an answer that is no page, `DeadlineExceeded`.
    func page(isQuick: Bool) async throws -> (body: [UInt8], format: ScrapeProtocol) {
        let response: HTTPResponse
        do {
            if isQuick, let complete, BlockingThreads.mayBlockHere {
                response = try await connection.sendHere(complete)
            } else {
                // libcurl counts from when a thread takes the request up; a queue before that must not prolong it.
                response = try await connection.send(within: target.timeout + .milliseconds(200)) { [request, job] in
                    try request.applying(job.client)
                }
            }
        } catch let error as OutboundError where error.code == .bodyTooLarge {
            throw ScrapingError(
                .limitExceeded, "body size limit exceeded: the page has more than \(bodyLimit) bytes",
                hint: "Raise 'body_size_limit' if the page may be so large.")
        }
        guard response.status == 200 else {
            throw ScrapingError(.unexpectedStatus, "server returned HTTP status \(response.status)")
        }
        let type = response.headers["Content-Type"]
        guard let format = ScrapeProtocol(contentType: type) ?? job.fallbackProtocol else {
            throw ScrapingError(
                .unknownFormat,
                "received unsupported Content-Type '\(type ?? "")' and no fallback_scrape_protocol specified for target",
                hint: "Set 'fallback_scrape_protocol: PrometheusText0.0.4' for this job if the page is plain metrics.")
        }
        return (response.body, format)
    }
}

extension HTTPRequest {
    fileprivate func applying(_ client: HTTPClientSettings) throws -> HTTPRequest {
        var request = self
        try client.apply(to: &request)
        return request
    }
}

private func shortSeconds(_ duration: Duration) -> String {
    let seconds = duration.inSecondsForHeader
    return seconds == seconds.rounded() ? String(Int(seconds)) : String(seconds)
}
