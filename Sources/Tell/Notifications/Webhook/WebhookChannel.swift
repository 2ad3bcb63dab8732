import Crypto
import Diagnostics
import JSONCoding
import Outbound

/// Posts Alertmanager's webhook JSON, version 4
/// (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
struct WebhookChannel: Channel {
    let settings: WebhookSettings

    func send(_ delivery: Delivery) async throws {
        let body = Array(Self.payload(of: delivery).canonicalText.utf8)
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Idempotency-Key": delivery.id]
        if let key = settings.hmacKey {
            headers["X-Jaga-Signature"] = "sha256=" + Self.signature(of: body, key: key)
        }
        let request = HTTPRequest(
            url: settings.url.reveal(), method: "POST", headers: headers, body: body,
            credentials: settings.credentials, timeout: settings.timeout, connectTimeout: settings.timeout,
            // The reply's words are not used; a large one is cut.
            bodyBytesMax: 4096, truncatesBody: true, tls: settings.tls)
        let reply = try await HTTPClient().send(request)
        guard !(200..<300).contains(reply.status) else { return }
        let seconds = reply.headers["Retry-After"].flatMap { Int($0) }
        throw NotificationError(
            .refused(status: reply.status), target: displayedOrigin(of: settings.url),
            retryAfter: seconds.map { .seconds(max(0, $0)) })
    }

    static func payload(of delivery: Delivery) -> JSONValue {
        let request = delivery.request
        return [
            "version": "4", "groupKey": .string(request.groupKey),
            "truncatedAlerts": .integer(Int64(request.truncatedAlertCount)),
            "status": .string(request.status.rawValue), "receiver": .string(request.receiver),
            "groupLabels": NotificationRequest.json(request.groupLabels),
            "commonLabels": NotificationRequest.json(request.commonLabels),
            "commonAnnotations": NotificationRequest.json(request.commonAnnotations),
            "externalURL": .string(delivery.externalURL), "alerts": .array(request.alerts.map(\.json)),
        ]
    }

    /// Lower-case hexadecimal HMAC-SHA256 (RFC 2104).
    static func signature(of body: [UInt8], key: Secret) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(key.reveal().utf8)))
        return code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
