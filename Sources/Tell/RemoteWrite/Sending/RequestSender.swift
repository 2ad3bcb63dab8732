import ClientSettings
import Compression
import Diagnostics
import Exposition
import Outbound
import Series
import Synchronization
import Units

/// How a request ended for good.
struct RequestOutcome: Sendable {
    var sentSamples = 0
    var sentHistograms = 0
    var sentExemplars = 0
    var failedSamples = 0
    var lastError: String?
}

/// Sends requests of one shard, one after the other, again and again while a later try may work.
struct RequestSender: Sendable {
    let settings: RemoteWriteSettings
    let userAgent: String
    let connection: HTTPConnection
    let clock: any Clock<Duration>
    let wallClock: any WallClock
    let tally: @Sendable (_ change: @Sendable (inout SenderTally) -> Void) -> Void

    /// How one try ended.
    private enum Answer {
        case taken
        /// A later try may work, after this long if the receiver said so.
        case later(Duration?, reason: String)
        /// It will never work as it is. `mayBePartial`: some of it may be fine.
        case refused(reason: String, mayBePartial: Bool)
    }

    /// How often a request is cut in two to find what a receiver does not take; past this the rest is given up. By time there are
    /// only as many cuts as times; by series there could be thousands, all in vain where the receiver has them already.
    private static let cutsByTimeMax = 500
    private static let cutsBySeriesMax = 16

    /// - Throws: `CancellationError` alone; the request is then to be sent again.
    func send(_ request: WriteRequest) async throws -> RequestOutcome {
        var outcome = RequestOutcome()
        var cutsByTime = Self.cutsByTimeMax
        var cutsBySeries = Self.cutsBySeriesMax
        var waiting = [request]
        while let next = waiting.popLast() {
            switch try await persist(next) {
            case nil:
                outcome.sentSamples += next.sampleCount
                outcome.sentHistograms += next.histogramCount
                outcome.sentExemplars += next.exemplarCount
            case .some(let refusal):
                // Receivers refuse a request as a whole for one sample that they have already or that is out of order.
                if refusal.mayBePartial, cutsByTime > 0, let halves = next.halvesByTime {
                    cutsByTime -= 1
                    waiting.append(halves.1)
                    waiting.append(halves.0)
                } else if refusal.mayBePartial, cutsBySeries > 0, let halves = next.halvesBySeries {
                    cutsBySeries -= 1
                    waiting.append(halves.1)
                    waiting.append(halves.0)
                } else {
                    outcome.failedSamples += next.sampleCount + next.histogramCount
                    outcome.lastError = refusal.reason
                }
            }
        }
        return outcome
    }

    /// Tries once.
    func isTaken(_ request: WriteRequest) async -> Bool {
        let body = Snappy.compress(writeWriteRequest(request, settings.version))
        // Only cancellation throws, and then it was not taken.
        if case .taken? = try? await attempt(body) { return true }
        return false
    }

    /// Tries until the receiver takes or refuses it.
    /// - Returns: nil when it was taken.
    private func persist(_ request: WriteRequest) async throws -> (reason: String, mayBePartial: Bool)? {
        let body = Snappy.compress(writeWriteRequest(request, settings.version))
        var backoff = settings.queue.backoffMin
        while true {
            switch try await attempt(body) {
            case .taken: return nil
            case .refused(let reason, let mayBePartial): return (reason, mayBePartial)
            case .later(let wished, let reason):
                tally {
                    $0.retriedSamples += request.sampleCount + request.histogramCount
                    $0.lastError = reason
                }
                try await clock.sleep(for: max(wished ?? .zero, backoff))
                backoff = min(backoff * 2, settings.queue.backoffMax)
            }
        }
    }

    private func attempt(_ body: [UInt8]) async throws -> Answer {
        let start = ContinuousClock.now
        let response: HTTPResponse
        do {
            response = try await connection.send { [settings, userAgent] in
                var request = HTTPRequest(
                    url: settings.url, method: "POST",
                    headers: [
                        "Content-Type": settings.version.contentType, "Content-Encoding": "snappy",
                        "X-Prometheus-Remote-Write-Version": settings.version.header, "User-Agent": userAgent,
                    ], body: body, timeout: settings.timeout, connectTimeout: settings.timeout,
                    bodyBytesMax: 64 << 10, truncatesBody: true)
                for (name, value) in settings.headers { request.headers[name] = value.reveal() }
                try settings.client.apply(to: &request)
                return request
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return .later(nil, reason: (error as? any Failure)?.oneLine ?? describe(error))
        }
        let seconds = start.duration(to: .now).inSeconds
        tally {
            $0.requests += 1
            $0.requestSeconds += seconds
            $0.bytes += body.count
        }
        return judge(response)
    }

    private func judge(_ response: HTTPResponse) -> Answer {
        let said = response.text.prefix(300).split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
        let reason = "the receiver answered \(response.status)\(said)"
        switch response.status {
        case 200..<300:
            let written = response.headers["X-Prometheus-Remote-Write-Samples-Written"]
            if settings.version == .v2, written == nil {
                // The specification has it that such a receiver knows only version 1 and has written nothing.
                return .refused(
                    reason: "the receiver does not say what it wrote, so it does not know version 2 of remote write",
                    mayBePartial: false)
            }
            return .taken
        case 429 where settings.queue.retriesOnRateLimit, 500...:
            let wished = response.headers["Retry-After"].flatMap { retryDelay($0, now: wallClock.now) }
            return .later(wished, reason: reason)
        case 400: return .refused(reason: reason, mayBePartial: true)
        default: return .refused(reason: reason, mayBePartial: false)
        }
    }
}
