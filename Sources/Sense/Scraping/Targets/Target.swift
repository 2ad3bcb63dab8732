import Relabelling
public import Series
import Units

/// An address that is scraped, with the labels that its samples get.
public struct Target: Sendable, Hashable {
    /// As discovery found it, before relabelling: all `__meta_…` labels among them.
    public var discoveredLabels: Labels
    /// What the samples get: nothing that begins with two underscores.
    public var labels: Labels
    public var url: String
    public var interval: Duration
    public var timeout: Duration

    /// Targets that are the same go on undisturbed when discovery finds them again.
    struct Identity: Hashable {
        var labels: Labels
        var url: String
        var interval: Duration
        var timeout: Duration
    }

    var identity: Identity { Identity(labels: labels, url: url, interval: interval, timeout: timeout) }
}

/// What relabelling made of a discovered set of labels.
enum TargetOutcome: Sendable, Hashable {
    case target(Target)
    /// A rule dropped it.
    case dropped(Labels)
    /// It cannot be scraped as it stands.
    case invalid(Labels, reason: String)
}

/// The label names that steer a scrape.
enum TargetLabel {
    static let address = "__address__"
    static let scheme = "__scheme__"
    static let metricsPath = "__metrics_path__"
    static let interval = "__scrape_interval__"
    static let timeout = "__scrape_timeout__"
    static let parameterPrefix = "__param_"
    static let metaPrefix = "__meta_"
    static let reservedPrefix = "__"
}

extension ScrapeJob {
    /// Makes a target of what discovery found.
    ///
    /// The order is the reference's: the target's own labels, then its group's, then the job's standard values for what is still
    /// open; relabelling; then `__address__`, `__scheme__`, `__metrics_path__` and `__param_…` make the address, and
    /// `__scrape_interval__` and `__scrape_timeout__` the rhythm.
    func target(_ own: [String: String], group: [String: String]) -> TargetOutcome {
        var labels = Labels(group.map { ($0.key, $0.value) })
        for (name, value) in own { labels[name] = value }
        func standard(_ name: String, _ value: String) {
            if labels[name] == nil { labels[name] = value }
        }
        standard("job", name)
        standard(TargetLabel.interval, interval.prometheusText)
        standard(TargetLabel.timeout, timeout.prometheusText)
        standard(TargetLabel.metricsPath, metricsPath)
        standard(TargetLabel.scheme, scheme)
        for (name, values) in params {
            if let first = values.first { standard("\(TargetLabel.parameterPrefix)\(name)", first) }
        }
        for (name, value) in furtherLabels { standard(name, value) }
        let discovered = labels
        guard let relabelled = relabelRules.relabelled(labels) else { return .dropped(discovered) }
        do throws(ScrapingError) {
            return .target(try target(relabelled, discovered: discovered))
        } catch {
            return .invalid(discovered, reason: error.summary)
        }
    }

    private func target(_ labels: Labels, discovered: Labels) throws(ScrapingError) -> Target {
        func wrong(_ reason: String) -> ScrapingError { ScrapingError(.invalidTarget, reason) }
        guard let address = labels[TargetLabel.address] else { throw wrong("no address") }
        guard !address.contains("/") else { throw wrong("'\(address)' is not a valid hostname") }
        guard let scheme = labels[TargetLabel.scheme], scheme == "http" || scheme == "https" else {
            throw wrong("'\(labels[TargetLabel.scheme] ?? "")' is neither http nor https")
        }
        func duration(_ name: String, _ word: String) throws(ScrapingError) -> Duration {
            guard let span = Duration(prometheusText: labels[name] ?? "") else {
                throw wrong("the scrape \(word) '\(labels[name] ?? "")' is not a duration")
            }
            guard span > .zero else { throw wrong("the scrape \(word) cannot be 0") }
            return span
        }
        let interval = try duration(TargetLabel.interval, "interval")
        let timeout = try duration(TargetLabel.timeout, "timeout")
        guard timeout <= interval else {
            throw wrong(
                "the scrape timeout of \(timeout.prometheusText) is longer than the interval of \(interval.prometheusText)"
            )
        }
        var kept = Labels(
            labels.pairs.filter { !$0.name.hasPrefix(TargetLabel.reservedPrefix) }.map { ($0.name, $0.value) })
        if kept["instance"] == nil { kept["instance"] = address }
        for pair in kept.pairs where !nameScheme.allows(label: pair.name) {
            throw wrong("'\(pair.name)' is not a label's name")
        }
        return Target(
            discoveredLabels: discovered, labels: kept, url: url(scheme: scheme, address: address, labels),
            interval: interval, timeout: timeout)
    }

    private func url(scheme: String, address: String, _ labels: Labels) -> String {
        var parameters = params.filter { !$0.value.isEmpty }
        for pair in labels.pairs where pair.name.hasPrefix(TargetLabel.parameterPrefix) {
            let name = String(pair.name.dropFirst(TargetLabel.parameterPrefix.count))
            if parameters[name]?.isEmpty == false {
                parameters[name]![0] = pair.value
            } else {
                parameters[name] = [pair.value]
            }
        }
        let query = parameters.sorted { $0.key < $1.key }.flatMap { name, values in
            values.map { "\(percentEncoded(name))=\(percentEncoded($0))" }
        }
        var path = labels[TargetLabel.metricsPath] ?? "/"
        if !path.hasPrefix("/") { path = "/\(path)" }
        let address = query.isEmpty ? "\(scheme)://\(address)\(path)" : "\(scheme)://\(address)\(path)?"
        return address + query.joined(separator: "&")
    }
}

/// `text` as a part of a query: everything but letters, digits, `-`, `_`, `.` and `~` as %XX, a space as `+`.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            bytes.append(byte)
        case UInt8(ascii: " "): bytes.append(UInt8(ascii: "+"))
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
