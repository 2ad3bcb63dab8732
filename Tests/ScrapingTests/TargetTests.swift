import Relabelling
import Series
import Testing

@testable import Scraping

/// Goal: labels and address of a target follow from what discovery found as the reference makes them. Method: one job, one find,
/// one outcome.
@Suite struct TargetTests {
    static func job() -> ScrapeJob { ScrapeJob(name: "shop", interval: .seconds(15), timeout: .seconds(10)) }

    static func job(_ change: (inout ScrapeJob) throws -> Void) rethrows -> ScrapeJob {
        var job = job()
        try change(&job)
        return job
    }

    static func target(
        _ job: ScrapeJob, _ own: [String: String] = ["__address__": "10.0.0.1:80"], group: [String: String] = [:]
    ) throws -> Target {
        guard case .target(let target) = job.target(own, group: group) else {
            throw ScrapingError(.invalidTarget, "\(job.target(own, group: group))")
        }
        return target
    }

    @Test func `a plain target`() throws {
        let target = try Self.target(Self.job(), group: ["rack": "a"])
        #expect(target.labels == ["job": "shop", "instance": "10.0.0.1:80", "rack": "a"])
        #expect(target.url == "http://10.0.0.1:80/metrics")
        #expect(target.discoveredLabels["__scrape_interval__"] == "15s")
        #expect(target.discoveredLabels["__scrape_timeout__"] == "10s")
        #expect(target.interval == .seconds(15))
    }

    @Test func `the target's own label wins over its group's and the job's`() throws {
        let target = try Self.target(
            Self.job(), ["__address__": "a:1", "rack": "own", "job": "mine"], group: ["rack": "group"])
        #expect(target.labels == ["job": "mine", "instance": "a:1", "rack": "own"])
    }

    @Test func `relabelling steers address, scheme, path, parameters and rhythm`() throws {
        let job = try Self.job {
            $0.params = ["module": ["http_2xx", "other"], "x y": ["a&b"]]
            $0.relabelRules = [
                try RelabelRule(sourceLabels: ["__address__"], targetLabel: "__param_target"),
                try RelabelRule(targetLabel: "__address__", replacement: "127.0.0.1:9115"),
                try RelabelRule(targetLabel: "__scheme__", replacement: "https"),
                try RelabelRule(targetLabel: "__metrics_path__", replacement: "probe"),
                try RelabelRule(targetLabel: "__param_module", replacement: "tcp"),
                try RelabelRule(targetLabel: "__scrape_interval__", replacement: "1m"),
                try RelabelRule(targetLabel: "__tmp_x", replacement: "gone"),
            ]
        }
        let target = try Self.target(job)
        #expect(
            target.url
                == "https://127.0.0.1:9115/probe?module=tcp&module=other&target=10.0.0.1%3A80&x+y=a%26b")
        #expect(target.labels == ["job": "shop", "instance": "127.0.0.1:9115"])
        #expect(target.interval == .seconds(60))
    }

    @Test func `a dropped target keeps what was discovered`() throws {
        let job = try Self.job {
            $0.relabelRules = [try RelabelRule(action: .keep, sourceLabels: ["__meta_x"], pattern: "yes")]
        }
        guard case .dropped(let labels) = job.target(["__address__": "a:1", "__meta_x": "no"], group: [:]) else {
            Issue.record("it was not dropped")
            return
        }
        #expect(labels["__meta_x"] == "no")
        #expect(labels["__address__"] == "a:1")
    }

    @Test(arguments: [
        (["x": "y"], "no address"), (["__address__": "a:1/metrics"], "not a valid hostname"),
        (["__address__": "a:1", "__scheme__": "ftp"], "neither http nor https"),
        (["__address__": "a:1", "__scrape_interval__": "often"], "is not a duration"),
        (["__address__": "a:1", "__scrape_interval__": "0s"], "cannot be 0"),
        (["__address__": "a:1", "__scrape_timeout__": "1m"], "longer than the interval"),
    ])
    func `what cannot be scraped says why`(own: [String: String], words: String) {
        guard case .invalid(_, let reason) = Self.job().target(own, group: [:]) else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.contains(words), "\(reason)")
    }
}
