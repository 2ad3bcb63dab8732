import ClientSettings
import Diagnostics
import JSONCoding
import Outbound

/// Targets from a web address that answers with JSON (<https://prometheus.io/docs/prometheus/latest/http_sd/>).
struct HTTPDiscovery: TargetDiscovery {
    let mechanism = "http"
    let refresh: Duration?
    private let url: String
    private let client: HTTPClientSettings
    private let seconds: Double

    init(url: String, refresh: Duration, client: HTTPClientSettings) {
        self.url = url
        self.refresh = refresh
        self.client = client
        seconds = refresh.inSecondsForHeader
    }

    func read() async throws -> [TargetGroup] {
        var request = HTTPRequest(
            url: url,
            headers: [
                "Accept": "application/json", "X-Prometheus-Refresh-Interval-Seconds": "\(Int(seconds.rounded(.up)))",
            ],
            timeout: .seconds(30), connectTimeout: .seconds(10), bodyBytesMax: 16 << 20)
        request.acceptsCompression = true
        let response = try await HTTPConnection().send { [client, request] in
            var request = request
            try client.apply(to: &request)
            return request
        }
        let place = displayedOrigin(of: Secret(url))
        guard response.status == 200 else {
            throw ScrapingError(.discoveryFailed, "\(place) answered \(response.status) where targets were expected")
        }
        let type = response.headers["Content-Type"]?.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == "application/json" else {
            throw ScrapingError(
                .discoveryFailed,
                "\(place) answered with the content type '\(type ?? "")' where application/json is expected")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: response.body)
        } catch {
            throw ScrapingError(.discoveryFailed, "\(place): \(describe(error))")
        }
        return try TargetGroup.list(value, source: place).map { group in
            var group = group
            group.labels["__meta_url"] = url
            return group
        }
    }
}

extension Duration {
    var inSecondsForHeader: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
