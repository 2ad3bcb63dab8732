import Outbound
import Series
import Texts
import Units

/// A look at a port or a unix socket: does it take a connection.
struct TCPLook: Looking {
    enum Address: Sendable {
        case port(host: String, port: Int)
        case unixSocket(String)
    }

    let address: Address
    let timeout: Duration
    let durationMax: Duration?
    let phrases: Phrases<ProbeText>

    var target: String {
        switch address {
        case .port(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unixSocket(let path): path
        }
    }

    func look(at now: Timestamp) async throws -> Look {
        var look = Look(at: now)
        do {
            let timings =
                switch address {
                case .port(let host, let port):
                    try await ConnectionCheck().tcp(host: host, port: port, timeout: timeout)
                case .unixSocket(let path): try await ConnectionCheck().unixSocket(path: path, timeout: timeout)
                }
            look.elapsed = timings.total
            look.batch.add("probe_duration_seconds", [:], timings.total.inSeconds)
            addConnectionPhases(timings, to: &look.batch)
            if let durationMax, timings.total > durationMax {
                look.failure = phrases(
                    .connectionSlow, ["span": timings.total.briefText, "limit": durationMax.briefText])
            }
        } catch let error as OutboundError {
            look.failure = error.summary
            if let timings = error.timings { addConnectionPhases(timings, to: &look.batch) }
        }
        return look
    }
}

/// A look at the certificate that a TLS server shows: chain, name and date. Also a refused one is dated.
struct TLSLook: Looking {
    let host: String
    let port: Int
    let serverName: String?
    let options: TLSOptions
    let timeout: Duration

    var target: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func look(at now: Timestamp) async throws -> Look {
        var look = Look(at: now)
        do {
            let outcome = try await ConnectionCheck().tls(
                host: host, port: port, serverName: serverName, options: options, timeout: timeout)
            look.elapsed = outcome.timings.total
            look.batch.add("probe_duration_seconds", [:], outcome.timings.total.inSeconds)
            addConnectionPhases(outcome.timings, to: &look.batch)
            addExpiry(of: outcome.certificates, to: &look)
            look.failure = outcome.refusal?.summary
            look.batch.add("probe_tls_verified", [:], outcome.refusal == nil ? 1 : 0)
            if let leaf = outcome.certificates.first {
                look.batch.add(
                    "probe_ssl_last_chain_info",
                    [
                        "subject": leaf.subject, "issuer": leaf.issuer,
                        "subjectalternative": leaf.alternativeNames.joined(separator: ","),
                    ],
                    1)
            }
        } catch let error as OutboundError {
            look.failure = error.summary
            if let timings = error.timings { addConnectionPhases(timings, to: &look.batch) }
        }
        return look
    }
}

private func addConnectionPhases(_ timings: PhaseTimings, to batch: inout SampleBatch) {
    if let resolve = timings.resolve { batch.add("probe_dns_lookup_time_seconds", [:], resolve.inSeconds) }
    let phases: [(String, Duration?)] = [
        ("resolve", timings.resolve), ("connect", timings.connect), ("tls", timings.tls),
    ]
    for (phase, duration) in phases {
        guard let duration else { continue }
        batch.add("jaga_probe_connection_duration_seconds", ["phase": phase], duration.inSeconds)
    }
}
