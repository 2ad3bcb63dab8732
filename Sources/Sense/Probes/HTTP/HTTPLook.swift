import Diagnostics
import JSONCoding
import Outbound
import Series
import Texts
import Units

/// A look at a web address: one request, then every expectation in the order in which a person would ask.
struct HTTPLook: Looking {
    let request: HTTPRequest
    let expectation: HTTPExpectation
    let phrases: Phrases<ProbeText>
    let client = HTTPClient()

    var target: String { withoutSecrets(request.url) }

    func look(at now: Timestamp) async throws -> Look {
        var look = Look(at: now)
        do {
            let reply = try await client.send(request)
            describe(reply, in: &look)
            judge(reply, in: &look)
        } catch let error as OutboundError {
            look.failure = error.summary
            look.batch.add("probe_http_status_code", [:], 0)
            if let timings = error.timings {
                addPhases(timings, to: &look.batch)
                // A reply that never ended did take this long; a refused connection says nothing of speed.
                if error.code == .timedOut {
                    look.elapsed = timings.total
                    look.batch.add("probe_duration_seconds", [:], timings.total.inSeconds)
                }
            }
            if error.code == .certificate { await readCertificate(of: request, in: &look) }
        }
        return look
    }

    private func describe(_ reply: HTTPResponse, in look: inout Look) {
        look.elapsed = reply.timings.total
        look.statusCode = reply.status
        look.batch.add("probe_duration_seconds", [:], reply.timings.total.inSeconds)
        look.batch.add("probe_http_status_code", [:], Double(reply.status))
        look.batch.add("probe_http_redirects", [:], Double(reply.redirectCount))
        look.batch.add("probe_http_version", [:], Double(reply.version) ?? 0)
        look.batch.add("probe_http_ssl", [:], reply.certificates.isEmpty ? 0 : 1)
        // As blackbox_exporter has it: -1 when the reply does not say.
        look.batch.add("probe_http_content_length", [:], reply.headers["Content-Length"].flatMap(Double.init) ?? -1)
        look.batch.add("probe_http_uncompressed_body_length", [:], Double(reply.body.count))
        addPhases(reply.timings, to: &look.batch)
        addExpiry(of: reply.certificates, to: &look)
        if let health = HealthReply(body: reply.body) {
            look.health = health
            health.add(to: &look.batch)
        }
    }

    private func judge(_ reply: HTTPResponse, in look: inout Look) {
        let verdict = expectation.judge(reply, phrases)
        look.failure = verdict.failure
        look.batch.add("probe_failed_due_to_regex", [:], verdict.isPatternMismatch ? 1 : 0)
    }

    private func addPhases(_ timings: PhaseTimings, to batch: inout SampleBatch) {
        let phases: [(String, Duration?)] = [
            ("resolve", timings.resolve), ("connect", timings.connect), ("tls", timings.tls),
            ("processing", timings.processing), ("transfer", timings.transfer),
        ]
        for (phase, duration) in phases {
            guard let duration else { continue }
            batch.add("probe_http_duration_seconds", ["phase": phase], duration.inSeconds)
        }
        if let resolve = timings.resolve { batch.add("probe_dns_lookup_time_seconds", [:], resolve.inSeconds) }
    }

    /// A refused certificate is the moment when its date matters most.
    private func readCertificate(of request: HTTPRequest, in look: inout Look) async {
        var head = request
        head.method = "HEAD"
        head.body = []
        // Whoever stands behind an unknown certificate gets none of our secrets.
        head.credentials = nil
        head.headers = [:]
        head.redirectsMax = 0
        head.tls.verifiesPeer = false
        // Without a second handshake the first failure still stands, only without a date.
        guard let reply = try? await client.send(head) else { return }
        addExpiry(of: reply.certificates, to: &look)
    }
}

/// Notes when the first certificate of the chain ends.
func addExpiry(of chain: [PeerCertificate], to look: inout Look) {
    guard let expiry = chain.compactMap(\.notAfter).min() else { return }
    look.certificateExpiry = expiry
    look.batch.add("probe_ssl_earliest_cert_expiry", [:], expiry.secondsSinceEpoch)
}

/// `url` without user, password, query and fragment, for labels and pages.
func withoutSecrets(_ url: String) -> String {
    let path = url.prefix { $0 != "?" && $0 != "#" }
    guard let scheme = path.firstRange(of: "://") else { return String(path) }
    let rest = path[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@") else { return String(path) }
    return "\(path[..<scheme.upperBound])\(rest[rest.index(after: at)...])"
}
